//! The canonical text of a graph: what uses what, where, how surely, and who stands above whom. A delta on its base says the
//! same lines as a graph that was made whole.

use std::collections::BTreeSet;
use std::io::Write;

use kotadb_core::graph::{External, GraphError, NodeId, View};

use super::{Inspected, printing};
use crate::error::IndexError;
use crate::graphs::footing;
use crate::tips::Tips;

/// Writes the edges of every tip, and which has none.
pub(super) async fn write(
    inspected: &Inspected<'_>,
    tips: &Tips,
    out: &mut (dyn Write + Send),
) -> Result<(), IndexError> {
    for tip in tips.by_name.values() {
        let Some(graph) = tip.graph else {
            writeln!(out, "ref {} {} names only", tip.ref_name, tip.commit).map_err(printing)?;
            continue;
        };
        writeln!(out, "ref {} {} graph", tip.ref_name, tip.commit).map_err(printing)?;
        let view = footing::view(inspected.store, inspected.tenant, graph).await?;
        for line in lines(&view)? {
            writeln!(out, "{line}").map_err(printing)?;
        }
    }
    Ok(())
}

/// Every edge of a view that needs not wait for blocks, in order.
pub fn lines(view: &View) -> Result<BTreeSet<String>, GraphError> {
    let mut lines = BTreeSet::new();
    for file in view.files_under(b"") {
        let path = view.path(file).escape_ascii().to_string();
        lines.insert(format!("file {path} {:?}", view.class(file)));
        for one in view.uses(file)? {
            let other = view.path(one.file).escape_ascii();
            lines.insert(format!("uses {path} {other} {} {} {} {}", one.roles, one.confidence, one.count, one.site));
        }
        for one in view.used_by(file)? {
            lines.insert(format!("used {path} {} {} {}", view.path(one.file).escape_ascii(), one.roles, one.count));
        }
        for node in view.nodes_of(file) {
            of_node(view, node, &mut lines)?;
        }
    }
    Ok(lines)
}

fn of_node(view: &View, node: NodeId, lines: &mut BTreeSet<String>) -> Result<(), GraphError> {
    let name = label(view, node)?;
    for edge in view.edges_out(node)? {
        let (target, manner) = (label(view, edge.target)?, edge.manner);
        let (role, tier, confidence) = (manner.role.name(), manner.tier.name(), manner.confidence.0);
        lines.insert(format!("edge {name} {role} {target} {tier} {confidence} {:?}", edge.sites));
    }
    for edge in view.edges_in(node)? {
        let (source, manner) = (label(view, edge.source)?, edge.manner);
        lines.insert(format!("back {name} {} {source} {}", manner.role.name(), manner.confidence.0));
    }
    for one in view.kin(node, false)? {
        let (above, path) = (label(view, one.node)?, view.path(one.file).escape_ascii());
        lines.insert(format!("above {name} {above} {:?} {path} {}", one.relation, one.site));
    }
    for one in view.kin(node, true)? {
        lines.insert(format!("below {name} {}", label(view, one.node)?));
    }
    Ok(())
}

fn label(view: &View, node: NodeId) -> Result<String, GraphError> {
    if view.is_external(node) {
        let External { package, name } = view.external(node)?;
        return Ok(format!("external:{package}#{name}"));
    }
    let path = view.file_of(node).map(|file| view.path(file).escape_ascii().to_string()).unwrap_or_default();
    Ok(format!("{path}#{}", view.node(node)?.label()))
}
