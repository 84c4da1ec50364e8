//! Words as programs are made of them, and the parts that people make words of: `applyIndexOperation`, `MAX_BLOB_BYTES`,
//! `HTTPServer2`.

use std::ops::Range;

use super::fold;

/// Longest name that is cut into parts, in bytes; what is behind it belongs to no part.
const MAX_NAME: usize = 512;

/// Whether a byte belongs to a word: letters, digits, `_`, `$`, and all of a character beyond ASCII.
#[inline]
fn belongs(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// The words of a text, as byte ranges: as long as they go on, and none that begins with a digit.
pub fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += text[at..].iter().position(|&byte| belongs(byte))?;
            let start = at;
            at += text[at..].iter().position(|&byte| !belongs(byte)).unwrap_or(text.len() - at);
            if !text[start].is_ascii_digit() {
                return Some(start..at);
            }
        }
    })
}

/// The parts of a name, folded, in their order: at `_` and whatever is no letter or digit, where a capital follows a
/// small letter (`apply|Index`) or begins the next part (`HTTP|Server`), and between letters and digits.
pub fn subwords(name: &str) -> Vec<String> {
    let name = &name[..name.floor_char_boundary(MAX_NAME)];
    let (mut parts, mut part, mut last) = (Vec::new(), String::new(), None);
    let mut rest = name.chars().peekable();
    while let Some(next) = rest.next() {
        let after = rest.peek().copied();
        if last.is_some_and(|last| begins(last, next, after)) {
            push(&mut parts, &mut part);
        }
        if next.is_alphanumeric() {
            part.push(next);
        }
        last = Some(next);
    }
    push(&mut parts, &mut part);
    parts
}

/// Whether a part begins at `next`, which `last` is before and `after` is behind.
fn begins(last: char, next: char, after: Option<char>) -> bool {
    let is_small_after = after.is_some_and(char::is_lowercase);
    let is_capital = next.is_uppercase() && (!last.is_uppercase() || is_small_after);
    !last.is_alphanumeric() || !next.is_alphanumeric() || is_capital || last.is_numeric() != next.is_numeric()
}

fn push(parts: &mut Vec<String>, part: &mut String) {
    if !part.is_empty() {
        parts.push(folded(part));
        part.clear();
    }
}

/// A name as look-ups compare it that ignore the case of ASCII letters.
pub fn folded(name: &str) -> String {
    String::from_utf8_lossy(&fold(name.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_that_begin_with_no_digit() {
        let text = "fn größe2(0x1F, 2nd, _a$b) -> \u{fe}c\n";
        let found: Vec<_> = words(text.as_bytes()).map(|word| &text[word]).collect();
        assert_eq!(found, ["fn", "größe2", "_a$b", "\u{fe}c"]);
        assert_eq!(words(b"").count() + words(b"12 ()").count(), 0);
    }

    #[test]
    fn names_are_cut_where_people_join_words() {
        let cases: [(&str, &[&str]); 10] = [
            ("applyIndexOperation", &["apply", "index", "operation"]),
            ("MAX_BLOB_BYTES", &["max", "blob", "bytes"]),
            ("HTTPServer2", &["http", "server", "2"]),
            ("utf8Decode", &["utf", "8", "decode"]),
            ("__init__", &["init"]),
            ("a", &["a"]),
            ("", &[]),
            ("operator ==", &["operator"]),
            ("getURL", &["get", "url"]),
            ("ÄrgerÜber", &["Ärger", "Über"]),
        ];
        for (name, parts) in cases {
            assert_eq!(subwords(name), parts, "{name}");
        }
        assert_eq!(subwords(&"é".repeat(400)).concat().len(), MAX_NAME);
    }
}
