//! Sketches: what a text holds, roughly, so that most texts without a literal are known to lack it before they are looked
//! at, and in the others where it can be. Made of texts that are kept in memory (`search`), asked for the literals of a
//! query (`query`).
//!
//! A text is cut into blocks. Of each the sketch has as many bits as the block has bytes: one for each folded gram of
//! five bytes that begins in it or shortly behind, so that a literal over a border is answered by the block in which it
//! begins. Bits of one gram lie together, block beside block: one look says which blocks may hold it (bit-sliced
//! signatures, Faloutsos 1985; as in BitFunnel, Goodwin et al. 2017).

use super::fold::has_sign;

/// Most bytes of a block. Large enough that words repeat in it, small enough that little is scanned beside a match.
const BLOCK: usize = 8 << 10;
/// Bytes of a gram. Shorter ones are in every block, longer ones miss short literals.
const GRAM: usize = 5;
/// Grams of a literal that are asked for, and of the next block one less that are listed here.
const ASKED: usize = 28;

/// Which grams begin in which blocks of one text, with errors to one side: a gram that is there is never missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    block_len: usize,
    /// Lines that end before each block.
    line_ends: Box<[u32]>,
    /// Bits for each block; 0: the text has characters that fold to ASCII, of which nothing is known.
    n_rows: usize,
    /// Row by row a bit for each block, and a word more than that takes.
    words: Box<[u64]>,
}

/// Five folded bytes, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gram(u32);

impl Gram {
    /// What to ask for a literal in bytes that are ASCII lower case where they are letters of it; empty: it is too short.
    /// Grams that share no byte come first, since they tell most.
    pub fn of_literal(folded: &[u8]) -> Vec<Self> {
        let windows: Vec<&[u8]> = folded.windows(GRAM).take(ASKED).collect();
        let spread = (0..GRAM).flat_map(|first| windows.iter().skip(first).step_by(GRAM));
        spread.map(|window| Self::hash(le_bytes(window))).collect()
    }

    /// Of the lowest [`GRAM`] bytes (Fibonacci hashing).
    fn hash(bytes: u64) -> Self {
        let gram = bytes & ((1 << (8 * GRAM)) - 1);
        Self((gram.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32)
    }

    /// One of `n_rows`.
    fn row(self, n_rows: usize) -> usize {
        ((u64::from(self.0) * n_rows as u64) >> 32) as usize
    }
}

impl Sketch {
    /// Sketches a text.
    pub fn new(text: &[u8]) -> Self {
        Self::with_blocks(text, BLOCK)
    }

    /// The same with blocks of at most `most` bytes.
    pub fn with_blocks(text: &[u8], most: usize) -> Self {
        let block_len = text.len().div_ceil(text.len().div_ceil(most).max(1)).max(1);
        let n_blocks = text.len().div_ceil(block_len);
        let n_rows = if has_sign(text) { 0 } else { block_len };
        let words = vec![0; (n_rows * n_blocks).div_ceil(64) + 1].into();
        let mut sketch = Self { block_len, line_ends: line_ends(text, block_len), n_rows, words };
        if n_rows > 0 {
            let mut folded = Vec::new();
            (0..n_blocks).for_each(|block| sketch.mark(block, text, &mut folded));
        }
        sketch
    }

    /// Marks the grams that begin in a block, and those behind it that a literal from its last byte would have.
    fn mark(&mut self, block: usize, text: &[u8], folded: &mut Vec<u8>) {
        let start = block * self.block_len;
        let end = text.len().min(start + self.block_len + ASKED - 1 + GRAM - 1);
        folded.clear();
        folded.extend(text[start..end].iter().map(u8::to_ascii_lowercase));
        // Eight bytes are read at once, of which the highest three do not count.
        let n_grams = folded.len().saturating_sub(GRAM - 1);
        folded.extend([0; 8 - GRAM]);
        let n_blocks = self.line_ends.len();
        for window in folded.windows(8).take(n_grams) {
            let bit = Gram::hash(le_bytes(window)).row(self.n_rows) * n_blocks + block;
            self.words[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// The blocks in which all of `grams`, which are those of one literal, may begin: 64 in a word, the first one lowest.
    pub fn having<'a>(&'a self, grams: &'a [Gram]) -> impl Iterator<Item = u64> + 'a {
        let n_blocks = self.line_ends.len();
        (0..n_blocks).step_by(64).map(move |first| {
            let all = u64::MAX >> (64 - (n_blocks - first).min(64));
            let grams = if self.n_rows == 0 { &[] } else { grams };
            let mut left = all;
            for gram in grams {
                left &= self.bits(gram.row(self.n_rows) * n_blocks + first);
                if left == 0 {
                    break;
                }
            }
            left
        })
    }

    /// 64 bits from the one numbered `at` on.
    fn bits(&self, at: usize) -> u64 {
        let (word, shift) = (at / 64, at % 64);
        // Shifted in two steps, since a shift by 64 is none.
        self.words[word] >> shift | self.words[word + 1] << 1 << (63 - shift)
    }

    /// Bytes of a block; the last one may have fewer.
    pub fn block_len(&self) -> usize {
        self.block_len
    }

    /// The last block that begins at or before a place in the text: where, and how many lines end before it.
    pub fn line_ends_before(&self, at: usize) -> (usize, u64) {
        let block = (at / self.block_len).min(self.line_ends.len().saturating_sub(1));
        (block * self.block_len, self.line_ends.get(block).map_or(0, |count| u64::from(*count)))
    }

    /// Bytes of memory that it holds.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + size_of_val(&*self.line_ends) + size_of_val(&*self.words)
    }
}

fn line_ends(text: &[u8], block_len: usize) -> Box<[u32]> {
    let mut count = 0;
    let before = text.chunks(block_len).map(|block| {
        let before = count;
        count += memchr::memchr_iter(b'\n', block).count() as u32;
        before
    });
    before.collect()
}

/// The first eight bytes as a number, the first one lowest.
fn le_bytes(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(sketch: &Sketch, literal: &[u8]) -> Vec<usize> {
        let grams = Gram::of_literal(literal);
        let words: Vec<u64> = sketch.having(&grams).collect();
        (0..words.len() * 64).filter(|block| words[block / 64] >> (block % 64) & 1 == 1).collect()
    }

    #[test]
    fn words_that_are_not_there_are_ruled_out() {
        let text = (0..20_000).map(|n: u32| format!("line {n}\n")).collect::<String>() + "int main(void)";
        let sketch = Sketch::new(text.as_bytes());
        let last = text.len() / sketch.block_len();
        assert_eq!(blocks(&sketch, b"main(void)"), [last]);
        assert_eq!(blocks(&sketch, b"line 19998\n"), [last]);
        assert!(blocks(&sketch, b"struct task_struct {").is_empty());
        assert_eq!(blocks(&sketch, b"main").len(), last + 1, "four bytes are no gram");
        assert!(sketch.memory() < text.len() / 7);
    }

    #[test]
    fn nothing_is_known_of_texts_with_signs_that_fold() {
        for text in ["\u{212A}ernel panic", "kernel panic\u{17F}"] {
            assert_eq!(blocks(&Sketch::new(text.as_bytes()), b"something else"), [0]);
        }
        assert!(blocks(&Sketch::new("kernel päniç".as_bytes()), b"something else").is_empty());
        assert!(blocks(&Sketch::new(b""), b"kernel").is_empty());
    }

    proptest! {
        #[test]
        fn what_is_there_is_never_ruled_out(
            text in prop::collection::vec(prop::sample::select(b"aAbBk\n\xE2\x84\xAA\xFF".to_vec()), 0..400),
            most in 1usize..300,
            at: usize,
            len in 0usize..60,
        ) {
            let sketch = Sketch::with_blocks(&text, most);
            let at = at % (text.len() + 1);
            let literal = &text[at..text.len().min(at + len)];
            if !literal.is_empty() {
                let found = blocks(&sketch, &literal.to_ascii_lowercase());
                prop_assert!(found.contains(&(at / sketch.block_len())), "{literal:x?} at {at} of {text:x?}: {found:?}");
            }
            let (start, lines) = sketch.line_ends_before(at);
            prop_assert!(start <= at && at - start <= sketch.block_len());
            prop_assert_eq!(lines, text[..start].iter().filter(|byte| **byte == b'\n').count() as u64);
        }
    }
}
