//! Signatures of calls that begin a line after a member without `;`: `a: A` and below it `<T>(b: T): B`. The grammars read on,
//! and understand the whole text no more; a `;` in place of the blank before such a signature tells the two apart.

use std::borrow::Cow;

/// Longest part of a signature that is looked through for its end, in bytes.
const MOST: usize = 4096;

/// Words after which what begins a line goes on with the line before.
const GOES_ON: [&[u8]; 14] = [
    b"return", b"default", b"extends", b"infer", b"keyof", b"typeof", b"as", b"in", b"of", b"new", b"case", b"yield",
    b"await", b"async",
];

/// The text with a `;` before every signature that begins a line; of the same length.
pub(super) fn apart(text: &[u8]) -> Cow<'_, [u8]> {
    let mut known = Cow::Borrowed(text);
    let (mut at, mut last, mut is_first, mut commented) = (0, None, true, 0);
    // What is looked through again and again costs no more than twice the text.
    let mut fuel = 2 * text.len();
    while let Some(&byte) = text.get(at) {
        if let Some(end) = beyond_comment(text, at) {
            is_first |= text[at..end].contains(&b'\n');
            (at, commented) = (end, end);
            continue;
        }
        // The end of the line that ends a comment has to stay.
        let has_room = at > commented + 1 && text[at - 1].is_ascii_whitespace();
        if is_first && has_room && matches!(byte, b'<' | b'(') {
            let is_apart = last.is_some_and(|last| ends_member(&text[..=last]));
            if is_apart && fuel > 0 && is_signature(&text[at..], &mut fuel) {
                known.to_mut()[at - 1] = b';';
            }
        }
        is_first = if byte.is_ascii_whitespace() { is_first || byte == b'\n' } else { false };
        let end = beyond_text(text, at).unwrap_or(at + 1);
        last = if byte.is_ascii_whitespace() { last } else { Some(end - 1) };
        at = end;
    }
    known
}

/// Whether a member may end with what stands there.
fn ends_member(before: &[u8]) -> bool {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || **byte >= 0x80;
    let n = before.iter().rev().take_while(is_part).count();
    match before.last() {
        Some(b']' | b')' | b'}' | b'\'' | b'"' | b'`') => true,
        Some(b'>') => !before.ends_with(b"=>"),
        _ => n > 0 && !GOES_ON.contains(&&before[before.len() - n..]),
    }
}

/// Whether it is `(…):`, perhaps with type parameters before.
fn is_signature(text: &[u8], fuel: &mut usize) -> bool {
    let text = &text[..text.len().min(MOST)];
    let mut at = 0;
    if text.first() == Some(&b'<') {
        let Some(end) = closing(text, fuel) else { return false };
        at = end + n_idle(&text[end..]);
    }
    if text.get(at) != Some(&b'(') {
        return false;
    }
    let Some(end) = closing(&text[at..], fuel).map(|end| at + end) else { return false };
    text.get(end + n_idle(&text[end..])) == Some(&b':')
}

/// Behind the bracket that closes the one that a text begins with.
fn closing(text: &[u8], fuel: &mut usize) -> Option<usize> {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() && *fuel > 0 {
        *fuel -= 1;
        if let Some(end) = beyond_comment(text, at).or_else(|| beyond_text(text, at)) {
            at = end;
            continue;
        }
        match text[at] {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' if text[..at].ends_with(b"=") => {}
            b'>' | b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Bytes of blanks and comments that a text begins with.
pub(super) fn n_idle(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match beyond_comment(text, at) {
            Some(end) => at = end,
            None if byte.is_ascii_whitespace() => at += 1,
            None => break,
        }
    }
    at
}

/// The end of the comment that begins there.
fn beyond_comment(text: &[u8], at: usize) -> Option<usize> {
    let rest = &text[at..];
    let length = match rest {
        [b'/', b'/', ..] => memchr::memchr(b'\n', rest),
        [b'/', b'*', ..] => memchr::memmem::find(&rest[2..], b"*/").map(|found| found + 4),
        _ => return None,
    };
    Some(at + length.unwrap_or(rest.len()))
}

/// The end of the text in quotes that begins there; one that is not closed in its line is none.
fn beyond_text(text: &[u8], at: usize) -> Option<usize> {
    let quote = *text.get(at).filter(|byte| matches!(byte, b'\'' | b'"' | b'`'))?;
    let mut end = at + 1;
    while let Some(&byte) = text.get(end) {
        match byte {
            b'\\' => end += 1,
            b'\n' if quote != b'`' => return None,
            _ if byte == quote => return Some(end + 1),
            _ => {}
        }
        end += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::testing::{assert_lines, facts, references, symbols};

    #[test]
    fn signatures_that_begin_a_line_are_told_apart() {
        let cases = [
            ("interface A {\n  a: A\n  <T>(b: T): B\n}", "interface A {\n  a: A\n ;<T>(b: T): B\n}"),
            (
                "{\n  (): A\n  /** 'b' */\n  <\n    T = () => X\n  >(): B\n}",
                "{\n  (): A\n  /** 'b' */\n ;<\n    T = () => X\n  >(): B\n}",
            ),
            ("a: 'x' // <\n(b: ')'): c", "a: 'x' // <\n(b: ')'): c"),
            ("a: 'x' // <\n\t(b: ')'): c", "a: 'x' // <\n;(b: ')'): c"),
            ("a: 'x'\n(b: ')'): c", "a: 'x';(b: ')'): c"),
            ("type F =\n  <T>(b: T): B", "type F =\n  <T>(b: T): B"),
            ("f(\n  (b): B => b,\n  (c): C => c)", "f(\n  (b): B => b,\n  (c): C => c)"),
            ("export default\n  (b: B): C => b", "export default\n  (b: B): C => b"),
            ("a\n  (b)\n  .c()", "a\n  (b)\n  .c()"),
            ("a =>\n  (b ? c : d)", "a =>\n  (b ? c : d)"),
            ("a\n  (((((", "a\n  ((((("),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&apart(text.as_bytes())), expected, "{text}");
        }
    }

    #[test]
    fn many_brackets_cost_little() {
        let text = "a\n(<".repeat(200_000);
        assert_eq!(apart(text.as_bytes()).len(), text.len());
    }

    #[test]
    fn what_the_grammars_do_not_know_hides_nothing() {
        let text = r#"
export interface Produce {
  /** Without one. */
  <T>(base: T): T
  /** With one. */
  <T, U = Draft<T>>(base: T, then: (draft: U) => void): T
  (): void
  size: number
}
export interface Store<in out S, out E = never> extends Base<S> {
  state: S
}
export function make(): Store { return open() }
"#;
        assert_lines(
            &symbols("typescript", text),
            r#"
            2 interface Produce [exported]
            8 field Produce.size: number [exported]
            10 interface Store [exported]
            11 field Store.state: S [exported]
            13 function make/0-0: Store [exported]
            "#,
        );
        assert!(references("typescript", text).contains("13 call open/0 in make"));
        assert!(!facts("typescript", text).partial);
    }
}
