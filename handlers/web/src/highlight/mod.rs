//! Colours for code: a small lexer that knows comments, strings, numbers and words of a language. Symbols come from the index,
//! so a word needs no more than a colour here, and a line of an answer has one as well as a whole file. What is not known is
//! plain.

mod grammar;

use std::ops::Range;

use kotadb_core::text::Language;

use self::grammar::{Grammar, Quote};

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A comment.
    Comment,
    /// A string or character.
    Text,
    /// A number.
    Number,
    /// A word of the language.
    Keyword,
    /// A name before a parenthesis.
    Call,
    /// A name that begins with a capital.
    Type,
}

impl Kind {
    /// Its class in the style sheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Comment => "hc",
            Self::Text => "hs",
            Self::Number => "hn",
            Self::Keyword => "hk",
            Self::Call => "hf",
            Self::Type => "ht",
        }
    }
}

/// A piece that has a colour.
pub(crate) type Span = (Range<usize>, Kind);

/// The pieces of a text that are not plain, in order.
pub(crate) fn spans(language: Language, text: &[u8]) -> Vec<Span> {
    let Some(grammar) = Grammar::of(language) else { return Vec::new() };
    let mut lexer = Lexer { grammar, text, at: 0, spans: Vec::new() };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.spans
}

struct Lexer<'a> {
    grammar: &'static Grammar,
    text: &'a [u8],
    at: usize,
    spans: Vec<Span>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if self.grammar.is_prose && rest[0] == b'#' && self.begins_line() {
            self.take(line_len(rest), Kind::Keyword);
        } else if let Some(len) = self.comment(rest) {
            self.take(len, Kind::Comment);
        } else if let Some(len) = self.string(rest) {
            self.take(len, Kind::Text);
        } else if rest[0].is_ascii_digit() && !self.grammar.is_prose {
            self.take(number_len(rest), Kind::Number);
        } else if is_word(rest[0]) {
            self.word(rest);
        } else {
            self.at += 1;
        }
    }

    fn begins_line(&self) -> bool {
        self.at == 0 || self.text[self.at - 1] == b'\n'
    }

    fn take(&mut self, len: usize, kind: Kind) {
        self.spans.push((self.at..self.at + len, kind));
        self.at += len;
    }

    fn comment(&self, rest: &[u8]) -> Option<usize> {
        let block = self.grammar.blocks.iter().find(|(open, _)| rest.starts_with(open.as_bytes()));
        if let Some((open, close)) = block {
            return Some(until(rest, open.len(), close.as_bytes()));
        }
        let is_line = |open: &&&str| rest.starts_with(open.as_bytes()) && self.begins_comment(open);
        self.grammar.lines.iter().find(is_line).map(|_| line_len(rest))
    }

    /// `#` begins a comment behind a blank only: `$#` and `a#b` have none.
    fn begins_comment(&self, open: &str) -> bool {
        open != "#" || self.at == 0 || !is_word(self.text[self.at - 1]) && self.text[self.at - 1] != b'$'
    }

    fn string(&self, rest: &[u8]) -> Option<usize> {
        let quote = self.grammar.quotes.iter().find(|quote| rest.starts_with(quote.open.as_bytes()))?;
        match quote.open {
            "'" if self.grammar.has_lifetimes => character_len(rest),
            _ => Some(quoted_len(rest, quote)),
        }
    }

    fn word(&mut self, rest: &[u8]) {
        let len = rest.iter().take_while(|byte| is_word(**byte)).count();
        let word = &rest[..len];
        let is_called = rest[len..].first() == Some(&b'(') || rest[len..].starts_with(b"!(");
        let kind = match word {
            word if self.grammar.knows(word) => Some(Kind::Keyword),
            _ if is_called && !self.grammar.is_prose => Some(Kind::Call),
            [b'A'..=b'Z', ..] if self.grammar.has_types => Some(Kind::Type),
            _ => None,
        };
        match kind {
            Some(kind) => self.take(len, kind),
            None => self.at += len,
        }
    }
}

/// Bytes beyond ASCII belong to words, so that no piece ends within a character.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn number_len(rest: &[u8]) -> usize {
    let is_part = |at: usize| {
        let next_is_digit = rest.get(at + 1).is_some_and(u8::is_ascii_digit);
        rest[at].is_ascii_alphanumeric() || rest[at] == b'_' || (rest[at] == b'.' && next_is_digit)
    };
    (0..rest.len()).take_while(|at| is_part(*at)).count()
}

fn line_len(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Length up to and with `close`, looked for from `from` on.
fn until(rest: &[u8], from: usize, close: &[u8]) -> usize {
    let found = rest[from..].windows(close.len()).position(|window| window == close);
    found.map_or(rest.len(), |at| from + at + close.len())
}

fn quoted_len(rest: &[u8], quote: &Quote) -> usize {
    let mut at = quote.open.len();
    while at < rest.len() {
        match rest[at] {
            b'\\' if quote.escapes => at += 1,
            b'\n' if !quote.goes_on => return at,
            _ if rest[at..].starts_with(quote.close.as_bytes()) => return at + quote.close.len(),
            _ => {}
        }
        at += 1;
    }
    rest.len()
}

/// `'a'` and `'\n'`, but not `'a` of a lifetime.
fn character_len(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).take(10).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let character = std::str::from_utf8(&rest[1..rest.len().min(5)])
        .or_else(|error| std::str::from_utf8(&rest[1..1 + error.valid_up_to()]));
    let len = character.ok()?.chars().next()?.len_utf8();
    (rest.get(1 + len) == Some(&b'\'')).then_some(len + 2)
}

#[cfg(test)]
mod tests {
    use kotadb_core::facts::extractor_version;

    use super::*;

    fn shown(language: &str, text: &str) -> String {
        let spans = spans(Language::from_name(language).unwrap(), text.as_bytes());
        let pieces = spans.iter().map(|(range, kind)| format!("{}:{}", kind.class(), &text[range.clone()]));
        pieces.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_language_has_its_colours() {
        assert_eq!(
            shown("rust", "pub fn f<'a>(x: &'a Pool) -> char { 'x' } // it's\n"),
            "hk:pub hk:fn ht:Pool hk:char hs:'x' hc:// it's"
        );
        assert_eq!(shown("rust", "/* a\nb */ 0x1F_u8 \"a\\\"b\" é'"), "hc:/* a\nb */ hn:0x1F_u8 hs:\"a\\\"b\"");
        assert_eq!(shown("python", "def f(): # no\n  '''a\n'b'''"), "hk:def hf:f hc:# no hs:'''a\n'b'''");
        assert_eq!(shown("bash", "if [ $# = 1 ]; then echo \"#\"; fi"), "hk:if hn:1 hk:then hk:echo hs:\"#\" hk:fi");
        assert_eq!(shown("sql", "SELECT 1 -- x\nfrom t"), "hk:SELECT hn:1 hc:-- x hk:from");
        assert_eq!(shown("html", "<!-- a --><b>"), "hc:<!-- a -->");
        assert_eq!(shown("go", "x := `C:\\` // a"), "hs:`C:\\` hc:// a");
        assert_eq!(shown("c++", "auto s = R\"(a\"\nb)\"; f()"), "hk:auto hs:R\"(a\"\nb)\" hf:f");
        assert_eq!(shown("c#", "var s = @\"C:\\\"; Do()"), "hk:var hs:@\"C:\\\" hf:Do");
        assert_eq!(shown("lua", "local s = [[a\n'b]] -- c"), "hk:local hs:[[a\n'b]] hc:-- c");
        assert_eq!(shown("rust", "r\"\\\" r##\"\"#\"## fn"), "hs:r\"\\\" hs:r##\"\"#\"## hk:fn");
        assert_eq!(shown("markdown", "# A `b`\nfor #4 f(x) `c`\n```\nd\n```"), "hk:# A `b` hs:`c` hs:```\nd\n```");
        assert_eq!(shown("text", "if 1 \"x\""), "");
    }

    #[test]
    fn every_language_with_symbols_has_colours() {
        let plain = Language::all().filter(|one| extractor_version(*one).is_some() && Grammar::of(*one).is_none());
        assert_eq!(plain.map(Language::name).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn pieces_are_in_order_and_whole_whatever_the_text() {
        let hostile = ["'", "'\\", "\"", "/*", "'''", "`", "é'é", "'\u{1f600}'", "r#\"", "\\", "#", "--", "<!--", "0."];
        for language in Language::all() {
            for a in hostile {
                for b in hostile {
                    let text = format!("{a}{b}x\n{b}{a}");
                    let mut end = 0;
                    for (range, _) in spans(language, text.as_bytes()) {
                        assert!(range.start >= end && range.start < range.end && range.end <= text.len(), "{text:?}");
                        assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end), "{text:?}");
                        end = range.end;
                    }
                }
            }
        }
    }
}
