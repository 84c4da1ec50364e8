//! What facts say without their text, as others see a file: what it offers and takes, not what it does. Each text stands there
//! once, and whoever uses it gives its number: outlines of all files of a snapshot are read with each push.

use std::collections::HashMap;

use super::{Arity, Facts, Flags, SymbolKind};

/// A text of an outline, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(pub u32);

/// Facts as far as they are known without their text: no references, no places, and no names that the text writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Everything that is text in the facts, references among them.
    pub texts: Texts,
    /// As [`Facts::package`].
    pub package: Option<TextId>,
    /// As [`Facts::symbols`].
    pub symbols: Vec<OutlinedSymbol>,
    /// As [`Facts::imports`].
    pub imports: Vec<OutlinedImport>,
    /// As [`Facts::supertypes`].
    pub supertypes: Vec<OutlinedSupertype>,
}

/// Texts, one behind the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
}

/// What is known of a [`Symbol`](super::Symbol).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlinedSymbol {
    /// Its name; `None`: only its file's text has it.
    pub name: Option<TextId>,
    /// What it is.
    pub kind: SymbolKind,
    /// More about it.
    pub flags: Flags,
    /// What it takes.
    pub arity: Arity,
    /// The symbol that contains it.
    pub container: Option<u32>,
    /// The type that it belongs to, where that is no symbol round it.
    pub qualifier: Option<TextId>,
    /// The trait or interface that it is written for.
    pub interface: Option<TextId>,
    /// Its type.
    pub of_type: Option<TextId>,
}

/// What is known of an [`Import`](super::Import).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlinedImport {
    /// Where from.
    pub module: TextId,
    /// The name in that module.
    pub name: Option<TextId>,
    /// What it is called here.
    pub alias: Option<TextId>,
    /// Others get it from here.
    pub reexported: bool,
    /// The symbol round it; never known without the text.
    pub container: Option<u32>,
}

/// What is known of a [`Supertype`](super::Supertype).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutlinedSupertype {
    /// The type below, if it is a symbol of the file.
    pub of: Option<u32>,
    /// The type below, as written.
    pub name: TextId,
    /// The type above, as written.
    pub supertype: TextId,
}

impl Texts {
    /// Texts that lie one behind the other, by where each ends; `None`: they do not lie so.
    pub(super) fn new(all: String, ends: Vec<u32>) -> Option<Self> {
        let is_last = ends.last().copied().unwrap_or_default() as usize == all.len();
        let are_whole = ends.is_sorted() && ends.iter().all(|end| all.is_char_boundary(*end as usize));
        (is_last && are_whole).then_some(Self { all, ends })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of them; empty if it is not there.
    pub fn get(&self, text: TextId) -> &str {
        let at = text.0 as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(at).map_or("", |end| &self.all[start as usize..*end as usize])
    }

    /// All of them, by number.
    pub fn each(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len() as u32).map(|number| self.get(TextId(number)))
    }
}

/// Numbers the texts of facts.
#[derive(Default)]
struct Numbering<'f> {
    texts: Texts,
    numbers: HashMap<&'f str, TextId>,
}

impl<'f> Numbering<'f> {
    fn number(&mut self, text: &'f str) -> TextId {
        let Texts { all, ends } = &mut self.texts;
        *self.numbers.entry(text).or_insert_with(|| {
            all.push_str(text);
            ends.push(all.len() as u32);
            TextId(ends.len() as u32 - 1)
        })
    }

    fn number_if(&mut self, text: &'f Option<Box<str>>) -> Option<TextId> {
        text.as_deref().map(|text| self.number(text))
    }
}

impl Facts {
    /// What others see of a file whose text was read: all names are known. `with_containers`: what is round imports, too.
    pub fn outlined(&self, with_containers: bool) -> Outline {
        let mut all = Numbering::default();
        self.strings().for_each(|text| {
            all.number(text);
        });
        let symbols = self.symbols.iter().map(|one| OutlinedSymbol {
            name: Some(all.number(&one.name)),
            kind: one.kind,
            flags: one.flags,
            arity: one.arity,
            container: one.container,
            qualifier: all.number_if(&one.qualifier),
            interface: all.number_if(&one.interface),
            of_type: all.number_if(&one.of_type),
        });
        let symbols = symbols.collect();
        let imports = self.imports.iter().map(|one| OutlinedImport {
            module: all.number(&one.module),
            name: all.number_if(&one.name),
            alias: all.number_if(&one.alias),
            reexported: one.reexported,
            container: with_containers.then(|| self.enclosing(one.start)).flatten().map(|symbol| symbol as u32),
        });
        let imports = imports.collect();
        let supertypes = self.supertypes.iter().map(|one| OutlinedSupertype {
            of: one.of,
            name: all.number(&one.name),
            supertype: all.number(&one.supertype),
        });
        let supertypes = supertypes.collect();
        let package = all.number_if(&self.package);
        Outline { texts: all.texts, package, symbols, imports, supertypes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        let texts = |ends: &[u32]| Texts::new("aäb".to_owned(), ends.to_vec());
        let found = texts(&[1, 1, 3, 4]).unwrap();
        assert_eq!(found.each().collect::<Vec<_>>(), ["a", "", "ä", "b"]);
        assert_eq!((found.len(), found.get(TextId(2)), found.get(TextId(4))), (4, "ä", ""));
        for ends in [&[2, 4][..], &[1, 3], &[3, 1, 4], &[4, 5], &[]] {
            assert_eq!(texts(ends), None, "{ends:?}");
        }
    }
}
