//! What the documents of a segment define of the names that a plan asks for: from blocks of its sorted names, which are read
//! with its lists. No text is read for that.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::cache::{OpenSegment, Part};
use super::overlay::Overlay;
use super::reader::Reader;
use crate::query::{Definitions, Plan, SymbolName};
use crate::segment::{NameBlock, NameRow};
use crate::store::StoreError;

/// Most blocks read of one segment for a name that only ranks: a name with more symbols says little.
const MOST_BLOCKS: usize = 4;

/// The names that are looked up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Names<'p> {
    names: &'p [SymbolName],
    /// How many of them say whether a document matches; the others rank.
    n_asked: usize,
}

/// The symbols of one name in one segment, by document.
#[derive(Debug)]
pub(super) struct KnownSymbols {
    name: SymbolName,
    /// Whether they are all of them, however many blocks they take.
    is_asked: bool,
    rows: Arc<[NameRow]>,
}

impl<'p> Names<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        Self { names: plan.symbols(), n_asked: plan.n_asked_symbols() }
    }

    /// Without those that only rank.
    pub(super) fn asked(self) -> Self {
        Self { names: &self.names[..self.n_asked], ..self }
    }

    /// A name, and whether it says whether a document matches.
    fn name(self, nth: usize) -> (&'p SymbolName, bool) {
        (&self.names[nth], nth < self.n_asked)
    }

    /// What an overlay defines, by the numbers of its files.
    pub(super) fn within(self, overlay: &Overlay) -> Definitions {
        let numbered =
            || (0..).zip(&overlay.files).flat_map(|(doc, file)| file.names.iter().map(move |row| (doc, row)));
        let rows = |name: &SymbolName| {
            let matching = numbered().filter(|(_, row)| name.is_match(row));
            matching.map(|(doc, row)| NameRow { doc, ..row.clone() }).collect()
        };
        Definitions { by_name: self.names.iter().map(rows).collect() }
    }
}

impl KnownSymbols {
    /// Bytes in memory.
    pub(super) fn memory(&self) -> u64 {
        let texts = |row: &NameRow| row.name.len() + row.container.len() + row.signature.len();
        let rows: usize = self.rows.iter().map(|row| size_of::<NameRow>() + texts(row)).sum();
        (size_of::<Self>() + rows) as u64
    }
}

impl Reader<'_> {
    /// The symbols of `names` in a segment. One wave.
    pub(super) async fn definitions(
        &self,
        open: &OpenSegment,
        names: Names<'_>,
    ) -> Result<Arc<Definitions>, StoreError> {
        if names.names.is_empty() || !open.segment.has_code() {
            return Ok(Arc::default());
        }
        let known: Vec<_> = (0..names.names.len()).map(|nth| self.known_symbols(open, names.name(nth))).collect();
        let missing: Vec<usize> = (0..known.len()).filter(|nth| known[*nth].is_none()).collect();
        self.count_hits(known.len() - missing.len());
        let blocks = self.blocks_of(open, names, &missing)?;
        let read = self.blocks(open, Part::Names, &blocks).await?;
        let mut found: BTreeMap<usize, Vec<NameRow>> = missing.iter().map(|nth| (*nth, Vec::new())).collect();
        let is_wanted = |name: &str| missing.iter().any(|nth| names.names[*nth].is_name(name));
        for (block, bytes) in blocks.iter().zip(&read) {
            let rows = open.segment.decode_names_if(block, bytes, &is_wanted);
            for row in rows.map_err(|error| self.names_error(open, &blocks, &error))? {
                for (nth, rows) in &mut found {
                    if names.names[*nth].is_match(&row) {
                        rows.push(row.clone());
                    }
                }
            }
        }
        let mut by_name: Vec<Arc<[NameRow]>> = known.into_iter().map(Option::unwrap_or_default).collect();
        for (nth, rows) in found {
            by_name[nth] = self.keep_symbols(open, names.name(nth), rows);
        }
        Ok(Arc::new(Definitions { by_name }))
    }

    /// The blocks that may hold them, by number.
    fn blocks_of(&self, open: &OpenSegment, names: Names<'_>, missing: &[usize]) -> Result<Vec<NameBlock>, StoreError> {
        let mut blocks = BTreeMap::new();
        for nth in missing {
            let name = &names.names[*nth];
            let holding = open.segment.names(name.folded(), name.is_beginning());
            let holding = holding.map_err(|error| self.names_error(open, &[], &error))?;
            let most = if names.name(*nth).1 { usize::MAX } else { MOST_BLOCKS };
            blocks.extend(holding.into_iter().take(most).map(|block| (block.number, block)));
        }
        Ok(blocks.into_values().collect())
    }

    fn known_symbols(&self, open: &OpenSegment, name: (&SymbolName, bool)) -> Option<Arc<[NameRow]>> {
        let known: Arc<KnownSymbols> = self.look_up(open.key, Part::Symbols(hash(name)))?;
        ((&known.name, known.is_asked) == name).then(|| Arc::clone(&known.rows))
    }

    fn keep_symbols(&self, open: &OpenSegment, name: (&SymbolName, bool), mut rows: Vec<NameRow>) -> Arc<[NameRow]> {
        rows.sort_unstable_by_key(|row| (row.doc, row.symbol));
        let rows: Arc<[NameRow]> = rows.into();
        let known = KnownSymbols { name: name.0.clone(), is_asked: name.1, rows: Arc::clone(&rows) };
        self.cache.keep(self.tenant, open.key, Part::Symbols(hash(name)), Arc::new(known));
        rows
    }
}

fn hash(name: (&SymbolName, bool)) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}
