//! Facts as bytes. A name that the text writes where it is used is not stored again: its place is given as the number of
//! words between it and the one before, and the text says the rest, lines too. So facts are read beside their text, which those who
//! show them need anyhow, and a reference takes two or three bytes.
//!
//! ```text
//! version (1) · flags (1: partial, 2: package) · counts: strings, symbols, references, imports, supertypes
//! columns, each behind its length: strings (2), symbols (9), references (4), imports (1), supertypes (1); package
//! ```
//! Numbers are LEB128 varints of 32 bits, differences zigzag. Whoever keeps the bytes compresses and sums them.

mod imports;
mod outline;
mod places;
mod references;
mod strings;
mod symbols;

#[cfg(test)]
mod tests;

use std::iter;

use self::places::Words;
use self::strings::{Strings, Table};
use super::Facts;
use crate::cursor::{Cursor, Damage, put_bytes, put_varint};

/// Version that is written. A reader refuses later ones.
const VERSION: u8 = 1;
const PARTIAL: u8 = 1;
const PACKAGE: u8 = 1 << 1;

/// Why facts cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// They are not what the format says, or of another text.
    #[error("facts are corrupt: {0}")]
    Corrupt(&'static str),
    /// Written by a newer KotaDB.
    #[error("facts of version {0} are newer than this program reads: upgrade KotaDB")]
    TooNew(u8),
}

impl Damage for FactsError {
    fn found(_: &'static str, what: &'static str) -> Self {
        Self::Corrupt(what)
    }
}

/// Reads a column of facts.
type Reader<'a> = Cursor<'a, FactsError>;

/// What facts begin with.
struct Head<'a> {
    flags: u8,
    /// Symbols, references, imports, supertypes.
    counts: [u32; 4],
    n_strings: u32,
    strings: [Reader<'a>; 2],
}

impl<'a> Head<'a> {
    /// Reads it; what comes behind is left to be read.
    fn read(bytes: &'a [u8]) -> Result<(Self, Reader<'a>), FactsError> {
        let mut reader = Reader::new("facts", bytes);
        let (version, flags) = (reader.u8()?, reader.u8()?);
        if version > VERSION {
            return Err(FactsError::TooNew(version));
        }
        let n_strings = reader.varint()?;
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = reader.varint()?;
        }
        let strings = reader.columns()?;
        Ok((Self { flags, counts, n_strings, strings }, reader))
    }
}

/// Appends columns, each behind its length.
fn put_columns(out: &mut Vec<u8>, columns: &[Vec<u8>]) {
    columns.iter().for_each(|column| put_bytes(out, column));
}

/// Whether numbers of symbols can be true of any text: the container of each symbol, and the types below others.
fn check_numbers(
    containers: impl ExactSizeIterator<Item = Option<u32>>,
    mut of: impl Iterator<Item = Option<u32>>,
) -> Result<(), FactsError> {
    let n_symbols = containers.len() as u32;
    if containers.zip(0..).any(|(container, number)| container.is_some_and(|one| one >= number)) {
        return Err(FactsError::Corrupt("a symbol before its container"));
    }
    if of.any(|of| of.is_some_and(|of| of >= n_symbols)) {
        return Err(FactsError::Corrupt("a type that is no symbol"));
    }
    Ok(())
}

impl Facts {
    /// The bytes of these facts of `text`; an error names what of them cannot be true of it.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<u8>, FactsError> {
        self.check(text)?;
        let words = Words::of(text);
        let mut strings = Strings::default();
        let symbols = symbols::encode(&self.symbols, &words, &mut strings);
        let references = references::encode(&self.references, &words, &mut strings);
        let imports = imports::encode_imports(&self.imports, &mut strings);
        let supertypes = imports::encode_supertypes(&self.supertypes, &mut strings);
        let package = self.package.as_deref().map(|package| strings.number(package));
        let flags = if self.partial { PARTIAL } else { 0 } | if package.is_some() { PACKAGE } else { 0 };
        let mut out = vec![VERSION, flags];
        let lens = [self.symbols.len(), self.references.len(), self.imports.len(), self.supertypes.len()];
        put_varint(&mut out, strings.len());
        lens.iter().for_each(|len| put_varint(&mut out, *len as u32));
        put_columns(&mut out, &strings.columns());
        put_columns(&mut out, &symbols);
        put_columns(&mut out, &references);
        put_columns(&mut out, &[imports, supertypes]);
        package.iter().for_each(|package| put_varint(&mut out, *package));
        Ok(out)
    }

    /// Reads facts of `text`. What comes back can be true of it: spans lie in it, containers come first. Memory is
    /// bounded by the lengths of what is given.
    pub fn decode(bytes: &[u8], text: &[u8]) -> Result<Self, FactsError> {
        let (Head { flags, counts, n_strings, strings }, mut reader) = Head::read(bytes)?;
        let [n_symbols, n_references, n_imports, n_supertypes] = counts;
        let table = Table::read(n_strings, strings, strings::budget(text.len()))?;
        let words = Words::of(text);
        let mut facts = Self { partial: flags & PARTIAL != 0, ..Self::default() };
        facts.symbols = symbols::decode(n_symbols, reader.columns()?, &words, &table)?;
        facts.references = references::decode(n_references, reader.columns()?, &words, &table)?;
        let [imports, supertypes] = reader.columns()?;
        facts.imports = imports::decode_imports(n_imports, imports, &table)?;
        facts.supertypes = imports::decode_supertypes(n_supertypes, supertypes, &table)?;
        if flags & PACKAGE != 0 {
            facts.package = Some(table.string(reader.varint()?)?);
        }
        reader.finish()?;
        facts.check(text)?;
        facts.number_lines(text);
        Ok(facts)
    }

    /// Whether they can be true of `text`.
    fn check(&self, text: &[u8]) -> Result<(), FactsError> {
        let is_in = |span: super::Span| span.start <= span.end && span.end as usize <= text.len();
        for symbol in &self.symbols {
            let spans = [symbol.name_span, symbol.range, symbol.signature];
            if !spans.into_iter().chain(symbol.doc).all(is_in) {
                return Err(FactsError::Corrupt("a symbol beyond the text"));
            }
        }
        let starts = self.references.iter().map(|one| one.start).chain(self.imports.iter().map(|one| one.start));
        let mut starts = starts.chain(self.supertypes.iter().map(|one| one.start));
        if starts.any(|start| start as usize > text.len()) {
            return Err(FactsError::Corrupt("a name beyond the text"));
        }
        check_numbers(self.symbols.iter().map(|one| one.container), self.supertypes.iter().map(|one| one.of))?;
        if self.strings().map(str::len).sum::<usize>() > strings::budget(text.len()) {
            return Err(FactsError::Corrupt("more strings than text"));
        }
        Ok(())
    }

    /// All names, receivers, types and whatever else is text, each as often as it is used.
    pub fn strings<'f>(&'f self) -> impl Iterator<Item = &'f str> {
        let of_symbol = |one: &'f super::Symbol| {
            let super::Symbol { name, qualifier, interface, of_type, .. } = one;
            iter::once(name).chain(qualifier).chain(interface).chain(of_type)
        };
        let of_import = |one: &'f super::Import| {
            let super::Import { module, name, alias, .. } = one;
            iter::once(module).chain(name).chain(alias)
        };
        let symbols = self.symbols.iter().flat_map(of_symbol);
        let references = self.references.iter().flat_map(|one| iter::once(&one.name).chain(&one.receiver));
        let supertypes = self.supertypes.iter().flat_map(|one| [&one.name, &one.supertype]);
        let imports = self.imports.iter().flat_map(of_import);
        symbols.chain(references).chain(imports).chain(supertypes).chain(&self.package).map(|string| &**string)
    }
}
