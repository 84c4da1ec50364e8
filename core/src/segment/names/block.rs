//! Rows in a block, column by column.

use super::{NameRow, rows};
use crate::cursor::put_varint;
use crate::facts::Flags;
use crate::segment::error::SegmentError;
use crate::segment::{Cursor, DocId};

const SECTION: &str = "names";
/// Bytes of columns after which a block ends.
const FULL: usize = 24 << 10;

/// Rows that room is made for before they are read.
const MOST_ROWS: u32 = 4096;

/// Numbers of the columns.
const SHARED: usize = 0;
const SUFFIXES: usize = 1;
const DOCS: usize = 2;
const SYMBOLS: usize = 3;
const LINES: usize = 4;
const COLUMN: usize = 5;
const KINDS: usize = 6;
const FLAGS: usize = 7;
const ORDINALS: usize = 8;
const CONTAINERS: usize = 9;
const SIGNATURES: usize = 10;
const COLUMNS: usize = 11;

/// Stands for the name in a signature.
const NAME: &str = "\0";

/// Collects rows.
#[derive(Debug, Default)]
pub(super) struct BlockEncoder {
    n_rows: u32,
    columns: [Vec<u8>; COLUMNS],
    last: Last,
}

/// What the next row is told apart from.
#[derive(Clone, Debug, Default)]
struct Last {
    name: String,
    doc: u32,
    symbol: u32,
    /// Line minus symbol: where every line has a symbol, it stays.
    offset: u32,
}

impl BlockEncoder {
    pub(super) fn push(&mut self, row: &NameRow) {
        let Self { columns, last, .. } = self;
        let shared = shared(&last.name, &row.name);
        put_varint(&mut columns[SHARED], shared as u32);
        put_text(&mut columns[SUFFIXES], &row.name[shared..]);
        put_signed(&mut columns[DOCS], row.doc.wrapping_sub(last.doc));
        put_signed(&mut columns[SYMBOLS], row.symbol.wrapping_sub(last.symbol));
        let offset = row.line.wrapping_sub(row.symbol);
        put_signed(&mut columns[LINES], offset.wrapping_sub(last.offset));
        put_varint(&mut columns[COLUMN], row.column);
        columns[KINDS].push(row.kind as u8);
        put_varint(&mut columns[FLAGS], row.flags.0);
        put_varint(&mut columns[ORDINALS], row.ordinal);
        put_text(&mut columns[CONTAINERS], &row.container);
        put_text(&mut columns[SIGNATURES], &row.signature.replacen(&*row.name, NAME, 1));
        *last = Last { name: row.name.to_string(), doc: row.doc, symbol: row.symbol, offset };
        self.n_rows += 1;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.columns.iter().map(Vec::len).sum::<usize>() >= FULL
    }

    /// The bytes of the block, which is empty then.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Self { n_rows, columns, .. } = std::mem::take(self);
        let mut block = Vec::new();
        put_varint(&mut block, n_rows);
        columns.iter().for_each(|column| put_varint(&mut block, column.len() as u32));
        columns.iter().for_each(|column| block.extend(column));
        block
    }
}

/// Bytes that two names begin with, whole characters.
pub(super) fn shared(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    b.floor_char_boundary(same).min(a.floor_char_boundary(same))
}

/// The rows of a block whose names are wanted. What is behind the last of them is not read.
pub(super) fn decode(block: &[u8], is_wanted: &dyn Fn(&str) -> bool) -> Result<Vec<NameRow>, SegmentError> {
    let (n_rows, mut columns) = columns(block)?;
    let (wanted, n_wanted) = wanted(n_rows, columns, is_wanted)?;
    let mut rows = Vec::with_capacity(n_wanted);
    let mut last = Last::default();
    for is_wanted in &wanted {
        rows.extend(row(&mut columns, &mut last, *is_wanted)?);
    }
    if wanted.len() == n_rows as usize {
        columns.into_iter().try_for_each(Cursor::finish)?;
    }
    Ok(rows)
}

/// Of every row up to the last whose name is wanted, whether it is; and how many are. Names alone are read, each is asked
/// for once.
fn wanted(
    n_rows: u32,
    mut columns: [Cursor<'_>; COLUMNS],
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<(Vec<bool>, usize), SegmentError> {
    let (mut wanted, mut n_wanted, mut end) = (Vec::with_capacity(n_rows.min(MOST_ROWS) as usize), 0, 0);
    let mut last = Last::default();
    let mut is_one = false;
    for nth in 0..n_rows {
        let is_same = last.next_name(&mut columns)?;
        if !is_same || nth == 0 {
            is_one = is_wanted(&last.name);
        }
        wanted.push(is_one);
        if is_one {
            (n_wanted, end) = (n_wanted + 1, wanted.len());
        }
    }
    wanted.truncate(end);
    Ok((wanted, n_wanted))
}

/// Shows name, document and symbol of every row: what else rows say is not read.
pub(super) fn each(block: &[u8], show: &mut dyn FnMut(&str, DocId, u32)) -> Result<(), SegmentError> {
    let (n_rows, mut columns) = columns(block)?;
    let mut last = Last::default();
    for _ in 0..n_rows {
        last.move_on(&mut columns)?;
        show(&last.name, last.doc, last.symbol);
    }
    Ok(())
}

fn columns(block: &[u8]) -> Result<(u32, [Cursor<'_>; COLUMNS]), SegmentError> {
    let mut cursor = Cursor::new(SECTION, block);
    let n_rows = cursor.varint()?;
    let mut lens = [0; COLUMNS];
    for len in &mut lens {
        *len = cursor.varint()? as usize;
    }
    let mut columns = [cursor; COLUMNS];
    for (column, len) in columns.iter_mut().zip(lens) {
        *column = Cursor::new(SECTION, cursor.take(len)?);
    }
    cursor.finish()?;
    Ok((n_rows, columns))
}

impl Last {
    /// Reads the name of the next row; whether it is that of the one before.
    fn next_name(&mut self, columns: &mut [Cursor<'_>; COLUMNS]) -> Result<bool, SegmentError> {
        let shared = columns[SHARED].varint()? as usize;
        if !self.name.is_char_boundary(shared) {
            return Err(columns[SHARED].error("shares more than there is"));
        }
        let suffix = text(&mut columns[SUFFIXES])?;
        let is_same = shared == self.name.len() && suffix.is_empty();
        self.name.truncate(shared);
        self.name.push_str(suffix);
        if self.name.len() > super::MAX_NAME {
            return Err(columns[SUFFIXES].error("has a name that is too long"));
        }
        Ok(is_same)
    }

    /// Reads name, document and symbol of the next row.
    fn move_on(&mut self, columns: &mut [Cursor<'_>; COLUMNS]) -> Result<(), SegmentError> {
        self.next_name(columns)?;
        self.doc = self.doc.wrapping_add(signed(&mut columns[DOCS])?);
        self.symbol = self.symbol.wrapping_add(signed(&mut columns[SYMBOLS])?);
        Ok(())
    }
}

/// The next row, if it is wanted. Its texts are copied only then.
fn row(columns: &mut [Cursor<'_>; COLUMNS], last: &mut Last, is_wanted: bool) -> Result<Option<NameRow>, SegmentError> {
    last.move_on(columns)?;
    last.offset = last.offset.wrapping_add(signed(&mut columns[LINES])?);
    let kind = columns[KINDS].u8()?;
    let flags =
        u16::try_from(columns[FLAGS].varint()?).map_err(|_| columns[FLAGS].error("has flags beyond 16 bits"))?;
    let kind = rows::kind(&columns[KINDS], kind)?;
    let (column, ordinal) = (columns[COLUMN].varint()?, columns[ORDINALS].varint()?);
    let (container, signature) = (bytes(&mut columns[CONTAINERS])?, bytes(&mut columns[SIGNATURES])?);
    if !is_wanted {
        return Ok(None);
    }
    let (container, signature) = (utf8(&columns[CONTAINERS], container)?, utf8(&columns[SIGNATURES], signature)?);
    Ok(Some(NameRow {
        name: last.name.as_str().into(),
        doc: last.doc,
        symbol: last.symbol,
        kind,
        flags: Flags(flags),
        line: last.offset.wrapping_add(last.symbol),
        column,
        ordinal,
        container: container.into(),
        signature: signature.replacen(NAME, &last.name, 1).into(),
    }))
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_varint(out, text.len() as u32);
    out.extend(text.bytes());
}

pub(super) fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, SegmentError> {
    let bytes = bytes(cursor)?;
    utf8(cursor, bytes)
}

fn bytes<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], SegmentError> {
    let len = cursor.varint()? as usize;
    cursor.take(len)
}

fn utf8<'a>(cursor: &Cursor<'_>, bytes: &'a [u8]) -> Result<&'a str, SegmentError> {
    std::str::from_utf8(bytes).map_err(|_| cursor.error("has a text that is no UTF-8"))
}

fn put_signed(out: &mut Vec<u8>, difference: u32) {
    let difference = difference.cast_signed();
    put_varint(out, ((difference << 1) ^ (difference >> 31)).cast_unsigned());
}

fn signed(cursor: &mut Cursor<'_>) -> Result<u32, SegmentError> {
    let code = cursor.varint()?;
    Ok((code >> 1) ^ (code & 1).wrapping_neg())
}
