//! What SCIP indexes say of the files of a snapshot, laid over what our rules say.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use kotadb_core::facts::{Facts, Reference, Symbol};
use kotadb_core::graph::{Confidence, Edge, FileEdges, Target, Tier};
use kotadb_core::scip::{Document, ScipError, documents};
use kotadb_core::text::LineTable;

/// A file of the snapshot that is what it was when the index was made.
#[derive(Clone, Debug)]
pub struct HeldFile {
    /// Its number in the snapshot.
    pub file: u32,
    /// Its text.
    pub text: Bytes,
    /// Where the names of its symbols begin, and their numbers.
    pub names: HashMap<u32, u32>,
}

impl HeldFile {
    /// By what the file says itself.
    pub fn of(file: u32, text: Bytes, facts: &Facts) -> Self {
        let names = facts.symbols.iter().zip(0..).map(|(symbol, nth)| (symbol.name_span.start, nth)).collect();
        Self { file, text, names }
    }
}

/// Where names lead, by what compilers say.
#[derive(Clone, Debug, Default)]
pub struct Precise {
    /// Of each file: the symbol that stands at a byte, by its number.
    uses: HashMap<u32, BTreeMap<u32, u32>>,
    /// By the number of a symbol.
    meanings: Vec<Meaning>,
}

/// What a symbol of an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Nothing that the index defines: another package does.
    Elsewhere,
    /// Defined in a file that is not what it was: nobody knows.
    Unknown,
    /// This.
    Here(Target),
}

/// Numbers of the symbols of one index.
#[derive(Default)]
struct Symbols<'a>(HashMap<&'a str, u32>);

impl Precise {
    /// Takes an index; `held` gives the file of a path, if its content is that of the index. What an earlier index said of a
    /// file is forgotten. Returns how many of the index's documents were taken.
    pub fn add(&mut self, index: &[u8], mut held: impl FnMut(&str) -> Option<HeldFile>) -> Result<usize, ScipError> {
        let (mut symbols, mut taken) = (Symbols::default(), 0);
        documents(index, |document| {
            match held(document.path) {
                Some(file) => {
                    self.take(&document, &file, &mut symbols);
                    taken += 1;
                }
                None => self.leave(&document, &mut symbols),
            }
            Ok::<_, ScipError>(())
        })?;
        Ok(taken)
    }

    fn take<'a>(&mut self, document: &Document<'a>, held: &HeldFile, symbols: &mut Symbols<'a>) {
        let lines = LineTable::new(&held.text);
        let mut uses = BTreeMap::new();
        for occurrence in document.occurrences.iter().filter(|one| !one.symbol.starts_with("local ")) {
            let Some(offset) = document.offset(occurrence, &held.text, &lines) else { continue };
            let number = self.number(occurrence.symbol, symbols);
            if !occurrence.defines {
                uses.insert(offset, number);
            } else if let Some(symbol) = held.names.get(&offset) {
                let meaning = &mut self.meanings[number as usize];
                // Of what is defined in several places the first is it.
                if !matches!(meaning, Meaning::Here(_)) {
                    *meaning = Meaning::Here(Target::Symbol { file: held.file, symbol: *symbol });
                }
            }
        }
        self.uses.insert(held.file, uses);
    }

    /// Notes what a file defines that is not what it was.
    fn leave<'a>(&mut self, document: &Document<'a>, symbols: &mut Symbols<'a>) {
        for occurrence in document.occurrences.iter().filter(|one| one.defines && !one.symbol.starts_with("local ")) {
            let number = self.number(occurrence.symbol, symbols) as usize;
            if self.meanings[number] == Meaning::Elsewhere {
                self.meanings[number] = Meaning::Unknown;
            }
        }
    }

    fn number<'a>(&mut self, symbol: &'a str, symbols: &mut Symbols<'a>) -> u32 {
        *symbols.0.entry(symbol).or_insert_with(|| {
            self.meanings.push(Meaning::Elsewhere);
            self.meanings.len() as u32 - 1
        })
    }

    /// Makes the edges of a file what the indexes say, where they say anything. Only what the facts hold a reference of is
    /// an edge.
    pub fn apply(&self, file: u32, facts: &Facts, edges: &mut FileEdges) {
        let Some(uses) = self.uses.get(&file).filter(|uses| !uses.is_empty()) else { return };
        let said = facts.references.iter().filter_map(|one| Some((one, *uses.get(&one.start)?)));
        for (reference, number) in said.collect::<Vec<_>>() {
            let is_it = |site: u32, role| site == reference.start && role == reference.role;
            let target = match self.meanings[number as usize] {
                Meaning::Unknown => continue,
                Meaning::Elsewhere => None,
                Meaning::Here(target) => Some(target),
            };
            let source = edges.edges.iter().find(|edge| is_it(edge.site, edge.role)).map(|edge| edge.source);
            edges.unresolved.retain(|one| !is_it(one.site, one.role));
            // What is of another package stays so; all else that our rules found there is wrong.
            let stays = |edge: &Edge| target.is_none() && matches!(edge.target, Target::External(_));
            edges.edges.retain(|edge| !is_it(edge.site, edge.role) || stays(edge));
            let Some(target) = target else { continue };
            let source = source.unwrap_or_else(|| innermost(facts, reference));
            let (role, site) = (reference.role, reference.start);
            edges.edges.push(Edge { source, target, role, tier: Tier::Precise, confidence: Confidence(100), site });
        }
        edges.edges.sort_by_key(|edge| edge.site);
    }
}

/// Symbols come with what contains them first: the last round the place is the innermost.
fn innermost(facts: &Facts, reference: &Reference) -> Option<u32> {
    let is_round = |symbol: &Symbol| (symbol.range.start..symbol.range.end).contains(&reference.start);
    facts.symbols.iter().rposition(is_round).map(|nth| nth as u32)
}
