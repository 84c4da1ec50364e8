//! Trigrams: the keys of the index. Collects the distinct ones of a text; where they are stored is `segment`'s business.

use std::fmt;

use super::fold::Folded;

/// Three folded bytes, packed big-endian into the low 24 bits so that the order of numbers is the order of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigram(pub u32);

impl From<[u8; 3]> for Trigram {
    fn from([a, b, c]: [u8; 3]) -> Self {
        Self(u32::from_be_bytes([0, a, b, c]))
    }
}

/// The distinct trigrams of bytes that are folded already, ascending.
pub fn trigrams_of(folded: &[u8]) -> Vec<Trigram> {
    let mut grams: Vec<Trigram> = folded.windows(3).map(|w| Trigram::from([w[0], w[1], w[2]])).collect();
    grams.sort_unstable();
    grams.dedup();
    grams
}

/// 64-bit words of a set of 2^24 bits.
const WORDS: usize = 1 << 18;
/// 64-bit words of a set of `WORDS` bits.
const SUMMARY: usize = WORDS / 64;

/// Collects the distinct trigrams of folded text; reusable, so that one allocation serves many documents.
///
/// A bit set over all 2^24 trigrams (2 MiB) with a summary of its non-zero words: reading the summary gives the
/// trigrams in ascending order and clears the set, so no document pays for sorting or for the size of the set.
pub struct TrigramSet {
    words: Box<[u64; WORDS]>,
    summary: Box<[u64; SUMMARY]>,
    grams: Vec<Trigram>,
}

impl TrigramSet {
    /// The distinct trigrams of `text` after folding, ascending.
    pub fn collect(&mut self, text: &[u8]) -> &[Trigram] {
        self.grams.clear();
        let mut bytes = Folded::new(text);
        if let (Some(first), Some(second)) = (bytes.next(), bytes.next()) {
            self.mark(u32::from_be_bytes([0, 0, first, second]), bytes);
            self.drain();
        }
        &self.grams
    }

    /// Sets the bit of each trigram; `gram` ends with the two bytes before `bytes`.
    fn mark(&mut self, mut gram: u32, bytes: Folded<'_>) {
        for byte in bytes {
            gram = (gram << 8 | u32::from(byte)) & 0xFF_FFFF;
            let word = (gram >> 6) as usize;
            let bit = 1 << (gram & 63);
            if self.words[word] & bit == 0 {
                self.words[word] |= bit;
                self.summary[word / 64] |= 1 << (word % 64);
            }
        }
    }

    /// Moves the set bits to `grams` in ascending order.
    fn drain(&mut self) {
        for (i, summary) in self.summary.iter_mut().enumerate() {
            for word in ones(std::mem::take(summary)) {
                let word = i as u32 * 64 + word;
                let bits = std::mem::take(&mut self.words[word as usize]);
                self.grams.extend(ones(bits).map(|bit| Trigram(word * 64 + bit)));
            }
        }
    }
}

impl Default for TrigramSet {
    fn default() -> Self {
        let words = vec![0; WORDS].into_boxed_slice().try_into().expect("the length is that of the array");
        Self { words, summary: Box::new([0; SUMMARY]), grams: Vec::new() }
    }
}

impl fmt::Debug for TrigramSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrigramSet").field("last", &self.grams.len()).finish_non_exhaustive()
    }
}

/// Positions of the set bits of `word`, ascending.
fn ones(mut word: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        (word != 0).then(|| {
            let bit = word.trailing_zeros();
            word &= word - 1;
            bit
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::fold;

    #[test]
    fn short_texts_have_no_trigrams() {
        let mut set = TrigramSet::default();
        for text in ["", "a", "ab", "a\u{212A}"] {
            assert_eq!(set.collect(text.as_bytes()), [], "{text:?}");
        }
        assert_eq!(set.collect(b"ABC"), [Trigram(0x616263)]);
    }

    proptest! {
        #[test]
        fn a_reused_set_gives_what_sorting_gives(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..4)) {
            let mut set = TrigramSet::default();
            for text in texts {
                prop_assert_eq!(set.collect(&text), trigrams_of(&fold(&text)));
            }
        }
    }
}
