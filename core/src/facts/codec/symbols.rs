//! Symbols as columns.

use super::FactsError;
use super::Reader;
use super::outline::Ids;
use super::places::{Last, Words};
use super::strings::{Strings, Table};
use crate::cursor::{put_moved, put_varint};
use crate::facts::outline::OutlinedSymbol;
use crate::facts::{Arity, Flags, Span, Symbol, SymbolKind};

/// The name is no word of the text: its place and a string are there instead.
const ODD: u8 = 1;
const CONTAINER: u8 = 1 << 1;
const QUALIFIER: u8 = 1 << 2;
const INTERFACE: u8 = 1 << 3;
const DOC: u8 = 1 << 4;
const ARITY: u8 = 1 << 5;
const OF_TYPE: u8 = 1 << 6;
/// The signature is all of the range.
const ALL_SIGNATURE: u8 = 1 << 7;

/// Numbers of the columns.
const KIND: usize = 0;
const SHAPE: usize = 1;
const FLAGS: usize = 2;
const PLACE: usize = 3;
const RANGE: usize = 4;
const SIGNATURE: usize = 5;
const CONTAINERS: usize = 6;
const STRINGS: usize = 7;
const MORE: usize = 8;
const COLUMNS: usize = 9;
/// Fewest bytes of a symbol: kind, shape, flags, place, and two of its range.
const LEAST: usize = 6;

/// Writes the columns.
pub(super) fn encode<'s>(symbols: &'s [Symbol], words: &Words<'_>, strings: &mut Strings<'s>) -> [Vec<u8>; COLUMNS] {
    let mut columns = [const { Vec::new() }; COLUMNS];
    let mut last = Last::default();
    for (symbol, number) in symbols.iter().zip(0..) {
        let word = words.find(symbol.name_span.start, &symbol.name);
        let word = word.filter(|_| symbol.name_span.end - symbol.name_span.start == symbol.name.len() as u32);
        columns[KIND].push(symbol.kind as u8);
        columns[SHAPE].push(shape(symbol, word.is_none()));
        put_varint(&mut columns[FLAGS], symbol.flags.0);
        match word {
            Some(word) => last.put_word(&mut columns[PLACE], word, symbol.name_span.start),
            None => {
                last.put_start(&mut columns[PLACE], symbol.name_span.start);
                put_moved(&mut columns[PLACE], symbol.name_span.start, symbol.name_span.end);
                put_varint(&mut columns[STRINGS], strings.number(&symbol.name));
            }
        }
        put_spans(&mut columns, symbol);
        symbol.container.iter().for_each(|container| put_moved(&mut columns[CONTAINERS], number, *container));
        for string in [&symbol.qualifier, &symbol.interface, &symbol.of_type].into_iter().flatten() {
            put_varint(&mut columns[STRINGS], strings.number(string));
        }
        if symbol.arity != Arity::default() {
            columns[MORE].extend([symbol.arity.least, symbol.arity.most]);
        }
    }
    columns
}

fn shape(symbol: &Symbol, is_odd: bool) -> u8 {
    let bits = [
        (is_odd, ODD),
        (symbol.container.is_some(), CONTAINER),
        (symbol.qualifier.is_some(), QUALIFIER),
        (symbol.interface.is_some(), INTERFACE),
        (symbol.doc.is_some(), DOC),
        (symbol.arity != Arity::default(), ARITY),
        (symbol.of_type.is_some(), OF_TYPE),
        (symbol.signature == symbol.range, ALL_SIGNATURE),
    ];
    bits.into_iter().filter(|(is_so, _)| *is_so).fold(0, |shape, (_, bit)| shape | bit)
}

fn put_spans(columns: &mut [Vec<u8>; COLUMNS], symbol: &Symbol) {
    put_moved(&mut columns[RANGE], symbol.name_span.start, symbol.range.start);
    put_moved(&mut columns[RANGE], symbol.name_span.end, symbol.range.end);
    if symbol.signature != symbol.range {
        put_moved(&mut columns[SIGNATURE], symbol.range.start, symbol.signature.start);
        put_moved(&mut columns[SIGNATURE], symbol.name_span.end, symbol.signature.end);
    }
    if let Some(doc) = symbol.doc {
        put_moved(&mut columns[MORE], symbol.range.start, doc.start);
        put_moved(&mut columns[MORE], doc.start, doc.end);
    }
}

/// Reads `n` symbols.
pub(super) fn decode(
    n: u32,
    mut columns: [Reader<'_>; COLUMNS],
    words: &Words<'_>,
    table: &Table<'_>,
) -> Result<Vec<Symbol>, FactsError> {
    let bytes: usize = columns.iter().map(Reader::remaining).sum();
    let mut symbols = Vec::with_capacity((n as usize).min(bytes / LEAST));
    let mut last = Last::default();
    for number in 0..n {
        symbols.push(symbol(number, &mut columns, (words, &mut last), table)?);
    }
    columns.into_iter().try_for_each(Reader::finish)?;
    Ok(symbols)
}

fn symbol(
    number: u32,
    columns: &mut [Reader<'_>; COLUMNS],
    (words, last): (&Words<'_>, &mut Last),
    table: &Table<'_>,
) -> Result<Symbol, FactsError> {
    let (kind, flags, shape) = traits(columns)?;
    let has = |bit| shape & bit != 0;
    let (name_span, name) = match has(ODD) {
        false => {
            let (span, name) = last.word(&mut columns[PLACE], words)?;
            (span, table.own(name)?)
        }
        true => {
            let start = last.start(&mut columns[PLACE])?;
            (Span { start, end: columns[PLACE].moved(start)? }, table.next(&mut columns[STRINGS])?)
        }
    };
    let range = Span { start: columns[RANGE].moved(name_span.start)?, end: columns[RANGE].moved(name_span.end)? };
    let signature = match has(ALL_SIGNATURE) {
        true => range,
        false => Span { start: columns[SIGNATURE].moved(range.start)?, end: columns[SIGNATURE].moved(name_span.end)? },
    };
    let container = has(CONTAINER).then(|| columns[CONTAINERS].moved(number)).transpose()?;
    let qualifier = table.next_if(has(QUALIFIER), &mut columns[STRINGS])?;
    let interface = table.next_if(has(INTERFACE), &mut columns[STRINGS])?;
    let of_type = table.next_if(has(OF_TYPE), &mut columns[STRINGS])?;
    let more = &mut columns[MORE];
    let doc = has(DOC).then(|| doc(more, range.start)).transpose()?;
    let arity = arity(shape, more)?;
    let symbol = Symbol { name, flags, container, qualifier, interface, name_span, ..Symbol::new(kind) };
    Ok(Symbol { range, signature, doc, arity, of_type, ..symbol })
}

/// Kind, flags and shape of the next symbol.
fn traits(columns: &mut [Reader<'_>; COLUMNS]) -> Result<(SymbolKind, Flags, u8), FactsError> {
    let kind = SymbolKind::ALL.get(usize::from(columns[KIND].u8()?));
    let kind = *kind.ok_or(FactsError::Corrupt("a symbol of no kind"))?;
    let shape = columns[SHAPE].u8()?;
    let flags = u16::try_from(columns[FLAGS].varint()?).map_err(|_| FactsError::Corrupt("flags beyond 16 bits"))?;
    Ok((kind, Flags(flags), shape))
}

fn arity(shape: u8, more: &mut Reader<'_>) -> Result<Arity, FactsError> {
    let is_there = shape & ARITY != 0;
    Ok(if is_there { Arity { least: more.u8()?, most: more.u8()? } } else { Arity::default() })
}

/// Reads what is said of `n` symbols without their text: neither places nor names that the text writes.
pub(super) fn outline(n: u32, mut columns: [Reader<'_>; COLUMNS], ids: Ids) -> Result<Vec<OutlinedSymbol>, FactsError> {
    let bytes: usize = columns.iter().map(Reader::remaining).sum();
    let mut symbols = Vec::with_capacity((n as usize).min(bytes / LEAST));
    for number in 0..n {
        symbols.push(symbol_outline(number, &mut columns, ids)?);
    }
    Ok(symbols)
}

fn symbol_outline(number: u32, columns: &mut [Reader<'_>; COLUMNS], ids: Ids) -> Result<OutlinedSymbol, FactsError> {
    let (kind, flags, shape) = traits(columns)?;
    let has = |bit| shape & bit != 0;
    let name = ids.next_if(has(ODD), &mut columns[STRINGS])?;
    let container = has(CONTAINER).then(|| columns[CONTAINERS].moved(number)).transpose()?;
    let qualifier = ids.next_if(has(QUALIFIER), &mut columns[STRINGS])?;
    let interface = ids.next_if(has(INTERFACE), &mut columns[STRINGS])?;
    let of_type = ids.next_if(has(OF_TYPE), &mut columns[STRINGS])?;
    let more = &mut columns[MORE];
    if has(DOC) {
        more.signed()?;
        more.signed()?;
    }
    let arity = arity(shape, more)?;
    Ok(OutlinedSymbol { name, kind, flags, arity, container, qualifier, interface, of_type })
}

fn doc(column: &mut Reader<'_>, from: u32) -> Result<Span, FactsError> {
    let start = column.moved(from)?;
    Ok(Span { start, end: column.moved(start)? })
}
