//! The rows of one document, and a row as bytes that sort as rows do: folded name, name, document, symbol.

use std::collections::HashMap;

use super::{MAX_NAME, NameRow};
use crate::cursor::put_varint;
use crate::facts::{Arity, Facts, Flags, Symbol, SymbolKind};
use crate::segment::Cursor;
use crate::segment::DocId;
use crate::segment::error::SegmentError;
use crate::text;

const SECTION: &str = "names";
/// Longest signature, in characters.
const MAX_SIGNATURE: usize = 160;
/// Longest text round a name, in bytes; of a longer one the end is kept.
const MAX_CONTAINER: usize = 256;

/// The rows of a document that has no number yet, each behind its length.
pub(in crate::segment) fn of_document(facts: &Facts, content: &[u8]) -> Vec<u8> {
    let places = places(facts, content);
    let mut out = Vec::new();
    let (mut qualified, mut seen) = (Vec::<Box<str>>::with_capacity(facts.symbols.len()), HashMap::new());
    for ((symbol, number), (line, column)) in facts.symbols.iter().zip(0..).zip(places) {
        let outer = symbol.container.map(|container| &*qualified[container as usize]).unwrap_or_default();
        let container = container(outer, symbol.qualifier.as_deref());
        let whole: Box<str> = join(&container, &symbol.name).into();
        let ordinal = seen.entry(whole.clone()).and_modify(|n| *n += 1).or_insert(0);
        qualified.push(whole);
        if symbol.name.is_empty() || symbol.name.len() > MAX_NAME || symbol.name.contains('\0') {
            continue;
        }
        let Symbol { kind, flags, ref name, .. } = *symbol;
        let (name, signature) = (name.clone(), signature(symbol, content));
        let (container, ordinal) = (container.into(), *ordinal);
        write(
            &NameRow { name, doc: 0, symbol: number, kind, flags, line, column, ordinal, container, signature },
            &mut out,
        );
    }
    out
}

fn join(container: &str, name: &str) -> String {
    if container.is_empty() { name.to_owned() } else { format!("{container}.{name}") }
}

fn container(outer: &str, qualifier: Option<&str>) -> String {
    let mut container = match qualifier {
        Some(qualifier) => join(outer, qualifier),
        None => outer.to_owned(),
    };
    if container.len() > MAX_CONTAINER {
        let at = container.ceil_char_boundary(container.len() - MAX_CONTAINER);
        container.drain(..at);
    }
    container
}

/// Line and column of each name. Long lines with many names are read once.
fn places(facts: &Facts, content: &[u8]) -> Vec<(u32, u32)> {
    let mut order: Vec<usize> = (0..facts.symbols.len()).collect();
    order.sort_by_key(|&number| facts.symbols[number].name_span.start);
    let (mut places, mut at, mut line, mut column) = (vec![(1, 1); order.len()], 0, 1u32, 1u32);
    for number in order {
        let start = (facts.symbols[number].name_span.start as usize).min(content.len());
        let between = &content[at..start];
        line += memchr::memchr_iter(b'\n', between).count() as u32;
        let last = memchr::memrchr(b'\n', between).map(|newline| &between[newline + 1..]);
        column = n_characters(last.unwrap_or(between)) + if last.is_some() { 1 } else { column };
        (places[number], at) = ((line, column), start);
    }
    places
}

/// Code points; a byte that is not UTF-8 counts as one.
fn n_characters(bytes: &[u8]) -> u32 {
    bytes.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum::<usize>() as u32
}

/// How a type or function is declared.
fn signature(symbol: &Symbol, content: &[u8]) -> Box<str> {
    let has_one = symbol.kind.is_type() || symbol.kind.is_callable();
    // A macro without arguments is a constant, and what it stands for is no signature.
    if !has_one || (symbol.kind == SymbolKind::Macro && symbol.arity == Arity::default()) {
        return Box::default();
    }
    let span = symbol.signature.start as usize..symbol.signature.end as usize;
    let written = &content[span.start..span.end.min(span.start + 8 * MAX_SIGNATURE)];
    let written = String::from_utf8_lossy(written);
    let mut signature = String::new();
    for word in written.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !signature.is_empty() {
            signature.push(' ');
        }
        signature.push_str(word);
    }
    let end = signature.char_indices().nth(MAX_SIGNATURE).map_or(signature.len(), |(at, _)| at);
    signature.truncate(end);
    signature.into()
}

/// Appends a row behind its length.
fn write(row: &NameRow, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 2]);
    out.extend(text::folded(&row.name).bytes());
    out.push(0);
    out.extend(row.name.bytes());
    out.push(0);
    out.extend(row.doc.to_be_bytes());
    out.extend(row.symbol.to_be_bytes());
    out.push(row.kind as u8);
    out.extend(row.flags.0.to_le_bytes());
    [row.line, row.column, row.ordinal, row.container.len() as u32]
        .into_iter()
        .for_each(|number| put_varint(out, number));
    out.extend(row.container.bytes());
    out.extend(row.signature.bytes());
    let len = u16::try_from(out.len() - start - 2).expect("names, containers and signatures are bounded");
    out[start..start + 2].copy_from_slice(&len.to_le_bytes());
}

/// Rows of a document, each as bytes of its own.
pub(super) fn each(mut rows: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = rows.split_first_chunk::<2>()?;
        let (row, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        rows = rest;
        Some(row)
    })
}

/// Appends a row with the number of its document.
pub(super) fn put_numbered(row: &[u8], doc: DocId, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend(row);
    let at = start + memchr::memchr_iter(0, row).nth(1).map_or(0, |nul| nul + 1);
    out[at..at + 4].copy_from_slice(&doc.to_be_bytes());
}

/// Reads a row.
pub(super) fn read(row: &[u8]) -> Result<NameRow, SegmentError> {
    let mut cursor = Cursor::new(SECTION, row);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into();
    let mut nuls = memchr::memchr_iter(0, row);
    let (Some(folded), Some(end)) = (nuls.next(), nuls.next()) else { return Err(cursor.error("has a row cut off")) };
    cursor.take(folded + 1)?;
    let name = text(cursor.take(end - folded - 1)?);
    cursor.u8()?;
    let (doc, symbol) = (cursor.u32()?.swap_bytes(), cursor.u32()?.swap_bytes());
    let kind = cursor.u8()?;
    let kind = self::kind(&cursor, kind)?;
    let flags = Flags(cursor.u16()?);
    let (line, column, ordinal) = (cursor.varint()?, cursor.varint()?, cursor.varint()?);
    let container_len = cursor.varint()? as usize;
    let container = text(cursor.take(container_len)?);
    let signature = text(cursor.take(cursor.remaining())?);
    Ok(NameRow { name, doc, symbol, kind, flags, line, column, ordinal, container, signature })
}

/// The kind with a number.
pub(super) fn kind(cursor: &Cursor<'_>, number: u8) -> Result<SymbolKind, SegmentError> {
    SymbolKind::ALL.get(usize::from(number)).copied().ok_or_else(|| cursor.error("has a symbol of no kind"))
}
