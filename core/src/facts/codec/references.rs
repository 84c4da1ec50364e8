//! References as columns.

use super::FactsError;
use super::Reader;
use super::places::{Last, Words};
use super::strings::{Strings, Table};
use crate::cursor::put_varint;
use crate::facts::{Reference, Role, UNKNOWN_ARITY};

/// The role is in the low bits of its byte.
const ROLE: u8 = 0x0F;
const RECEIVER: u8 = 1 << 4;
const ARITY: u8 = 1 << 5;
/// The name is no word of the text: its place and a string are there instead.
const ODD: u8 = 1 << 6;

/// Numbers of the columns.
const PLACE: usize = 0;
const KIND: usize = 1;
const ARITIES: usize = 2;
const STRINGS: usize = 3;
pub(super) const COLUMNS: usize = 4;
/// Fewest bytes of a reference: its place and its role.
const LEAST: usize = 2;

/// Writes the columns.
pub(super) fn encode<'s>(
    references: &'s [Reference],
    words: &Words<'_>,
    strings: &mut Strings<'s>,
) -> [Vec<u8>; COLUMNS] {
    let mut columns = [const { Vec::new() }; COLUMNS];
    let mut last = Last::default();
    for reference in references {
        let mut kind = reference.role as u8;
        match words.find(reference.start, &reference.name) {
            Some(word) => last.put_word(&mut columns[PLACE], word, reference.start),
            None => {
                kind |= ODD;
                last.put_start(&mut columns[PLACE], reference.start);
                put_varint(&mut columns[STRINGS], strings.number(&reference.name));
            }
        }
        if let Some(receiver) = &reference.receiver {
            kind |= RECEIVER;
            put_varint(&mut columns[STRINGS], strings.number(receiver));
        }
        if reference.n_arguments != UNKNOWN_ARITY {
            kind |= ARITY;
            columns[ARITIES].push(reference.n_arguments);
        }
        columns[KIND].push(kind);
    }
    columns
}

/// Reads `n` references.
pub(super) fn decode(
    n: u32,
    mut columns: [Reader<'_>; COLUMNS],
    words: &Words<'_>,
    table: &Table<'_>,
) -> Result<Vec<Reference>, FactsError> {
    let bytes: usize = columns.iter().map(Reader::remaining).sum();
    let mut references = Vec::with_capacity((n as usize).min(bytes / LEAST));
    let mut last = Last::default();
    for _ in 0..n {
        references.push(reference(&mut columns, (words, &mut last), table)?);
    }
    columns.into_iter().try_for_each(Reader::finish)?;
    Ok(references)
}

fn reference(
    columns: &mut [Reader<'_>; COLUMNS],
    (words, last): (&Words<'_>, &mut Last),
    table: &Table<'_>,
) -> Result<Reference, FactsError> {
    let kind = columns[KIND].u8()?;
    let role = *Role::ALL.get(usize::from(kind & ROLE)).ok_or(FactsError::Corrupt("a reference of no role"))?;
    let (start, name) = match kind & ODD == 0 {
        true => {
            let (span, name) = last.word(&mut columns[PLACE], words)?;
            (span.start, table.own(name)?)
        }
        false => (last.start(&mut columns[PLACE])?, table.next(&mut columns[STRINGS])?),
    };
    let receiver = table.next_if(kind & RECEIVER != 0, &mut columns[STRINGS])?;
    let n_arguments = if kind & ARITY != 0 { columns[ARITIES].u8()? } else { UNKNOWN_ARITY };
    Ok(Reference { name, start, role, receiver, n_arguments })
}
