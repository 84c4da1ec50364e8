//! Names near one that no symbol has, for whoever mistyped it: those of the blocks that were read for it, since a slip is mostly
//! behind the beginning of a name, and names that begin alike are next to each other.

use std::sync::Arc;

use super::layers::{Layer, LayerText};
use super::open::{OpenTarget, Opened};
use super::reader::Reader;
use super::request::Budget;
use crate::query::{Plan, SymbolName};
use crate::segment::NameRow;
use crate::store::StoreError;

/// Most names that are told.
const MOST: usize = 3;

/// A name that was asked for and is none, and names that are near it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearNames {
    /// As it was written.
    pub name: String,
    /// The nearest first, at least one.
    pub near: Vec<String>,
}

/// Of each name that is asked for as a whole and that nothing opened has, those near it in files that are searched. Where the
/// time is over before, none.
pub(super) async fn near_names(
    reader: &Reader<'_>,
    opened: &Opened,
    (plan, budget): (&Plan, &Budget),
) -> Result<Vec<NearNames>, StoreError> {
    budget.in_time(of_all(reader, opened, plan)).await.unwrap_or(Ok(Vec::new()))
}

async fn of_all(reader: &Reader<'_>, opened: &Opened, plan: &Plan) -> Result<Vec<NearNames>, StoreError> {
    let mut out = Vec::new();
    for (nth, name) in plan.wanted_symbols().filter(|(_, name)| !name.is_beginning()) {
        let has = |by_name: &[Arc<[NameRow]>]| by_name.get(nth).is_some_and(|rows| !rows.is_empty());
        if opened.definitions.iter().any(|definitions| has(&definitions.by_name)) || has(&opened.defined_over.by_name) {
            continue;
        }
        let near = near(reader, opened, name).await?;
        if !near.is_empty() {
            out.push(NearNames { name: name.text().to_owned(), near });
        }
    }
    Ok(out)
}

async fn near(reader: &Reader<'_>, opened: &Opened, name: &SymbolName) -> Result<Vec<String>, StoreError> {
    let mut rows: Vec<(u32, NameRow)> = Vec::new();
    for (segment, open) in (0..).zip(&opened.segments) {
        let blocks = open.segment.names(name.folded(), false);
        let blocks = blocks.map_err(|error| reader.names_error(open, &[], &error))?;
        let read = reader.names(open, &blocks).await?;
        rows.extend(read.into_iter().filter(|row| name.is_near(&row.name)).map(|row| (segment, row)));
    }
    let is_shown = |one: &&(u32, NameRow)| opened.targets.iter().any(|open| holds(opened, open, one));
    Ok(name.nearest(rows.iter().filter(is_shown).map(|(_, row)| &*row.name), MOST))
}

/// Whether a file that is searched has the symbol: a segment may hold what other repositories have.
fn holds(opened: &Opened, open: &OpenTarget, (segment, row): &(u32, NameRow)) -> bool {
    let mut held = false;
    if let Some(nth) = open.segments.iter().position(|other| other == segment) {
        let ranks = open.snapshot.ranks();
        ranks.each(nth, std::iter::once(row.doc), |rank| held |= open.layers.show(ranks.entry(rank) as u32));
    }
    let key = opened.segments[*segment as usize].key;
    let is_it = |layer: &Layer, text: LayerText| match text {
        LayerText::Stored(at, doc) => doc == row.doc && layer.segments().get(at as usize) == Some(&key),
        LayerText::Memory(_) => false,
    };
    held || open.layers.layers.iter().any(|layer| layer.files().any(|(_, file)| is_it(layer, file.text)))
}
