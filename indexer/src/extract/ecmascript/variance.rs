//! `in` and `out` before type parameters (`interface Box<in out T>`), which the grammars do not know: read as blanks.

use std::borrow::Cow;

use super::signature::n_idle;

const WORDS: [&[u8]; 2] = [b"in", b"out"];

/// The text without `in` and `out` behind `<` and `,` where a name follows them; of the same length.
pub(super) fn without(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let mut known = text;
    for at in 0..known.len() {
        if matches!(known[at], b'<' | b',') {
            let end = at + 1 + behind(&known[at + 1..]);
            if end > at + 1 {
                known.to_mut()[at + 1..end]
                    .iter_mut()
                    .filter(|byte| byte.is_ascii_alphabetic())
                    .for_each(|byte| *byte = b' ');
            }
        }
    }
    known
}

/// Bytes up to the end of the last of these words, behind which a name follows.
fn behind(text: &[u8]) -> usize {
    let mut end = 0;
    loop {
        let start = end + n_idle(&text[end..]);
        let Some(word) = WORDS.iter().find(|word| text[start..].starts_with(word)) else { return end };
        let after = start + word.len();
        let name = after + n_idle(&text[after..]);
        let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$') || *byte >= 0x80;
        if name == after || !text.get(name).is_some_and(is_name) || text[name..].starts_with(b"extends ") {
            return end;
        }
        end = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_parameters_are_kept() {
        let cases = [
            ("interface A<in out T, out U = 1> {}", "interface A<       T,     U = 1> {}"),
            ("class A<\n  in T> {}", "class A<\n     T> {}"),
            ("<\n// @a\nout A = 1>", "<\n// @ \n    A = 1>"),
            ("type A<out extends B, in> = 1", "type A<out extends B, in> = 1"),
            ("f(a, inner, output); a < out", "f(a, inner, output); a < out"),
            ("<in\u{e4}>", "<in\u{e4}>"),
        ];
        for (text, expected) in cases {
            let found = without(Cow::Borrowed(text.as_bytes()));
            assert_eq!(String::from_utf8_lossy(&found), expected, "{text}");
        }
    }
}
