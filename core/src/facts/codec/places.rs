//! Places of names, as numbers of words of the text.

use super::FactsError;
use super::Reader;
use crate::cursor::put_moved;
use crate::facts::Span;
use crate::text;

/// The words of a text.
#[derive(Debug)]
pub(super) struct Words<'t> {
    text: &'t [u8],
    spans: Vec<Span>,
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t [u8]) -> Self {
        let spans = text::words(text).map(|word| Span { start: word.start as u32, end: word.end as u32 });
        Self { text, spans: spans.collect() }
    }

    /// The number of the word at `start`, if it is `name` and nothing more.
    pub(super) fn find(&self, start: u32, name: &str) -> Option<u32> {
        let number = self.spans.binary_search_by_key(&start, |span| span.start).ok()?;
        (self.bytes(self.spans[number]) == name.as_bytes()).then_some(number as u32)
    }

    /// Where a word is, and the word.
    pub(super) fn word(&self, number: u32) -> Result<(Span, &str), FactsError> {
        let span = self.spans.get(number as usize).ok_or(FactsError::Corrupt("a word beyond the text"))?;
        let word = std::str::from_utf8(self.bytes(*span)).map_err(|_| FactsError::Corrupt("a word that is no name"))?;
        Ok((*span, word))
    }

    fn bytes(&self, span: Span) -> &'t [u8] {
        &self.text[span.start as usize..span.end as usize]
    }
}

/// Where the last name was that was written or read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    word: u32,
    start: u32,
}

impl Last {
    /// Appends the way to a word.
    pub(super) fn put_word(&mut self, out: &mut Vec<u8>, word: u32, start: u32) {
        put_moved(out, self.word, word);
        *self = Self { word, start };
    }

    /// Appends the way to a place where there is no such word.
    pub(super) fn put_start(&mut self, out: &mut Vec<u8>, start: u32) {
        put_moved(out, self.start, start);
        self.start = start;
    }

    /// The next word.
    pub(super) fn word<'w>(
        &mut self,
        column: &mut Reader<'_>,
        words: &'w Words<'_>,
    ) -> Result<(Span, &'w str), FactsError> {
        let word = column.moved(self.word)?;
        let (span, name) = words.word(word)?;
        *self = Self { word, start: span.start };
        Ok((span, name))
    }

    /// The next place.
    pub(super) fn start(&mut self, column: &mut Reader<'_>) -> Result<u32, FactsError> {
        self.start = column.moved(self.start)?;
        Ok(self.start)
    }
}
