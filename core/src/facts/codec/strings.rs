//! Strings that are not in the text as they are: receivers, types, qualifiers. Each once, in the order of their first use.

use std::cell::Cell;
use std::collections::HashMap;

use super::FactsError;
use super::Reader;
use crate::cursor::put_varint;

/// How many times longer than their text all strings may be, once each use has its own: an expression is at most
/// [`MAX_LEN`](crate::facts::expression::MAX_LEN) bytes long, and a use of it takes two at least.
const MOST_TIMES: usize = 100;
/// Texts that are shorter than this may have as much as one of this length.
const SHORT: usize = 1024;

/// Most bytes of all strings of the facts of a text of that length, each counted as often as it is used.
pub(super) fn budget(text_len: usize) -> usize {
    text_len.max(SHORT).saturating_mul(MOST_TIMES)
}

/// Collects strings.
#[derive(Debug, Default)]
pub(super) struct Strings<'s> {
    numbers: HashMap<&'s str, u32>,
    lens: Vec<u8>,
    bytes: Vec<u8>,
}

impl<'s> Strings<'s> {
    /// The number of a string.
    pub(super) fn number(&mut self, string: &'s str) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(string).or_insert_with(|| {
            put_varint(&mut self.lens, string.len() as u32);
            self.bytes.extend_from_slice(string.as_bytes());
            next
        })
    }

    pub(super) fn len(&self) -> u32 {
        self.numbers.len() as u32
    }

    pub(super) fn columns(self) -> [Vec<u8>; 2] {
        [self.lens, self.bytes]
    }
}

/// Strings that were read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    strings: Vec<&'a str>,
    /// Bytes that may still be given out.
    budget: Cell<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn read(n: u32, columns: [Reader<'a>; 2], budget: usize) -> Result<Self, FactsError> {
        let [mut lens, mut bytes] = columns;
        let mut strings = Vec::with_capacity((n as usize).min(lens.remaining()));
        for _ in 0..n {
            let string = bytes.take(lens.varint()? as usize)?;
            strings.push(std::str::from_utf8(string).map_err(|_| FactsError::Corrupt("a string that is no UTF-8"))?);
        }
        lens.finish()?;
        bytes.finish()?;
        Ok(Self { strings, budget: Cell::new(budget) })
    }

    /// A string by its number.
    pub(super) fn string(&self, number: u32) -> Result<Box<str>, FactsError> {
        self.own(self.strings.get(number as usize).ok_or(FactsError::Corrupt("a string that is not there"))?)
    }

    /// A string of its own.
    pub(super) fn own(&self, string: &str) -> Result<Box<str>, FactsError> {
        let left = self.budget.get().checked_sub(string.len()).ok_or(FactsError::Corrupt("more strings than text"))?;
        self.budget.set(left);
        Ok(string.into())
    }

    /// The next string of a column.
    pub(super) fn next(&self, column: &mut Reader<'_>) -> Result<Box<str>, FactsError> {
        self.string(column.varint()?)
    }

    /// The next string of a column, where it is said to be there.
    pub(super) fn next_if(&self, is_there: bool, column: &mut Reader<'_>) -> Result<Option<Box<str>>, FactsError> {
        is_there.then(|| self.next(column)).transpose()
    }
}
