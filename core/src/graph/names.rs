//! What is found by name: externals, and references that lead nowhere.

use super::codec::{Cursor, put_bytes, put_varint};
use super::edge::External;
use super::error::GraphError;

/// Externals that follow each other, in order.
#[derive(Debug, Default)]
pub(super) struct ExternalBlock(pub(super) Vec<External>);

impl ExternalBlock {
    pub(super) fn encode(externals: &[External]) -> Vec<u8> {
        let mut raw = Vec::new();
        for one in externals {
            put_bytes(&mut raw, one.package.as_bytes());
            put_bytes(&mut raw, one.name.as_bytes());
        }
        raw
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("externals", raw);
        let mut externals = Vec::new();
        while !cursor.is_empty() {
            externals.push(External { package: text(&mut cursor)?, name: text(&mut cursor)? });
        }
        Ok(Self(externals))
    }
}

/// References of one file by one name that lead nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unclear {
    /// The file.
    pub file: u32,
    /// How many of them are calls.
    pub calls: u32,
    /// How many are not.
    pub others: u32,
    /// Where the first one stands.
    pub site: u32,
}

/// Names with the references that lead nowhere, in order of names.
#[derive(Debug, Default)]
pub(super) struct UnclearBlock {
    names: Vec<(Box<str>, u32)>,
    rows: Vec<Unclear>,
}

impl UnclearBlock {
    pub(super) fn memory(&self) -> usize {
        size_of_val(&self.rows[..]) + self.names.iter().map(|(name, _)| 24 + name.len()).sum::<usize>()
    }

    pub(super) fn rows(&self, name: &str) -> &[Unclear] {
        let Ok(nth) = self.names.binary_search_by(|(other, _)| (**other).cmp(name)) else { return &[] };
        let begin = nth.checked_sub(1).map_or(0, |before| self.names[before].1);
        self.rows.get(begin as usize..self.names[nth].1 as usize).unwrap_or_default()
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("unresolved references", raw);
        let mut block = Self::default();
        while !cursor.is_empty() {
            let name = text(&mut cursor)?;
            let mut file = 0;
            for _ in 0..cursor.count()? {
                file = cursor.beyond(file)?;
                let (calls, others, site) = (cursor.varint()?, cursor.varint()?, cursor.varint()?);
                block.rows.push(Unclear { file, calls, others, site });
            }
            block.names.push((name, block.rows.len() as u32));
        }
        Ok(block)
    }
}

/// Appends a row: the number of files and their encoded rows are known apart, since they are collected name by name.
pub(super) fn put_unclear(raw: &mut Vec<u8>, name: &str, rows: &UnclearRows) {
    put_bytes(raw, name.as_bytes());
    put_varint(raw, rows.n_files);
    raw.extend_from_slice(&rows.bytes);
}

/// The rows of one name, in the order of files.
#[derive(Debug, Default)]
pub(super) struct UnclearRows {
    bytes: Vec<u8>,
    n_files: u32,
    file: u32,
}

impl UnclearRows {
    pub(super) fn push(&mut self, row: Unclear) {
        for number in [row.file - self.file, row.calls, row.others, row.site] {
            put_varint(&mut self.bytes, number);
        }
        self.file = row.file;
        self.n_files += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }
}

fn text(cursor: &mut Cursor<'_>) -> Result<Box<str>, GraphError> {
    let text = std::str::from_utf8(cursor.bytes()?);
    Ok(text.map_err(|_| cursor.error("has a name that is no text"))?.into())
}
