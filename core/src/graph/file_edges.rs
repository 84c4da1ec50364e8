//! Edges between files in blocks, by the file that is used. What a file uses follows from its own edges.

use super::codec::{Cursor, put_signed, put_varint};
use super::error::GraphError;
use super::keys::{KeyRows, Keys};

/// That a file uses another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileUse {
    /// The other file: the one used, or where it says so the one that uses.
    pub file: u32,
    /// Bits by number of the [`crate::facts::Role`].
    pub roles: u16,
    /// The most certain of the edges, in hundredths.
    pub confidence: u8,
    /// How many edges.
    pub count: u32,
    /// Where the first of them stands, an import before others. 0 in what is read from the file that is used.
    pub site: u32,
}

/// What uses some files.
#[derive(Debug, Default)]
pub(super) struct FileBlock {
    keys: Keys,
    uses: Vec<FileUse>,
}

impl FileBlock {
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + size_of_val(&self.uses[..])
    }

    pub(super) fn uses(&self, file: u32) -> &[FileUse] {
        &self.uses[self.keys.range(file)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("edges of files", raw);
        let keys = Keys::decode(&mut cursor)?;
        let [mut files, mut roles, mut confidences, mut counts] = cursor.columns()?;
        let mut uses = Vec::with_capacity(confidences.remaining());
        for (key, n_uses) in keys.each() {
            let mut file = key;
            for _ in 0..n_uses {
                file = files.moved(file)?;
                let (roles, confidence) = (roles.varint()? as u16, confidences.u8()?.min(100));
                uses.push(FileUse { file, roles, confidence, count: counts.varint()?, site: 0 });
            }
        }
        [files, roles, confidences, counts].into_iter().try_for_each(Cursor::finish)?;
        Ok(Self { keys, uses })
    }
}

/// Writes edges of files.
#[derive(Debug, Default)]
pub(super) struct FileRows {
    keys: KeyRows,
    columns: [Vec<u8>; 4],
}

impl FileRows {
    pub(super) fn weight(&self) -> usize {
        self.columns[2].len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends what uses one file, by file.
    pub(super) fn push(&mut self, key: u32, uses: &[FileUse]) {
        let [files, roles, confidences, counts] = &mut self.columns;
        let mut before = key;
        for one in uses {
            put_signed(files, i64::from(one.file) - i64::from(before));
            put_varint(roles, one.roles);
            confidences.push(one.confidence);
            put_varint(counts, one.count);
            before = one.file;
        }
        self.keys.push(key, uses.len());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&taken.columns)
    }
}
