//! Writes the graph of all files.

use std::io::Write;

use kotadb_core::graph::{GraphBuilder, GraphFile};

use super::files::Files;
use crate::error::IndexError;
use crate::names::{RULES, Resolution, Resolved};

/// Resolves all files and writes their graph.
pub fn write(files: &dyn Files, resolution: Resolution<'_>, out: &mut dyn Write) -> Result<(), IndexError> {
    let mut builder = GraphBuilder::default().by_rules(RULES);
    let all: Vec<u32> = (0..files.n_files() as u32).collect();
    let externals = resolution.resolve(&all, &mut |Resolved { file, facts, mut edges }| {
        if let Some(precise) = files.precise() {
            precise.apply(file, &facts, &mut edges);
        }
        let (path, class) = (files.path(file), files.class(file));
        Ok(builder.add(&GraphFile { path, class, facts: &facts, edges: &edges })?)
    })?;
    // Names take about as much memory as what is to come.
    drop(resolution);
    builder.finish(&externals, out)?;
    Ok(())
}
