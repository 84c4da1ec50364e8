//! What facts say without their text: all but references, places, and names that the text writes. So what a file offers to
//! others is read without its content; its names stand, sorted, in the segment too.

use super::strings::Table;
use super::{FactsError, Head, PACKAGE, PARTIAL, Reader};
use super::{imports, references, symbols};
use crate::facts::Facts;

/// Facts as far as they are known without their text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Without references, spans and lines of symbols, and without the names that the text writes.
    pub facts: Facts,
    /// The symbols whose names the text writes, ascending.
    pub unnamed: Vec<u32>,
}

impl Facts {
    /// Reads what facts of a text of that length say without it. Shows each string that they hold, those of references
    /// among them.
    pub fn outline(bytes: &[u8], text_len: usize, show: &mut dyn FnMut(&str)) -> Result<Outline, FactsError> {
        let (Head { flags, counts, table }, reader) = Head::read(bytes, text_len)?;
        table.each().for_each(show);
        let [n_symbols, _, n_imports, n_supertypes] = counts;
        let (facts, unnamed) = parts([n_symbols, n_imports, n_supertypes], &table, flags, reader)?;
        facts.check_numbers()?;
        Ok(Outline { facts, unnamed })
    }
}

fn parts(
    [n_symbols, n_imports, n_supertypes]: [u32; 3],
    table: &Table<'_>,
    flags: u8,
    mut reader: Reader<'_>,
) -> Result<(Facts, Vec<u32>), FactsError> {
    let (symbols, unnamed) = symbols::outline(n_symbols, reader.columns()?, table)?;
    let _: [Reader<'_>; references::COLUMNS] = reader.columns()?;
    let [imports, supertypes] = reader.columns()?;
    let imports = imports::decode_imports(n_imports, imports, table)?;
    let supertypes = imports::decode_supertypes(n_supertypes, supertypes, table)?;
    let package = (flags & PACKAGE != 0).then(|| table.string(reader.varint()?)).transpose()?;
    reader.finish()?;
    let partial = flags & PARTIAL != 0;
    Ok((Facts { package, symbols, references: Vec::new(), imports, supertypes, partial }, unnamed))
}
