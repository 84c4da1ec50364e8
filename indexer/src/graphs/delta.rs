//! Writes the graph of files as a delta on another one.

use std::collections::BTreeSet;

use kotadb_core::graph::{DeltaBuilder, DeltaFile, DeltaSources, GraphError};

use super::Changed;
use super::files::Files;
use super::footing::Footing;
use crate::error::IndexError;
use crate::names::{Resolution, Resolved};

/// The delta, where it is worth it: of what was told before, what has changed and what that touches.
pub fn write(
    files: &dyn Files,
    resolution: &Resolution<'_>,
    footing: &Footing,
    changes: &[Changed],
) -> Result<Option<Vec<u8>>, IndexError> {
    let told = footing.told.keys().filter_map(|path| files.find(path));
    let touched = resolution.touched(changes.iter().map(|(_, change)| change))?;
    let these: BTreeSet<u32> = touched.into_iter().chain(told).collect();
    if Footing::is_too_large(these.len(), files.n_files()) {
        return Ok(None);
    }
    let mut builder = DeltaBuilder::default();
    footing.removed.iter().for_each(|path| builder.remove(path));
    let these: Vec<u32> = these.into_iter().collect();
    let externals = resolution.resolve(&these, &mut |Resolved { file, facts, edges }| {
        let (path, class) = (files.path(file), files.class(file));
        let is_changed = footing.told.get(path).copied().unwrap_or(false);
        builder.add(DeltaFile { path, class, facts: &facts, edges, is_changed });
        Ok(())
    })?;
    let (mut bytes, mut failed) = (Vec::new(), None);
    let mut sources = DeltaSources {
        base: &footing.base,
        base_name: footing.key.to_bytes(),
        path: &|file| ((file as usize) < files.n_files()).then(|| files.path(file).to_vec()),
        externals: &externals,
        facts: &mut |path| {
            let facts = files.find(path).map_or(Ok(None), |file| files.facts(file));
            facts.map(Option::unwrap_or_default).map_err(|error| {
                let message = error.to_string();
                failed = Some(error);
                GraphError::Build(message)
            })
        },
    };
    let written = builder.finish(&mut sources, &mut bytes);
    match failed {
        Some(error) => Err(error),
        None => Ok(written.map(|_| Some(bytes))?),
    }
}
