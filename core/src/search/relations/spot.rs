//! From a place in a text to what stands there: `src/app.rs:12:5`, line and column from 1, the column in code points. Where the
//! graph has no edge from there, the word there is a name as any other.

use std::ops::Range;

use super::ground::{Ground, RelationsError, drive};
use super::places::{SymbolPlace, symbol};
use crate::graph::{Confidence, GraphError, NodeId, View};
use crate::text::{LineTable, Position};

/// From this on an edge is taken for right.
const SURE: Confidence = Confidence(80);

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot<'t> {
    path: &'t str,
    position: Position,
}

/// The word at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its file.
    file: u32,
    /// Where it is, in bytes.
    bytes: Range<u32>,
    /// As it stands there.
    pub(super) name: String,
}

impl<'t> Spot<'t> {
    /// `None`: it is written otherwise.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let (rest, column) = text.rsplit_once(':')?;
        let (path, line) = rest.rsplit_once(':')?;
        let number = |text: &str| text.parse::<usize>().ok().filter(|n| *n > 0);
        Some(Self { path, position: Position { line: number(line)?, column: number(column)? } })
    }

    /// The word there; `None`: no such file, or no word.
    pub(super) async fn word(&self, view: &View, ground: &impl Ground) -> Result<Option<Word>, RelationsError> {
        let Some(file) = view.find_file(self.path.as_bytes()) else { return Ok(None) };
        let path = self.path.as_bytes().to_vec();
        let texts = ground.texts(std::slice::from_ref(&path)).await?;
        let Some(text) = texts.get(&path) else { return Ok(None) };
        let found = LineTable::new(text).offset(text, self.position).and_then(|at| word_at(text, at));
        Ok(found.map(|(bytes, name)| Word { file, bytes, name }))
    }
}

impl Word {
    /// What is defined there, or what the graph says is used there: one that is sure, or all that it may be, the surest first.
    pub(super) async fn meant(&self, view: &View, ground: &impl Ground) -> Result<Vec<SymbolPlace>, RelationsError> {
        drive(view, ground, |view| View::all(self.nodes(view)?, |node| symbol(view, node))).await
    }

    fn nodes(&self, view: &View) -> Result<Vec<NodeId>, GraphError> {
        // Both are asked for before either fails, so that both come in one wave.
        let rows = View::all(view.nodes_of(self.file), |id| {
            let (node, edges) = (view.node(id), view.edges_out(id));
            Ok((id, node?, edges?))
        })?;
        if let Some((id, ..)) = rows.iter().find(|(_, node, _)| node.symbol.is_some() && node.start == self.bytes.start)
        {
            return Ok(vec![*id]);
        }
        let edges = rows.iter().flat_map(|(.., edges)| edges);
        let here = edges.filter(|edge| edge.sites.iter().any(|site| self.bytes.contains(site)));
        let mut meant: Vec<_> = here.map(|edge| (edge.manner.confidence, edge.target)).collect();
        meant.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let best = meant.first().map(|(confidence, _)| *confidence).filter(|best| *best >= SURE);
        meant.retain(|(confidence, _)| best.is_none_or(|best| *confidence == best));
        let mut nodes = Vec::new();
        for (_, node) in meant {
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        Ok(nodes)
    }
}

/// The word that holds a byte, or ends before it.
fn word_at(text: &[u8], at: usize) -> Option<(Range<u32>, String)> {
    let text = std::str::from_utf8(text).ok()?;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let (before, after) = (text.get(..at)?, text.get(at..)?);
    let start = before.trim_end_matches(is_part).len();
    let end = at + after.find(|c| !is_part(c)).unwrap_or(after.len());
    let name = text.get(start..end).filter(|name| !name.is_empty())?;
    Some((u32::try_from(start).ok()?..u32::try_from(end).ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_a_line_and_a_column() {
        let position = Position { line: 12, column: 5 };
        assert_eq!(Spot::of("src/a b.rs:12:5"), Some(Spot { path: "src/a b.rs", position }));
        for other in ["acquire", "Pool::acquire", "src/a.rs#Pool", "a.rs:12", "a.rs:0:5", "a.rs:1:x"] {
            assert_eq!(Spot::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_holds_the_byte_or_ends_before_it() {
        let text = "größe.take_it()".as_bytes();
        for (at, word) in [(0, "größe"), (4, "größe"), (7, "größe"), (8, "take_it"), (15, "take_it")] {
            assert_eq!(word_at(text, at).map(|(_, name)| name).as_deref(), Some(word), "{at}");
        }
        assert_eq!((word_at(text, 16), word_at(b"a ( b", 3)), (None, None));
    }
}
