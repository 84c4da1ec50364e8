//! The symbols of the files that differ, for queries that ask for symbols: no index holds them.

use std::thread;

use kotadb_core::search::{Overlay, OverlayFile};
use kotadb_core::segment::name_rows;

use crate::extract;

/// Looks for the symbols of what lies over a commit, on all cores. Files whose language has no extractor have none.
pub fn name_symbols(overlay: &mut Overlay) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = overlay.files.len().div_ceil(threads).max(1);
    thread::scope(|scope| {
        for files in overlay.files.chunks_mut(share) {
            scope.spawn(|| files.iter_mut().for_each(look_at));
        }
    });
}

fn look_at(file: &mut OverlayFile) {
    let facts = extract::extract(file.language, &file.content, extract::USUAL_BUDGET);
    file.names = facts.map(|facts| name_rows(&facts, &file.content)).unwrap_or_default();
}
