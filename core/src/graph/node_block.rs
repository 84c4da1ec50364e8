//! A block of nodes that was read: which symbols it has is known at once; what they are is decoded when the first of them is asked
//! for, since a push asks most blocks for numbers alone. How a row is written is told by [`super::node`].

use std::sync::OnceLock;

use super::codec::Cursor;
use super::error::GraphError;
use super::node::{N_COLUMNS, Node, next_symbol, read_rows};

/// Numbers of the columns with the lengths of names: what a name shares, and what follows.
const PREFIX: usize = 3;
const SUFFIX: usize = 4;

/// Nodes that follow each other.
#[derive(Debug)]
pub(super) struct NodeBlock {
    raw: Vec<u8>,
    first: u32,
    /// Rows that are the first of their file, ascending.
    begins: Vec<usize>,
    symbols: Vec<Option<u32>>,
    /// Bytes of all names, each in full.
    names: usize,
    rows: OnceLock<Vec<Node>>,
}

impl NodeBlock {
    /// Reads which symbols are there; `begins(n)`, asked for one after the other: whether row `n` is the first of its file.
    pub(super) fn decode(first: u32, raw: Vec<u8>, mut begins: impl FnMut(usize) -> bool) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("nodes", &raw);
        let n_rows = cursor.count()?;
        let mut columns = (0..N_COLUMNS).map(|_| cursor.column()).collect::<Result<Vec<_>, _>>()?;
        let (mut first_rows, mut symbols, mut names) = (Vec::new(), Vec::new(), 0);
        for nth in 0..n_rows {
            let is_first = begins(nth);
            first_rows.extend(is_first.then_some(nth));
            let before = symbols.last().copied().flatten().filter(|_| !is_first);
            symbols.push(next_symbol(&mut columns[0], before)?);
            names += columns[PREFIX].varint()? as usize + columns[SUFFIX].varint()? as usize;
        }
        Ok(Self { raw, first, begins: first_rows, symbols, names, rows: OnceLock::new() })
    }

    /// The row of a node, if it is here.
    pub(super) fn place(&self, node: u32) -> Option<usize> {
        node.checked_sub(self.first).map(|nth| nth as usize).filter(|nth| *nth < self.symbols.len())
    }

    /// The number of a row's symbol in the facts of its file; `None`: it is the file itself.
    pub(super) fn symbol(&self, nth: usize) -> Option<u32> {
        self.symbols[nth]
    }

    /// All rows, decoded if nobody has asked before.
    pub(super) fn rows(&self) -> Result<&[Node], GraphError> {
        if let Some(rows) = self.rows.get() {
            return Ok(rows);
        }
        let rows = read_rows(&self.raw, |nth| self.begins.binary_search(&nth).is_ok())?;
        Ok(self.rows.get_or_init(|| rows))
    }

    /// Bytes of memory, once all is decoded.
    pub(super) fn memory(&self) -> usize {
        self.raw.len() + self.names + self.symbols.len() * (size_of::<Node>() + size_of::<Option<u32>>())
    }
}
