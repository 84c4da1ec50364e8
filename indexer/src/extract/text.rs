//! The text behind nodes: words, spans, signatures, the comment above a definition.

use kotadb_core::facts::Span;
use tree_sitter::Node;

/// A text; bytes that are no UTF-8 are in it as they are.
#[derive(Clone, Copy)]
pub struct Text<'t>(pub &'t [u8]);

/// Longest blanks before what has a comment above it.
const MAX_INDENT: usize = 1024;

/// How a language writes documentation above what it is about.
#[derive(Clone, Copy)]
pub struct Comments {
    /// Signs of a comment up to the end of its line, longest first: `///`.
    pub line: &'static [&'static str],
    /// Sign that opens a comment up to `*/`: `/**`.
    pub block: Option<&'static str>,
}

/// Longest type or path that is looked at, in bytes.
const MAX_SHORT: usize = 1000;

impl<'t> Text<'t> {
    /// What a node says; empty where that is no UTF-8.
    pub fn of(self, node: Node<'_>) -> &'t str {
        self.slice(node.start_byte(), node.end_byte())
    }

    /// The first byte of a node: cheaper than to look at all of it.
    pub fn first_byte(self, node: Node<'_>) -> Option<u8> {
        self.0.get(node.start_byte()).copied()
    }

    /// What a short node says; empty where it is long. Types and paths are asked for again and again in what is nested, and a long
    /// one says nothing.
    pub fn short(self, node: Node<'_>) -> &'t str {
        if node.end_byte() - node.start_byte() > MAX_SHORT { "" } else { self.of(node) }
    }

    /// A part of the text; empty where it is none, or no UTF-8.
    pub fn slice(self, start: usize, end: usize) -> &'t str {
        self.0.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// From the first word of a declaration up to where its body starts, without the sign between them.
    pub fn signature(self, start: usize, body: usize) -> Span {
        let bytes = self.0.get(start..body).unwrap_or_default();
        let start = start + (bytes.len() - bytes.trim_ascii_start().len());
        let bytes = bytes.trim_ascii_start();
        let is_idle = |byte: &u8| byte.is_ascii_whitespace() || b"{=:;,".contains(byte);
        let n_idle = bytes.iter().rev().take_while(|byte| is_idle(byte)).count();
        to_span(start, start + bytes.len() - n_idle)
    }

    /// A statement up to the end of its first line.
    pub fn first_row(self, node: Node<'_>) -> Span {
        self.row(node.start_byte(), node.end_byte())
    }

    /// A part up to the end of its first line.
    pub fn row(self, start: usize, end: usize) -> Span {
        let bytes = self.0.get(start..end).unwrap_or_default();
        let start = start + (bytes.len() - bytes.trim_ascii_start().len());
        let bytes = bytes.trim_ascii_start();
        let len = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        to_span(start, start + bytes[..len].trim_ascii_end().len())
    }

    /// The first line with words of the comment that ends right above the line of `start`.
    pub fn comment_above(self, start: usize, style: Comments) -> Option<Span> {
        // On a line of a thousand bytes nobody writes documentation.
        let indent = &self.0[start.saturating_sub(MAX_INDENT)..start];
        let is_alone = indent.len() == start || memchr::memchr(b'\n', indent).is_some();
        let mut end = if is_alone { self.line_start(start) } else { return None };
        if !self.0[end..start].iter().all(u8::is_ascii_whitespace) {
            return None;
        }
        let mut first = None;
        while end > 0 {
            let line_start = self.line_start(end - 1);
            let line = trim(self.0, line_start, end);
            let Some(sign) = style.line.iter().find(|sign| self.bytes(line).starts_with(sign.as_bytes())) else {
                return first.or_else(|| self.block_above(line, style.block?));
            };
            let words = trim(self.0, line.start as usize + sign.len(), line.end as usize);
            first = if words.start < words.end { Some(words) } else { first };
            end = line_start;
        }
        first
    }

    /// The first line with words of the block comment that ends where `line` ends.
    fn block_above(self, line: Span, open: &str) -> Option<Span> {
        let text = &self.0[..line.end as usize];
        let inside = text.strip_suffix(b"*/")?;
        let start = memchr::memmem::rfind(inside, b"/*")?;
        let words = text[start..].strip_prefix(open.as_bytes()).map(|_| start + open.len())?;
        self.first_line(words, inside.len(), b"*")
    }

    /// The first line with words between two places, without `idle` bytes and blanks round them.
    pub fn first_line(self, start: usize, end: usize, idle: &[u8]) -> Option<Span> {
        let mut at = start;
        for line in self.0.get(start..end)?.split(|&byte| byte == b'\n') {
            let n_idle = line.iter().take_while(|byte| byte.is_ascii_whitespace() || idle.contains(byte)).count();
            let words = trim(self.0, at + n_idle, at + line.len());
            if words.start < words.end {
                return Some(words);
            }
            at += line.len() + 1;
        }
        None
    }

    fn bytes(self, span: Span) -> &'t [u8] {
        &self.0[span.start as usize..span.end as usize]
    }

    fn line_start(self, at: usize) -> usize {
        memchr::memrchr(b'\n', &self.0[..at]).map_or(0, |newline| newline + 1)
    }
}

/// Where a node stands.
pub fn span(node: Node<'_>) -> Span {
    to_span(node.start_byte(), node.end_byte())
}

/// From `start` up to `end`. Texts are shorter than 4 GiB.
pub fn to_span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// A part without the blanks at its ends.
fn trim(text: &[u8], start: usize, end: usize) -> Span {
    let bytes = text.get(start..end).unwrap_or_default();
    let n_before = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    to_span(start + n_before, start + n_before + bytes.trim_ascii().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: Comments = Comments { line: &["///", "//"], block: Some("/**") };

    fn above(text: &str) -> Option<&str> {
        let start = text.find("fn").unwrap();
        let span = Text(text.as_bytes()).comment_above(start, C)?;
        Some(&text[span.start as usize..span.end as usize])
    }

    #[test]
    fn the_first_line_of_the_comment_above() {
        let cases = [
            ("/// One.\n/// Two.\nfn", Some("One.")),
            ("x\n  //\n  // One.  \n  fn", Some("One.")),
            ("/** One. */\nfn", Some("One.")),
            ("/**\n * One.\n * Two.\n */\nfn", Some("One.")),
            ("/* One. */\nfn", None),
            ("/// One.\n\nfn", None),
            ("/// One.\nx; fn", None),
            ("/***/\nfn", None),
            ("*/\nfn", None),
            ("fn", None),
        ];
        for (text, line) in cases {
            assert_eq!(above(text), line, "{text:?}");
        }
    }

    #[test]
    fn a_signature_ends_before_its_body() {
        let text = "fn f(a: u8) -> T\n{ }";
        assert_eq!(Text(text.as_bytes()).signature(0, text.find('}').unwrap()), to_span(0, 16));
    }
}
