//! A tenant's index made of plain lists of files, as an indexer would publish it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kotadb_core::crypto;
use kotadb_core::facts::{Facts, extractor_version};
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::query;
use kotadb_core::search::{Page, SearchRequest, SearchResult, Searcher, Visible};
use kotadb_core::segment::{Class, PreparedDocument, Scratch, SegmentBuilder};
use kotadb_core::store::{
    Kind, ObjectKey, Refs, RepositoryEntry, Root, SegmentEntry, SkipReason, Skipped, Snapshot, SnapshotEntry, Store,
    Tip,
};
use kotadb_core::text::{self, Language};
use uuid::Uuid;

/// A file at one commit.
#[derive(Clone, Debug)]
pub struct File {
    pub path: Vec<u8>,
    pub content: Vec<u8>,
    pub class: Class,
    pub language: Language,
}

/// A repository: the first ref is the default one.
#[derive(Clone, Debug)]
pub struct Repository {
    pub name: String,
    pub refs: Vec<(String, Vec<File>)>,
}

pub struct Index {
    pub store: Store,
    pub tenant: TenantId,
    pub visible: Vec<Visible>,
}

/// The facts of a file; `None`: nothing looked for any.
pub type Extract = fn(&File) -> Option<Facts>;

/// Hands out ids in place of a clock.
#[derive(Default)]
struct Ids(u128);

impl Ids {
    fn next(&mut self) -> Uuid {
        self.0 += 1;
        Uuid::from_u128(self.0)
    }
}

impl Index {
    /// Publishes `repositories`, with at most `docs` documents in a segment. Binary files are left out.
    pub async fn publish(store: Store, repositories: &[Repository], docs: usize) -> Self {
        Self::publish_facts(store, repositories, docs, |_| None).await
    }

    /// The same, with what `extract` finds.
    pub async fn publish_facts(store: Store, repositories: &[Repository], docs: usize, extract: Extract) -> Self {
        let tenant = TenantId(Uuid::from_u128(77));
        let (head, tag) = store.head(tenant).await.unwrap();
        let mut ids = Ids(u128::from(head.version) << 64);
        let mut root = Root { version: head.version + 1, ..Root::default() };
        let mut visible = Vec::new();
        for repository in repositories {
            let id = RepositoryId(Uuid::from_u128(1000 + visible.len() as u128));
            visible.push(Visible { id, name: repository.name.clone(), hidden: BTreeSet::new() });
            let documents = write_segments(&store, tenant, (&mut ids, &mut root), repository, (docs, extract)).await;
            let mut entry = RepositoryEntry { segments: documents.1, ..RepositoryEntry::default() };
            let (mut tips, mut segments) = (Vec::new(), BTreeMap::new());
            for (ref_name, files) in &repository.refs {
                let snapshot = snapshot(&root, &documents.0, ref_name, files);
                let commit = snapshot.commit;
                let named = snapshot.segments.clone();
                let snapshot = store.put(tenant, Kind::Snapshot, ids.next(), snapshot.encode()).await.unwrap();
                segments.insert(snapshot, named);
                tips.push(Tip { ref_name: ref_name.clone(), commit, snapshot, base: None, graph: None });
            }
            entry.default = Some(tips.remove(0));
            if !tips.is_empty() {
                let of_default = &segments[&entry.default.as_ref().unwrap().snapshot];
                let is_named = |at: &u32| of_default.contains(&root.segments[*at as usize].key);
                let places = (0..).zip(&entry.segments).filter(|(_, at)| is_named(at)).map(|(place, _)| place);
                entry.of_default = places.collect();
                tips.sort_by(|a, b| a.ref_name.cmp(&b.ref_name));
                let bytes = Refs { tips, segments, ..Refs::default() }.encode();
                entry.refs = Some(store.put(tenant, Kind::Refs, ids.next(), bytes).await.unwrap());
            }
            root.repositories.insert(id, entry);
        }
        store.swap_head(tenant, &tag, &root).await.unwrap();
        Self { store, tenant, visible }
    }

    /// Asks for files of every class.
    pub fn request(&self, query: &str, limit: Option<usize>) -> Option<SearchRequest> {
        let query = query::parse(&format!("{query} generated:yes vendored:yes")).ok()?;
        let page = Page { lines: limit, ..Page::default() };
        Some(SearchRequest { page, ..SearchRequest::new(self.tenant, self.visible.clone(), query) })
    }

    pub async fn search(&self, searcher: &Searcher, query: &str) -> SearchResult {
        let request = self.request(query, None).unwrap_or_else(|| panic!("`{query}` is a query"));
        searcher.search(&request).await.unwrap()
    }
}

type Documents = BTreeMap<(ObjectId, Language), (ObjectKey, u32)>;

/// Every (blob, language) once, by class and path.
async fn write_segments(
    store: &Store,
    tenant: TenantId,
    (ids, root): (&mut Ids, &mut Root),
    repository: &Repository,
    (docs, extract): (usize, Extract),
) -> (Documents, Vec<u32>) {
    let mut files: Vec<&File> = repository.refs.iter().flat_map(|(_, files)| files).collect();
    files.retain(|file| !text::is_binary(&file.content));
    files.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    let mut seen = BTreeMap::new();
    for file in files {
        seen.entry((blob(&file.content), file.language)).or_insert(file);
    }
    let mut wanted: Vec<_> = seen.into_values().collect();
    wanted.sort_by(|a, b| (a.class, &a.path).cmp(&(b.class, &b.path)));
    let (mut documents, mut touched) = (Documents::new(), Vec::new());
    for part in wanted.chunks(docs) {
        let mut builder = SegmentBuilder::new(Vec::new()).unwrap();
        let mut scratch = Scratch::default();
        let mut numbers = Vec::new();
        for file in part {
            let id = blob(&file.content);
            let mut prepared = PreparedDocument::new(id, file.language, &file.content, &mut scratch).unwrap();
            if let Some(facts) = extract(file) {
                let version = extractor_version(file.language).unwrap_or(1);
                prepared.add_facts(version, Some(&facts), &file.content, &mut scratch).unwrap();
            }
            numbers.push(((id, file.language), builder.add(prepared).unwrap()));
        }
        let (bytes, summary) = builder.finish().unwrap();
        let key = store.put(tenant, Kind::Segment, ids.next(), Bytes::from(bytes)).await.unwrap();
        touched.push(u32::try_from(root.segments.len()).unwrap());
        root.segments.push(SegmentEntry {
            key,
            bytes: summary.bytes,
            hot_bytes: summary.hot_bytes,
            n_docs: summary.n_docs,
            text_bytes: summary.text_bytes,
        });
        documents.extend(numbers.into_iter().map(|(document, number)| (document, (key, number))));
    }
    (documents, touched)
}

fn snapshot(root: &Root, documents: &Documents, ref_name: &str, files: &[File]) -> Snapshot {
    let segments: Vec<ObjectKey> = root.segments.iter().map(|entry| entry.key).collect();
    let (mut entries, mut skipped) = (Vec::new(), Vec::new());
    for file in files {
        if text::is_binary(&file.content) {
            skipped.push(Skipped { path: file.path.clone(), reason: SkipReason::Binary });
            continue;
        }
        let (key, doc) = documents[&(blob(&file.content), file.language)];
        let segment = segments.iter().position(|other| *other == key).unwrap();
        entries.push(SnapshotEntry {
            path: file.path.clone(),
            mode: 0o100_644,
            segment: u32::try_from(segment).unwrap(),
            doc,
            class: file.class,
            language: file.language,
        });
    }
    let used: Vec<ObjectKey> = segments
        .iter()
        .enumerate()
        .filter(|(number, _)| entries.iter().any(|entry| entry.segment as usize == *number))
        .map(|(_, key)| *key)
        .collect();
    for entry in &mut entries {
        let key = segments[entry.segment as usize];
        entry.segment = u32::try_from(used.iter().position(|other| *other == key).unwrap()).unwrap();
    }
    Snapshot::new(blob(ref_name.as_bytes()), used, entries, skipped)
}

fn blob(content: &[u8]) -> ObjectId {
    let hash = crypto::sha256(content);
    let mut id = [0; 20];
    id.copy_from_slice(&hash[..20]);
    ObjectId(id)
}
