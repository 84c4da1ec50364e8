//! From what people write to nodes: an id, a path, a name.

use super::ground::{Ground, RelationsError, drive};
use super::places::{SymbolPlace, symbol};
use crate::graph::{GraphError, NodeId, View};

/// What a text may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// One symbol.
    One(SymbolPlace),
    /// Several of that name: somebody must choose.
    Several(Vec<SymbolPlace>),
    /// None that the graph has. It may be defined and used by nobody.
    None,
}

/// Symbols of one name that are listed at most.
const MOST: usize = 50;

/// `src/pool.rs#Pool.acquire`, `src/pool.rs`, `external:reqwest#get`, `external:reqwest`; all else is a name.
pub(super) async fn find(view: &View, ground: &impl Ground, text: &str) -> Result<Found, RelationsError> {
    let by_id = drive(view, ground, |view| by_id(view, text)).await?;
    if let Some(place) = by_id {
        return Ok(Found::One(place));
    }
    let named = ground.named(text).await?;
    let named = named.iter().take(MOST);
    let places = drive(view, ground, |view| {
        let found = View::all(named.clone(), |(path, label)| labelled(view, path, label))?;
        View::all(found.into_iter().flatten(), |node| symbol(view, node))
    });
    let mut places = places.await?;
    places.dedup();
    Ok(match places.len() {
        0 => Found::None,
        1 => Found::One(places.remove(0)),
        _ => Found::Several(places),
    })
}

fn by_id(view: &View, text: &str) -> Result<Option<SymbolPlace>, GraphError> {
    let node = match (text.strip_prefix("external:"), text.split_once('#')) {
        (Some(external), _) => {
            let (package, name) = external.split_once('#').unwrap_or((external, ""));
            let names = view.externals_of(package)?;
            names.into_iter().find(|(_, one)| &*one.name == name).map(|(node, _)| node)
        }
        (None, Some((path, label))) => labelled(view, path.as_bytes(), label)?,
        (None, None) => view.find_file(text.as_bytes()).and_then(|file| view.file_node(file)),
    };
    node.map(|node| symbol(view, node)).transpose()
}

/// The node of a label in a file.
fn labelled(view: &View, path: &[u8], label: &str) -> Result<Option<NodeId>, GraphError> {
    let Some(file) = view.find_file(path) else { return Ok(None) };
    let nodes = View::all(view.nodes_of(file), |node| Ok((node, view.node(node)?)))?;
    let is_it = |(_, node): &(NodeId, crate::graph::NodeRef)| node.symbol.is_some() && node.label() == label;
    Ok(nodes.into_iter().find(is_it).map(|(node, _)| node))
}
