//! Case folding of bytes for the index. One index serves exact and case-insensitive queries: both look up folded
//! grams, and verification against the content decides. Collecting the grams is `trigram`'s business.
//!
//! The fold is the part of Unicode's simple case folding that maps to ASCII: what the `regex` crate's `(?i)` accepts
//! for an ASCII letter is the letter in both cases and, for `k` and `s`, U+212A (Kelvin sign) and U+017F (long s).
//! Everything else stays byte for byte, so invalid UTF-8 is no special case.

/// The Kelvin sign, U+212A.
const KELVIN: [u8; 3] = [0xE2, 0x84, 0xAA];
/// The long s, U+017F.
const LONG_S: [u8; 2] = [0xC5, 0xBF];

/// Folds text for the index: ASCII letters to lower case, U+212A (Kelvin sign) to `k` and U+017F (long s) to `s`; every
/// other byte stays, so grams of what remains are exact. A 1:1 stream but for those two.
pub fn fold(text: &[u8]) -> Vec<u8> {
    let mut folded = Vec::new();
    fold_into(text, &mut folded);
    folded
}

/// [`fold`] into memory that is used again; what `folded` held is dropped.
pub(super) fn fold_into(text: &[u8], folded: &mut Vec<u8>) {
    folded.clear();
    folded.reserve(text.len());
    let mut rest = text;
    if !text.is_ascii() {
        while let Some((at, letter, len)) = first_sign(rest) {
            folded.extend_from_slice(&rest[..at]);
            folded.push(letter);
            rest = &rest[at + len..];
        }
    }
    folded.extend_from_slice(rest);
    folded.make_ascii_lowercase();
}

/// Whether `text` has a character that folds to ASCII from several bytes. Without one, folding is lower case, byte by byte.
pub(super) fn has_sign(text: &[u8]) -> bool {
    !text.is_ascii() && first_sign(text).is_some()
}

/// Where the first folded character is that is not ASCII, its letter, and its length.
fn first_sign(text: &[u8]) -> Option<(usize, u8, usize)> {
    let mut from = 0;
    loop {
        let at = from + text[from..].iter().position(|&byte| byte == KELVIN[0] || byte == LONG_S[0])?;
        if text[at..].starts_with(&KELVIN) {
            return Some((at, b'k', KELVIN.len()));
        }
        if text[at..].starts_with(&LONG_S) {
            return Some((at, b's', LONG_S.len()));
        }
        from = at + 1;
    }
}

/// Folds a literal that a text may contain anywhere: every trigram of the result is a trigram of the folded text.
/// Bytes at the edges that could be half of a folded character are left out, since the text may fold them away
/// together with their other half.
pub fn fold_literal(literal: &[u8]) -> Vec<u8> {
    let start = partial_len(literal, |literal, part| literal.starts_with(part), |sign, n| &sign[sign.len() - n..]);
    let rest = &literal[start..];
    let end = partial_len(rest, |literal, part| literal.ends_with(part), |sign, n| &sign[..n]);
    fold(&rest[..rest.len() - end])
}

/// Length of the longest proper part of a folded character that `holds` at an edge of `literal`.
fn partial_len(
    literal: &[u8],
    holds: impl Fn(&[u8], &[u8]) -> bool,
    part: impl for<'s> Fn(&'s [u8], usize) -> &'s [u8],
) -> usize {
    let candidates = [(&KELVIN[..], 2), (&KELVIN[..], 1), (&LONG_S[..], 1)];
    candidates.into_iter().find(|&(sign, n)| holds(literal, part(sign, n))).map_or(0, |(_, n)| n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{TrigramSet, trigrams_of};

    #[test]
    fn folds_ascii_and_the_two_signs_only() {
        assert_eq!(fold("Grüße, \u{212A}elvin \u{17F}HORT ÄÖ".as_bytes()), "grüße, kelvin short ÄÖ".as_bytes());
        assert_eq!(fold(b"\xE2\x84\xE2\xC5\xC5\xBF\xFF"), b"\xE2\x84\xE2\xC5s\xFF");
        assert_eq!(fold(b"\xC5"), b"\xC5");
    }

    #[test]
    fn agrees_with_the_case_insensitive_regexes_that_verify() {
        let regexes = (b'a'..=b'z').map(|letter| format!("(?i)^{}$", char::from(letter)));
        let regexes: Vec<_> = regexes.map(|pattern| regex::bytes::Regex::new(&pattern).unwrap()).collect();
        let any = regex::bytes::Regex::new("(?i)^[a-z]$").unwrap();
        for char in (0..=0x1_FFFF).filter_map(char::from_u32) {
            let bytes = char.to_string().into_bytes();
            let folded = fold(&bytes);
            if any.is_match(&bytes) || folded != bytes {
                for (regex, letter) in regexes.iter().zip(b'a'..) {
                    assert_eq!(regex.is_match(&bytes), folded == [letter], "{char:?} against {regex}");
                }
            }
        }
    }

    #[test]
    fn a_literal_loses_edges_that_could_be_half_a_sign() {
        assert_eq!(fold_literal(b"\x84\xAAb\xE2\x84"), b"b");
        assert_eq!(fold_literal(b"\xAA\xAAb\xE2"), b"\xAAb");
        assert_eq!(fold_literal(b"\xBFX\xC5"), b"x");
        assert_eq!(fold_literal("\u{212A}X\u{17F}".as_bytes()), b"kxs");
        assert_eq!(fold_literal(b"\xAA"), b"");
    }

    fn tricky_text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop::sample::select(vec![0xE2, 0x84, 0xAA, 0xC5, 0xBF, b'K', b's', b'x', 0x00, 0xFF]);
        prop::collection::vec(byte, 0..40)
    }

    /// Byte by byte, as the documentation says it.
    fn twin(text: &[u8]) -> Vec<u8> {
        let (mut folded, mut rest) = (Vec::new(), text);
        while let Some((&byte, after)) = rest.split_first() {
            let (letter, after) = match rest {
                [0xE2, 0x84, 0xAA, after @ ..] => (b'k', after),
                [0xC5, 0xBF, after @ ..] => (b's', after),
                _ => (byte.to_ascii_lowercase(), after),
            };
            folded.push(letter);
            rest = after;
        }
        folded
    }

    proptest! {
        #[test]
        fn folds_as_byte_by_byte(text in tricky_text(), ascii in "[ -~]{0,40}") {
            prop_assert_eq!(fold(&text), twin(&text));
            prop_assert_eq!(fold(ascii.as_bytes()), twin(ascii.as_bytes()));
            let mixed = [ascii.as_bytes(), &text].concat();
            prop_assert_eq!(fold(&mixed), twin(&mixed));
        }

        #[test]
        fn grams_of_a_literal_are_grams_of_every_text_that_holds_it(text in tricky_text(), a: usize, b: usize) {
            let (a, b) = (a % (text.len() + 1), b % (text.len() + 1));
            let literal = &text[a.min(b)..a.max(b)];
            let mut set = TrigramSet::default();
            let grams = set.collect(&text);
            for gram in trigrams_of(&fold_literal(literal)) {
                prop_assert!(grams.contains(&gram), "{gram:?} of {literal:x?} not in {text:x?}");
            }
        }
    }
}
