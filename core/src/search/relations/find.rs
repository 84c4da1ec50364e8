//! From what people write to nodes: an id, a path, a name.

use super::ground::{Ground, RelationsError, drive};
use super::places::{SymbolPlace, symbol};
use super::spot::{Spot, Word};
use crate::graph::{GraphError, Node, NodeId, View};

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

/// Nodes that are looked through for a name.
const MOST_SCANNED: u32 = 1_000_000;
/// Symbols of one name that are listed at most.
const MOST: usize = 50;

/// `src/pool.rs#Pool.acquire`, `src/pool.rs`, `external:reqwest#get`, `external:reqwest`; `src/app.rs:12:5` for what stands there;
/// all else is a name.
pub(super) async fn find(view: &View, ground: &impl Ground, text: &str) -> Result<Found, RelationsError> {
    if let Some(place) = drive(view, ground, |view| by_id(view, text)).await? {
        return Ok(Found::One(place));
    }
    let word = word(view, ground, text).await?;
    if let Some(word) = &word {
        let mut places = word.meant(view, ground).await?;
        places.truncate(MOST);
        match <[SymbolPlace; 1]>::try_from(places) {
            Ok([place]) => return Ok(Found::One(place)),
            Err(places) if !places.is_empty() => return Ok(Found::Several(places)),
            Err(_) => {}
        }
    }
    let text = word.as_ref().map_or(text, |word| &word.name);
    let mut places: Vec<_> = match ground.ids(text).await? {
        Some(ids) => {
            let found = drive(view, ground, |view| View::all(&ids, |id| by_id(view, id))).await?;
            found.into_iter().flatten().take(MOST).collect()
        }
        None => scan(view, ground, text).await?,
    };
    // However they were found, they come in one order.
    places.sort_by(|a, b| (&a.path, a.line, &a.id).cmp(&(&b.path, b.line, &b.id)));
    Ok(match <[SymbolPlace; 1]>::try_from(places) {
        Ok([place]) => Found::One(place),
        Err(places) if places.is_empty() => Found::None,
        Err(places) => Found::Several(places),
    })
}

/// The word at the place that a text names, if it names one.
pub(super) async fn word(view: &View, ground: &impl Ground, text: &str) -> Result<Option<Word>, RelationsError> {
    match Spot::of(text) {
        Some(spot) => spot.word(view, ground).await,
        None => Ok(None),
    }
}

/// Looks through all nodes.
async fn scan(view: &View, ground: &impl Ground, text: &str) -> Result<Vec<SymbolPlace>, RelationsError> {
    if view.n_nodes() > MOST_SCANNED {
        return Err(RelationsError::OnlyIds(text.to_owned()));
    }
    drive(view, ground, |view| {
        let nodes = view.files_under(b"").into_iter().flat_map(|file| view.nodes_of(file));
        let named = View::all(nodes, |node| Ok((node, is_named(&*view.node(node)?, text))))?;
        let named = named.into_iter().filter(|(_, is_named)| *is_named).take(MOST);
        View::all(named, |(node, _)| symbol(view, node))
    })
    .await
}

/// By its name, or by its last names: `acquire`, `Pool.acquire`, also written `Pool::acquire`.
pub(super) fn is_named(node: &Node, text: &str) -> bool {
    let text = text.replace("::", ".");
    let before = node.qualified.strip_suffix(&*text);
    node.symbol.is_some() && before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
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
