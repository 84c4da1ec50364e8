//! The counts of one run, for the job row, the log and the terminal.

use std::collections::BTreeMap;

use kotadb_core::store::Snapshot;

use crate::prepare::CodeCounts;

/// What a run made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files searchable in the snapshots made.
    pub files: u64,
    /// Documents that were built.
    pub new_documents: u64,
    /// Paths left out of the snapshots made.
    pub skipped: u64,
    /// The same, by reason.
    pub skipped_by_reason: BTreeMap<&'static str, u64>,
    /// Bytes of all objects written, HEAD apart.
    pub bytes_written: u64,
    /// What extractors found in the documents that were built.
    pub code: CodeCounts,
    /// Graphs that were made.
    pub graphs: u64,
    /// Commits whose graph could not be made: callers there are known by name only.
    pub graphs_failed: u64,
    /// Bytes of the new segments, by section.
    pub sections: BTreeMap<&'static str, u64>,
    /// Refs that are searchable now.
    pub refs: u64,
    /// Whether the index held all of it already.
    pub unchanged: bool,
    /// Version of the root that holds all of it: what a search that must see it asks for.
    pub root_version: u64,
}

impl Summary {
    /// Counts a snapshot that was made.
    pub fn count(&mut self, snapshot: &Snapshot) {
        self.files += snapshot.len() as u64;
        self.skipped += snapshot.skipped.len() as u64;
        for skipped in &snapshot.skipped {
            *self.skipped_by_reason.entry(skipped.reason.name()).or_default() += 1;
        }
    }

    /// What of it was written: documents, symbols, bytes, sections.
    pub fn written(&self) -> Self {
        let Self { new_documents, bytes_written, graphs, ref sections, ref code, .. } = *self;
        Self { new_documents, bytes_written, graphs, sections: sections.clone(), code: code.clone(), ..Self::default() }
    }

    /// Adds what an earlier try had written.
    pub fn add_written(&mut self, earlier: &Self) {
        self.new_documents += earlier.new_documents;
        self.bytes_written += earlier.bytes_written;
        self.graphs += earlier.graphs;
        self.code.add(&earlier.code);
        for (name, bytes) in &earlier.sections {
            *self.sections.entry(name).or_default() += bytes;
        }
    }

    /// As the job row has it.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "files": self.files,
            "documents_new": self.new_documents,
            "skipped": self.skipped_by_reason,
            "symbols": self.code.symbols,
            "references": self.code.references,
            "symbols_skipped": self.code.skipped,
            "graphs": self.graphs,
            "graphs_failed": self.graphs_failed,
            "bytes_written": self.bytes_written,
            "sections": self.sections,
            "refs": self.refs,
            "unchanged": self.unchanged,
            "root_version": self.root_version,
        })
    }
}
