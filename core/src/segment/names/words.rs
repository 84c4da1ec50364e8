//! Parts of names, and the blocks of names that have them.

use std::collections::BTreeMap;
use std::io::Write;

use super::block::{put_text, shared, text};
use super::index::{BlocksEncoder, separator};
use crate::cursor::put_varint;
use crate::segment::Cursor;
use crate::segment::error::SegmentError;
use crate::segment::sink::Sink;
use crate::text;

const SECTION: &str = "words";
/// Bytes after which a block ends.
const FULL: usize = 16 << 10;
/// Longest part that is kept, in bytes: longer ones are numbers and hashes.
const MAX_WORD: usize = 40;

/// A part of names and, ascending, the blocks of names that have it behind their beginning.
pub type WordBlocks = (Box<str>, Vec<u32>);

/// Collects the parts of names.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<Box<str>, Vec<u32>>);

impl Words {
    /// Adds the parts of a name in a block. What a name begins with is found without them.
    pub(super) fn add(&mut self, name: &str, block: u32) {
        let folded = text::folded(name);
        for word in text::subwords(name) {
            let is_worth = word.len() <= MAX_WORD && word.chars().nth(1).is_some() && !is_number(&word);
            if !is_worth || folded.starts_with(&word) {
                continue;
            }
            match self.0.get_mut(&*word) {
                Some(blocks) if blocks.last() == Some(&block) => {}
                Some(blocks) => blocks.push(block),
                None => _ = self.0.insert(word.into(), vec![block]),
            }
        }
    }

    /// Writes the blocks; their index.
    pub(super) fn write<W: Write>(self, sink: &mut Sink<W>) -> Result<Vec<u8>, SegmentError> {
        let mut blocks = BlocksEncoder::new()?;
        let (mut block, mut first, mut before, mut last) =
            (Vec::new(), Box::<str>::default(), String::new(), String::new());
        for (word, names) in self.0 {
            if block.is_empty() {
                (first, before) = (word.clone(), std::mem::take(&mut last));
            }
            let shared = shared(&last, &word);
            put_varint(&mut block, shared as u32);
            put_text(&mut block, &word[shared..]);
            put_varint(&mut block, names.len() as u32);
            let mut next = 0;
            for name in names {
                put_varint(&mut block, name - next);
                next = name + 1;
            }
            last = word.into();
            if block.len() >= FULL {
                blocks.write(sink, separator(&before, &first), &std::mem::take(&mut block))?;
            }
        }
        if !block.is_empty() {
            blocks.write(sink, separator(&before, &first), &block)?;
        }
        Ok(blocks.finish())
    }
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The rows of a block whose words are wanted, of a segment with `n_blocks` blocks of names.
pub(super) fn decode(
    block: &[u8],
    n_blocks: u32,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<Vec<WordBlocks>, SegmentError> {
    let mut cursor = Cursor::new(SECTION, block);
    let (mut words, mut word) = (Vec::new(), String::new());
    while cursor.remaining() > 0 {
        let shared = cursor.varint()? as usize;
        if !word.is_char_boundary(shared) {
            return Err(cursor.error("shares more than there is"));
        }
        word.truncate(shared);
        word.push_str(text(&mut cursor)?);
        if word.len() > MAX_WORD {
            return Err(cursor.error("has a word that is too long"));
        }
        let n = cursor.varint()?;
        if !is_wanted(&word) {
            (0..n).try_for_each(|_| cursor.varint().map(drop))?;
            continue;
        }
        let (mut blocks, mut next) = (Vec::with_capacity((n as usize).min(cursor.remaining())), 0u32);
        for _ in 0..n {
            let number = next.checked_add(cursor.varint()?).filter(|number| *number < n_blocks);
            let number = number.ok_or_else(|| cursor.error("has a block that is not there"))?;
            blocks.push(number);
            next = number + 1;
        }
        words.push((word.as_str().into(), blocks));
    }
    Ok(words)
}
