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
    let mut folded = Vec::with_capacity(text.len());
    folded.extend(Folded::new(text));
    folded
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

/// The folded bytes of a text, one at a time.
pub(super) struct Folded<'t> {
    rest: &'t [u8],
}

impl<'t> Folded<'t> {
    /// Starts at the beginning of `text`.
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { rest: text }
    }

    /// A byte that is not ASCII: one of the two folded characters, or itself.
    fn wide(&mut self, byte: u8) -> u8 {
        if byte == KELVIN[0] && self.rest.starts_with(&KELVIN[1..]) {
            self.rest = &self.rest[2..];
            b'k'
        } else if byte == LONG_S[0] && self.rest.first() == Some(&LONG_S[1]) {
            self.rest = &self.rest[1..];
            b's'
        } else {
            byte
        }
    }
}

impl Iterator for Folded<'_> {
    type Item = u8;

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(if byte < 0x80 { byte.to_ascii_lowercase() } else { self.wide(byte) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len() / 3, Some(self.rest.len()))
    }
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

    proptest! {
        #[test]
        fn grams_of_a_literal_are_grams_of_every_text_that_holds_it(text in tricky_text(), a: usize, b: usize) {
            let (a, b) = (a % (text.len() + 1), b % (text.len() + 1));
            let literal = &text[a.min(b)..a.max(b)];
            let mut set = TrigramSet::default();
            let grams = set.collect(&text);
            for gram in trigrams_of(&fold_literal(literal)) {
                prop_assert!(grams.binary_search(&gram).is_ok(), "{gram:?} of {literal:x?} not in {text:x?}");
            }
        }
    }
}
