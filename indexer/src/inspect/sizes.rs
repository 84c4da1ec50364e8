//! Sizes and counts of an index, one a line.

use std::collections::BTreeMap;
use std::io::Write;

use kotadb_core::store::Root;

use super::{Inspected, printing, snapshot};
use crate::error::IndexError;
use crate::summary::Summary;
use crate::tips::Tips;

/// Writes the sizes of the segments that a repository touches, and the counts of each of its refs.
pub(super) async fn write(
    inspected: &Inspected<'_>,
    root: &Root,
    tips: &Tips,
    out: &mut (dyn Write + Send),
) -> Result<(), IndexError> {
    write_segments(inspected, root, out).map_err(printing)?;
    let stored: BTreeMap<_, _> =
        inspected.store.list(inspected.tenant).await?.into_iter().map(|(_, k, n)| (k, n)).collect();
    for tip in tips.by_name.values() {
        let mut summary = Summary::default();
        summary.count(&snapshot(inspected.store, inspected.tenant, tip).await?);
        let bytes = stored.get(&tip.snapshot).copied().unwrap_or_default();
        let graph = match tip.graph {
            None => "no graph".to_owned(),
            Some(graph) => {
                let bytes: u64 = graph.objects().filter_map(|(_, key)| stored.get(&key)).sum();
                format!("graph {bytes} bytes{}", if graph.base.is_some() { " with its base" } else { "" })
            }
        };
        let counts = format!("{} files, {} left out, snapshot {bytes} bytes, {graph}", summary.files, summary.skipped);
        writeln!(out, "{} at {}: {counts}", tip.ref_name, tip.commit).map_err(printing)?;
        for (reason, count) in &summary.skipped_by_reason {
            writeln!(out, "  left out, {reason}: {count}").map_err(printing)?;
        }
    }
    Ok(())
}

fn write_segments(inspected: &Inspected<'_>, root: &Root, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "root version {}", root.version)?;
    let (mut bytes, mut text_bytes) = (0, 0);
    let touched = root.repositories.get(&inspected.repository).map_or(&[][..], |entry| &entry.segments);
    for segment in touched.iter().filter_map(|&i| root.segments.get(i as usize)) {
        let id = segment.key.id;
        writeln!(
            out,
            "segment {id}: {} bytes, {} documents, {} bytes of text",
            segment.bytes, segment.n_docs, segment.text_bytes
        )?;
        bytes += segment.bytes;
        text_bytes += segment.text_bytes;
    }
    let ratio = if text_bytes == 0 { 0.0 } else { bytes as f64 / text_bytes as f64 };
    writeln!(out, "segments: {}, {bytes} bytes for {text_bytes} bytes of text ({ratio:.4})", touched.len())
}
