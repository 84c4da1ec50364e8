//! A text to be searched, and where in it lines can match.

use std::ops::Range;

use super::finder;
use super::needs::Needs;
use crate::text::Sketch;

/// A text, and its sketch if there is one: with it less of the text is looked at, and nothing else changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Content<'a> {
    /// The text.
    pub text: &'a [u8],
    /// Made of the same text.
    pub sketch: Option<&'a Sketch>,
}

impl<'a, T: AsRef<[u8]> + ?Sized> From<&'a T> for Content<'a> {
    fn from(text: &'a T) -> Self {
        Self { text: text.as_ref(), sketch: None }
    }
}

impl<'a> Content<'a> {
    /// Parts of the text, each of whole lines, such that every line with a match is in one of them.
    pub(super) fn stretches(self, needs: &Needs) -> Stretches<'a> {
        let marked = self.sketch.and_then(|sketch| Some((sketch.block_len(), needs.blocks(sketch)?)));
        let (block_len, blocks) = marked.unwrap_or((self.text.len().max(1), vec![1]));
        Stretches { text: self.text, block_len, blocks, from: 0 }
    }

    /// How many lines begin before a place: where counting may go on, and how many there are up to that place.
    pub(super) fn lines_before(self, at: usize) -> (usize, u64) {
        self.sketch.map_or((0, 0), |sketch| sketch.line_ends_before(at))
    }
}

/// See [`Content::stretches`].
pub(super) struct Stretches<'a> {
    text: &'a [u8],
    block_len: usize,
    /// Those that are left, 64 in a word.
    blocks: Vec<u64>,
    /// End of the last stretch, where a line begins.
    from: usize,
}

impl Iterator for Stretches<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        loop {
            let run = self.next_run()?;
            let (start, end) = (run.start * self.block_len, (run.end * self.block_len).min(self.text.len()));
            if end <= self.from {
                continue;
            }
            let start = if start <= self.from { self.from } else { finder::line_at(self.text, self.from, start).start };
            self.from = self.text.len().min(finder::line_at(self.text, end - 1, end - 1).end + 1);
            return Some(start..self.from);
        }
    }
}

impl Stretches<'_> {
    /// Takes the next blocks that follow each other, none of them alone.
    fn next_run(&mut self) -> Option<Range<usize>> {
        let word = self.blocks.iter().position(|word| *word != 0)?;
        let first = self.blocks[word].trailing_zeros();
        let len = (self.blocks[word] >> first).trailing_ones();
        // Up to the end of the word: a run that goes on there begins where this one ends.
        self.blocks[word] &= !(u64::MAX >> (64 - len) << first);
        let start = word * 64 + first as usize;
        Some(start..start + len as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Gram;

    #[test]
    fn without_a_sketch_all_of_a_text_is_one_stretch() {
        let all = |text: &[u8]| -> Vec<(usize, usize)> {
            Content::from(text).stretches(&Needs::Unknown).map(|stretch| (stretch.start, stretch.end)).collect()
        };
        assert_eq!((all(b"a\nb"), all(b"")), (vec![(0, 3)], vec![]));
    }

    proptest! {
        #[test]
        fn lines_with_the_literal_are_in_a_stretch(text in "[ab\n]{0,200}", literal in "[ab]{5,9}", block in 1usize..60) {
            let sketch = Sketch::with_blocks(text.as_bytes(), block);
            let content = Content { text: text.as_bytes(), sketch: Some(&sketch) };
            let stretches: Vec<_> = content.stretches(&Needs::Literal(Gram::of_literal(literal.as_bytes()))).collect();
            prop_assert!(stretches.windows(2).all(|two| two[0].end <= two[1].start));
            for stretch in &stretches {
                prop_assert!(stretch.start == 0 || text.as_bytes()[stretch.start - 1] == b'\n');
                prop_assert!(stretch.end == text.len() || text.as_bytes()[stretch.end - 1] == b'\n');
            }
            for (at, _) in text.match_indices(&literal) {
                prop_assert!(stretches.iter().any(|stretch| stretch.contains(&at)), "{at} in {stretches:?}");
            }
        }
    }
}
