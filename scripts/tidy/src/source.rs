//! One Rust file as the rules see it: its text, and its code with comments, strings and tests blanked out.

/// A Rust file of the tree. `code` and `program` have the lines and columns of `text`, so that offsets agree.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path relative to the root of the workspace, with `/`.
    pub path: String,
    /// As it is on disk.
    pub text: String,
    /// Comments and the insides of strings and characters blanked.
    pub code: String,
    /// `code` without its inline tests; empty for a file that is all test.
    pub program: String,
}

impl Source {
    /// Reads `text` as the file at `path`.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let code = blank_comments_and_strings(text);
        let program = if is_test_file(path) { String::new() } else { blank_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, program }
    }

    /// Line of a byte offset, 1-based.
    #[must_use]
    pub fn line_at(&self, offset: usize) -> usize {
        self.text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    /// Lines of the file without its inline tests.
    #[must_use]
    pub fn n_lines_net(&self) -> usize {
        let n_test_lines: usize =
            test_items(&self.code).map(|(start, end)| self.code[start..end].lines().count()).sum();
        self.text.lines().count() - n_test_lines
    }
}

/// Tests, benches, examples and what only they use, by name: a module under `#[cfg(test)]` has a file `tests.rs` or `…_tests.rs`.
fn is_test_file(path: &str) -> bool {
    let folder = |name: &str| path.starts_with(&format!("{name}/")) || path.contains(&format!("/{name}/"));
    ["tests", "benches", "examples"].into_iter().any(folder)
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
        || path.starts_with("core/src/testing")
}

/// Blanks every `#[cfg(test)]` item.
fn blank_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    for (start, end) in test_items(code) {
        blank(&mut bytes[start..end]);
    }
    String::from_utf8(bytes).expect("items begin and end at ASCII bytes")
}

/// Ranges of the items under `#[cfg(test)]`, attribute included.
fn test_items(code: &str) -> impl Iterator<Item = (usize, usize)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + code[from..].find("#[cfg(test)]")?;
        let end = item_end(code, start + "#[cfg(test)]".len());
        from = end;
        Some((start, end))
    })
}

/// End of the item that begins at `start`: its closing brace, or its semicolon where it has no body.
pub(crate) fn item_end(code: &str, start: usize) -> usize {
    match body(code, start) {
        Some((_, end)) => end,
        None => code[start..].find(';').map_or(code.len(), |offset| start + offset + 1),
    }
}

/// The braces of the first item at or after `start`; `None` where a `;` comes before them.
pub(crate) fn body(code: &str, start: usize) -> Option<(usize, usize)> {
    let mut depth = 0;
    let mut open = None;
    for (i, byte) in code.bytes().enumerate().skip(start) {
        match byte {
            b';' if depth == 0 => return None,
            b'{' if depth == 0 => open = Some(i),
            _ => {}
        }
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        if let (Some(open), 0, b'}') = (open, depth, byte) {
            return Some((open, i + 1));
        }
    }
    None
}

fn blank_comments_and_strings(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = token_end(text.as_bytes(), at);
        if let Some((from, to)) = end.inside {
            blank(&mut bytes[from..to]);
        }
        at = end.next;
    }
    String::from_utf8(bytes).expect("multi-byte characters are blanked whole or kept whole")
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Where a token ends and which part of it is no code.
struct Token {
    next: usize,
    inside: Option<(usize, usize)>,
}

fn token_end(bytes: &[u8], at: usize) -> Token {
    let rest = &bytes[at..];
    let whole = |len: usize| Token { next: at + len, inside: Some((at, at + len)) };
    match rest {
        [b'/', b'/', ..] => whole(find(rest, b"\n").unwrap_or(rest.len())),
        [b'/', b'*', ..] => whole(comment_len(rest)),
        [b'"', ..] => inner(at, string_len(rest)),
        [b'r', b'"' | b'#', ..] if !part_of_word(bytes, at) => raw_string(rest, at),
        [b'\'', ..] => character_len(rest).map_or(plain(at), |len| inner(at, len)),
        _ => plain(at),
    }
}

fn plain(at: usize) -> Token {
    Token { next: at + 1, inside: None }
}

/// A quoted token of `len` bytes: the quotes stay.
fn inner(at: usize, len: usize) -> Token {
    Token { next: at + len, inside: (len >= 2).then_some((at + 1, at + len - 1)) }
}

/// Whether the byte before `at` belongs to the same word (`br"…"` is a string, `for"` is none).
fn part_of_word(bytes: &[u8], at: usize) -> bool {
    let word = |i: usize| bytes[i].is_ascii_alphanumeric() || bytes[i] == b'_';
    match at {
        0 => false,
        1 => word(0) && bytes[0] != b'b',
        _ => word(at - 1) && (bytes[at - 1] != b'b' || word(at - 2)),
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Block comments nest.
fn comment_len(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn string_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], at: usize) -> Token {
    let n_hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + n_hashes) != Some(&b'"') {
        return plain(at);
    }
    let open = n_hashes + 2;
    let close = [b"\"".as_slice(), &vec![b'#'; n_hashes]].concat();
    let end = find(&rest[open..], &close).map_or(rest.len(), |offset| open + offset);
    Token { next: at + (end + close.len()).min(rest.len()), inside: Some((at + open, at + end)) }
}

/// Length of a character literal; `None` for a lifetime.
fn character_len(rest: &[u8]) -> Option<usize> {
    match rest {
        [_, b'\\', _, tail @ ..] => find(tail, b"'").map(|offset| offset + 4),
        _ => {
            let len = find(&rest[1..rest.len().min(6)], b"'")? + 2;
            let text = std::str::from_utf8(&rest[1..len - 1]).ok()?;
            (text.chars().count() == 1).then_some(len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("core/src/a.rs", text).code
    }

    #[test]
    fn comments_and_strings_are_blank() {
        assert_eq!(code("a // b\nc"), "a     \nc");
        assert_eq!(code("/* a /* b */ c */d"), "                 d");
        assert_eq!(code(r#"f("a\"b")"#), r#"f("    ")"#);
        assert_eq!(code(r##"f(r#"a"b"#)"##), r##"f(r#"   "#)"##);
        assert_eq!(code("br\"ab\""), "br\"  \"");
    }

    #[test]
    fn characters_are_no_lifetimes() {
        assert_eq!(code("f('\"', 'a)"), "f(' ', 'a)");
        assert_eq!(code(r"f('\'', '\u{7f}', b'x')"), r"f('  ', '      ', b' ')");
        assert_eq!(code("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn tests_are_no_program() {
        let source = Source::new("core/src/a.rs", "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n");
        assert!(source.program.contains("fn a"));
        assert!(!source.program.contains("fn b"));
        assert_eq!(source.n_lines_net(), 2);
        assert_eq!(Source::new("core/tests/it/main.rs", "fn a() {}").program, "");
    }
}
