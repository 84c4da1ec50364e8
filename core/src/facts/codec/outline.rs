//! Reads outlines. So what a file offers to others is read without its content; the names that its text writes stand, sorted, in
//! the segment too.

use super::{FactsError, Head, PACKAGE, Reader};
use super::{imports, references, symbols};
use crate::facts::Facts;
use crate::facts::outline::{Outline, TextId, Texts};

impl Facts {
    /// Reads what facts say without their text.
    pub fn outline(bytes: &[u8]) -> Result<Outline, FactsError> {
        let (Head { flags, counts, n_strings, strings }, mut reader) = Head::read(bytes)?;
        let [n_symbols, _, n_imports, n_supertypes] = counts;
        let texts = texts(n_strings, strings)?;
        let ids = Ids(texts.len() as u32);
        let symbols = symbols::outline(n_symbols, reader.columns()?, ids)?;
        let _: [Reader<'_>; references::COLUMNS] = reader.columns()?;
        let [imports, supertypes] = reader.columns()?;
        let imports = imports::outline_imports(n_imports, imports, ids)?;
        let supertypes = imports::outline_supertypes(n_supertypes, supertypes, ids)?;
        let package = ids.next_if(flags & PACKAGE != 0, &mut reader)?;
        reader.finish()?;
        let outline = Outline { texts, package, symbols, imports, supertypes };
        check(&outline)?;
        Ok(outline)
    }
}

/// The numbers of texts that are there: those below this one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids(u32);

impl Ids {
    /// The next of a column.
    pub(super) fn next(self, column: &mut Reader<'_>) -> Result<TextId, FactsError> {
        let number = Some(column.varint()?).filter(|number| *number < self.0);
        Ok(TextId(number.ok_or(FactsError::Corrupt("a string that is not there"))?))
    }

    /// The next of a column, where it is said to be there.
    pub(super) fn next_if(self, is_there: bool, column: &mut Reader<'_>) -> Result<Option<TextId>, FactsError> {
        is_there.then(|| self.next(column)).transpose()
    }
}

fn texts(n: u32, [mut lens, mut bytes]: [Reader<'_>; 2]) -> Result<Texts, FactsError> {
    let all = std::str::from_utf8(bytes.take(bytes.remaining())?);
    let all = all.map_err(|_| FactsError::Corrupt("a string that is no UTF-8"))?;
    let mut ends = Vec::with_capacity((n as usize).min(lens.remaining()));
    let mut end = 0;
    for _ in 0..n {
        end = lens.beyond(end)?;
        ends.push(end);
    }
    lens.finish()?;
    Texts::new(all.to_owned(), ends).ok_or(FactsError::Corrupt("strings of other lengths"))
}

/// Whether numbers of symbols can be true of any text.
fn check(outline: &Outline) -> Result<(), FactsError> {
    let containers = outline.symbols.iter().map(|one| one.container);
    let of = outline.supertypes.iter().map(|one| one.of);
    super::check_numbers(containers, of)
}
