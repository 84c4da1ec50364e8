//! Imports and supertypes, row by row: there are few.

use super::FactsError;
use super::Reader;
use super::outline::Ids;
use super::strings::{Strings, Table};
use crate::cursor::{put_moved, put_varint};
use crate::facts::outline::{OutlinedImport, OutlinedSupertype};
use crate::facts::{Import, Relation, Supertype};

const NAME: u8 = 1;
const ALIAS: u8 = 1 << 1;
const REEXPORTED: u8 = 1 << 2;

/// The relation is in the low bits of its byte.
const RELATION: u8 = 0x0F;
const OF: u8 = 1 << 4;

/// Fewest bytes of a row.
const LEAST: usize = 3;

/// Writes imports.
pub(super) fn encode_imports<'s>(imports: &'s [Import], strings: &mut Strings<'s>) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), 0);
    for import in imports {
        let bits = [(import.name.is_some(), NAME), (import.alias.is_some(), ALIAS), (import.reexported, REEXPORTED)];
        out.push(bits.into_iter().filter(|(is_so, _)| *is_so).fold(0, |shape, (_, bit)| shape | bit));
        put_moved(&mut out, last, import.start);
        last = import.start;
        for string in std::iter::once(&import.module).chain(&import.name).chain(&import.alias) {
            put_varint(&mut out, strings.number(string));
        }
    }
    out
}

/// Reads `n` imports.
pub(super) fn decode_imports(n: u32, mut rows: Reader<'_>, table: &Table<'_>) -> Result<Vec<Import>, FactsError> {
    let mut imports = Vec::with_capacity((n as usize).min(rows.remaining() / LEAST));
    let mut start = 0;
    for _ in 0..n {
        let shape = rows.u8()?;
        start = rows.moved(start)?;
        let module = table.next(&mut rows)?;
        let name = table.next_if(shape & NAME != 0, &mut rows)?;
        let alias = table.next_if(shape & ALIAS != 0, &mut rows)?;
        imports.push(Import { module, name, alias, reexported: shape & REEXPORTED != 0, start });
    }
    rows.finish()?;
    Ok(imports)
}

/// The same without the text.
pub(super) fn outline_imports(n: u32, mut rows: Reader<'_>, ids: Ids) -> Result<Vec<OutlinedImport>, FactsError> {
    let mut imports = Vec::with_capacity((n as usize).min(rows.remaining() / LEAST));
    for _ in 0..n {
        let shape = rows.u8()?;
        rows.signed()?;
        let module = ids.next(&mut rows)?;
        let name = ids.next_if(shape & NAME != 0, &mut rows)?;
        let alias = ids.next_if(shape & ALIAS != 0, &mut rows)?;
        imports.push(OutlinedImport { module, name, alias, reexported: shape & REEXPORTED != 0, container: None });
    }
    rows.finish()?;
    Ok(imports)
}

/// Writes supertypes.
pub(super) fn encode_supertypes<'s>(supertypes: &'s [Supertype], strings: &mut Strings<'s>) -> Vec<u8> {
    let (mut out, mut last) = (Vec::new(), 0);
    for one in supertypes {
        out.push(one.relation as u8 | if one.of.is_some() { OF } else { 0 });
        put_moved(&mut out, last, one.start);
        last = one.start;
        one.of.iter().for_each(|of| put_varint(&mut out, *of));
        put_varint(&mut out, strings.number(&one.name));
        put_varint(&mut out, strings.number(&one.supertype));
    }
    out
}

/// Reads `n` supertypes.
pub(super) fn decode_supertypes(n: u32, mut rows: Reader<'_>, table: &Table<'_>) -> Result<Vec<Supertype>, FactsError> {
    let mut supertypes = Vec::with_capacity((n as usize).min(rows.remaining() / LEAST));
    let mut start = 0;
    for _ in 0..n {
        let shape = rows.u8()?;
        let relation = *Relation::ALL.get(usize::from(shape & RELATION)).ok_or(FactsError::Corrupt("no relation"))?;
        start = rows.moved(start)?;
        let of = (shape & OF != 0).then(|| rows.varint()).transpose()?;
        let (name, supertype) = (table.next(&mut rows)?, table.next(&mut rows)?);
        supertypes.push(Supertype { of, name, supertype, relation, start });
    }
    rows.finish()?;
    Ok(supertypes)
}

/// The same without the text.
pub(super) fn outline_supertypes(n: u32, mut rows: Reader<'_>, ids: Ids) -> Result<Vec<OutlinedSupertype>, FactsError> {
    let mut supertypes = Vec::with_capacity((n as usize).min(rows.remaining() / LEAST));
    for _ in 0..n {
        let shape = rows.u8()?;
        rows.signed()?;
        let of = (shape & OF != 0).then(|| rows.varint()).transpose()?;
        supertypes.push(OutlinedSupertype { of, name: ids.next(&mut rows)?, supertype: ids.next(&mut rows)? });
    }
    rows.finish()?;
    Ok(supertypes)
}
