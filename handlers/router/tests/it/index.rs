//! A small index, published without an indexer.

use bytes::Bytes;
use kotadb_core::facts::Facts;
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::segment::{Class, PreparedDocument, Scratch, SegmentBuilder};
use kotadb_core::store::{
    Kind, RepositoryEntry, SegmentEntry, Snapshot, SnapshotEntry, Store, StoreError, Tip, TipGraph,
};
use kotadb_core::text::Language;
use uuid::Uuid;

use crate::program;

/// Publishes one commit of `files` (path, content; in path order) as the default branch of a repository.
pub async fn publish(store: &Store, tenant: TenantId, repository: &str, files: &[(&str, &str)]) {
    publish_facts(store, tenant, repository, files, |_| None).await;
}

/// The same, with what is known of each text.
pub async fn publish_facts(
    store: &Store,
    tenant: TenantId,
    repository: &str,
    files: &[(&str, &str)],
    extract: fn(&str) -> Option<Facts>,
) {
    publish_with(store, (tenant, repository), files, extract, None).await;
}

/// A toy program with what is known of it.
pub async fn publish_program(store: &Store, tenant: TenantId, repository: &str, files: program::Files<'_>) {
    let graph = program::graph(files, class);
    publish_with(store, (tenant, repository), files, program::facts, Some(graph)).await;
}

async fn publish_with(
    store: &Store,
    (tenant, repository): (TenantId, &str),
    files: &[(&str, &str)],
    extract: fn(&str) -> Option<Facts>,
    graph: Option<Vec<u8>>,
) {
    let repository: RepositoryId = repository.parse().unwrap();
    let mut builder = SegmentBuilder::new(Vec::new()).unwrap();
    let mut entries = Vec::new();
    for (n, (path, content)) in files.iter().enumerate() {
        let language = Language::detect(path.as_bytes(), content.as_bytes());
        let mut blob = [0; 20];
        blob[..8].copy_from_slice(&(n as u64 + 1).to_be_bytes());
        let mut scratch = Scratch::default();
        let mut document = PreparedDocument::new(ObjectId(blob), language, content.as_bytes(), &mut scratch).unwrap();
        if let Some(facts) = extract(content) {
            document.add_facts(1, Some(&facts), content.as_bytes(), &mut scratch).unwrap();
        }
        let doc = builder.add(document).unwrap();
        let path = path.as_bytes().to_vec();
        let class = class(&path);
        entries.push(SnapshotEntry { path, mode: 0o100_644, segment: 0, doc, class, language });
    }
    let (bytes, summary) = builder.finish().unwrap();
    let key = store.put(tenant, Kind::Segment, Uuid::now_v7(), Bytes::from(bytes)).await.unwrap();
    let commit = ObjectId([7; 20]);
    let snapshot = Snapshot::new(commit, vec![key], entries, Vec::new());
    let snapshot = store.put(tenant, Kind::Snapshot, Uuid::now_v7(), snapshot.encode()).await.unwrap();
    let graph = match graph {
        Some(graph) => {
            let key = store.put(tenant, Kind::Graph, Uuid::now_v7(), graph.into()).await.unwrap();
            Some(TipGraph { key, base: None })
        }
        None => None,
    };
    let tip = Tip { ref_name: "refs/heads/main".into(), commit, snapshot, base: None, graph };
    let segment = SegmentEntry {
        key,
        bytes: summary.bytes,
        hot_bytes: summary.hot_bytes,
        n_docs: summary.n_docs,
        text_bytes: summary.text_bytes,
    };
    let published = store.update_head::<StoreError, _>(tenant, |root| {
        root.segments.push(segment.clone());
        let segments = vec![root.segments.len() as u32 - 1];
        let entry = RepositoryEntry { default: Some(tip.clone()), segments, ..RepositoryEntry::default() };
        root.repositories.insert(repository, entry);
        Ok(true)
    });
    published.await.unwrap();
}

/// By the first folder, as an attribute would say.
fn class(path: &[u8]) -> Class {
    match path {
        [b'g', b'e', b'n', b'/', ..] => Class::Generated,
        [b'v', b'e', b'n', b'd', b'o', b'r', b'/', ..] => Class::Vendored,
        _ => Class::Source,
    }
}
