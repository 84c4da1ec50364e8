//! The graph of a working tree, made in memory from its texts as they are: what `kotadb callers` and its siblings ask.
//!
//! Nothing of it is kept. What that costs grows with the repository: some seconds for each million lines.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use bytes::Bytes;
use kotadb_core::facts::Facts;
use kotadb_core::graph::{Block, Graph, GraphBuilder, GraphError, GraphFile, Place, Shelf, View};
use kotadb_core::id::TenantId;
use kotadb_core::search::relations::{Ground, Relations, RelationsError};
use kotadb_core::search::{Overlay, OverlayFile};
use kotadb_core::segment::{Class, DocId, Segment};
use kotadb_core::store::{Kind, Snapshot, Store, Tip};
use kotadb_core::text::Language;

use super::LocalError;
use crate::error::IndexError;
use crate::names::{self, SourceFile};
use crate::{extract, inspect};

/// A working tree whose symbols and edges are known.
#[derive(Debug)]
pub struct LocalCode {
    view: View,
    files: CodeFiles,
}

/// The files of a working tree, in path order.
#[derive(Debug, Default)]
struct CodeFiles {
    files: Vec<CodeFile>,
    places: HashMap<Vec<u8>, u32>,
    facts: Vec<OnceLock<Option<Facts>>>,
}

#[derive(Debug)]
struct CodeFile {
    path: Vec<u8>,
    language: Language,
    class: Class,
    text: Text,
}

/// A text: of a changed file, or in a segment that lies in memory or is mapped.
#[derive(Debug)]
enum Text {
    Memory(Bytes),
    Stored(Arc<(Segment, Bytes)>, DocId),
}

/// A graph that lies in memory.
struct InMemory(Vec<u8>);

impl LocalCode {
    /// Reads the files of `tip` with what lies over it.
    pub async fn of(store: &Store, tip: &Tip, overlay: Option<&Overlay>) -> Result<Self, LocalError> {
        let snapshot = inspect::snapshot(store, TenantId::LOCAL, tip).await?;
        let mut segments = Vec::new();
        for key in &snapshot.segments {
            let bytes = store.get(TenantId::LOCAL, Kind::Segment, *key).await?;
            let hot = Segment::hot_range(&bytes, bytes.len() as u64).map_err(IndexError::from)?;
            let segment = Segment::open(bytes.slice(hot.start as usize..), bytes.len() as u64);
            segments.push(Arc::new((segment.map_err(IndexError::from)?, bytes)));
        }
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self::of_files(files(&snapshot, &segments, overlay), threads)?)
    }

    fn of_files(files: Vec<CodeFile>, threads: usize) -> Result<Self, IndexError> {
        let places = files.iter().zip(0..).map(|(file, nth)| (file.path.clone(), nth)).collect();
        let facts = files.iter().map(|_| OnceLock::new()).collect();
        let files = CodeFiles { files, places, facts };
        files.extract_all(threads);
        let source =
            |file: &CodeFile| SourceFile { path: String::from_utf8_lossy(&file.path).into(), language: file.language };
        let sources: Vec<_> = files.files.iter().map(source).collect();
        let mut builder = GraphBuilder::default();
        let externals = names::resolve(&sources, &files, threads, &mut |resolved| {
            let CodeFile { path, class, .. } = &files.files[resolved.file as usize];
            let (facts, edges) = (&resolved.facts, &resolved.edges);
            Ok(builder.add(&GraphFile { path, class: *class, facts, edges })?)
        })?;
        let mut graph = Vec::new();
        builder.finish(&externals, &mut graph)?;
        let hot = Graph::hot_range(&graph, graph.len() as u64)?;
        let base = Graph::open(&graph[hot.start as usize..], graph.len() as u64)?;
        let view = View::new(Arc::new(base), None, Box::new(InMemory(graph)))?;
        Ok(Self { view, files })
    }

    /// What asks the questions.
    pub fn relations(&self) -> Relations<'_, impl Ground + use<>> {
        Relations { view: &self.view, ground: &self.files }
    }

    /// What a file says by itself; `None`: there is no such file, or its language has no extractor.
    pub fn facts(&self, path: &[u8]) -> Option<(&Facts, Bytes)> {
        let place = *self.files.places.get(path)? as usize;
        let facts = self.files.facts.get(place)?.get()?.as_ref()?;
        Some((facts, self.files.files[place].text.read().ok()?))
    }
}

/// Files of the commit that nothing lies over, and those that lie over it.
fn files(snapshot: &Snapshot, segments: &[Arc<(Segment, Bytes)>], overlay: Option<&Overlay>) -> Vec<CodeFile> {
    let none = Vec::new();
    let over: &[OverlayFile] = overlay.map_or(&none, |overlay| &overlay.files);
    let removed = |path: &[u8]| {
        let removed = overlay.is_some_and(|overlay| overlay.removed.iter().any(|other| other == path));
        removed || over.binary_search_by(|file| file.path.as_slice().cmp(path)).is_ok()
    };
    let stored = snapshot.entries().filter(|entry| !removed(entry.path)).map(|entry| CodeFile {
        path: entry.path.to_vec(),
        language: entry.language,
        class: entry.class,
        text: Text::Stored(Arc::clone(&segments[entry.segment as usize]), entry.doc),
    });
    let over = over.iter().map(|file| CodeFile {
        path: file.path.clone(),
        language: file.language,
        class: file.class,
        text: Text::Memory(file.content.clone()),
    });
    let mut files: Vec<_> = stored.chain(over).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

impl Text {
    fn read(&self) -> Result<Bytes, IndexError> {
        match self {
            Self::Memory(text) => Ok(text.clone()),
            Self::Stored(segment, doc) => {
                let range = segment.0.frame_range(*doc);
                let frame = segment.1.get(range.start as usize..range.end as usize).unwrap_or_default();
                Ok(segment.0.decode_frame(*doc, frame)?.into())
            }
        }
    }
}

impl CodeFiles {
    fn extract_all(&self, threads: usize) {
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..threads.max(1) {
                scope.spawn(|| {
                    while let Some(file) = self.files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let facts = file.text.read().ok();
                        let facts =
                            facts.and_then(|text| extract::extract(file.language, &text, extract::USUAL_BUDGET));
                        let place = self.places.get(&file.path).map(|place| *place as usize);
                        let _only_once = place.and_then(|place| self.facts.get(place)).map(|slot| slot.set(facts));
                    }
                });
            }
        });
    }
}

impl names::Source for CodeFiles {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        Ok(self.facts.get(file as usize).and_then(|slot| slot.get()).cloned().flatten())
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        self.files.get(file as usize).map_or(Ok(Vec::new()), |file| Ok(file.text.read()?.to_vec()))
    }
}

impl Shelf for InMemory {
    fn find(&self, graph: &Graph, place: Place) -> Result<Option<Arc<Block>>, GraphError> {
        let Range { start, end } = graph.range(place.kind, place.block);
        let bytes = self.0.get(start as usize..end as usize).unwrap_or_default();
        graph.decode(place.kind, place.block, bytes).map(|block| Some(Arc::new(block)))
    }
}

impl Ground for CodeFiles {
    /// Never asked: the shelf has all of them.
    async fn blocks(&self, places: &[(Place, Range<u64>)]) -> Result<Vec<Bytes>, RelationsError> {
        Ok(places.iter().map(|_| Bytes::new()).collect())
    }

    async fn texts(&self, paths: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Bytes>, RelationsError> {
        let read = |path: &Vec<u8>| {
            let file = self.places.get(path).and_then(|place| self.files.get(*place as usize))?;
            Some((path.clone(), file.text.read().ok()?))
        };
        Ok(paths.iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::graph::Confidence;
    use kotadb_core::graph::ask::{Direction, Question};
    use kotadb_core::search::relations::Found;

    use super::*;

    fn code(files: &[(&str, &str)]) -> LocalCode {
        let file = |(path, text): &(&str, &str)| CodeFile {
            path: path.as_bytes().to_vec(),
            language: Language::of_path(path.as_bytes()).unwrap(),
            class: if path.contains("test") { Class::Test } else { Class::Source },
            text: Text::Memory(Bytes::copy_from_slice(text.as_bytes())),
        };
        let mut files: Vec<_> = files.iter().map(file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        LocalCode::of_files(files, 2).unwrap()
    }

    #[tokio::test]
    async fn callers_of_methods_of_one_name_are_told_apart() {
        let code = code(&[
            (
                "pool.py",
                "class Pool:\n    def acquire(self):\n        return 1\n\nclass Lock:\n    def acquire(self):\n        return 2\n",
            ),
            ("app.py", "from pool import Pool\n\ndef run():\n    pool = Pool()\n    return pool.acquire()\n"),
            ("test_pool.py", "from pool import Lock\n\ndef test_lock():\n    assert Lock().acquire() == 2\n"),
        ]);
        let relations = code.relations();
        assert!(matches!(relations.find("acquire").await.unwrap(), Found::Several(found) if found.len() == 2));
        for (id, caller, line, is_test) in [
            ("pool.py#Pool.acquire", "app.py#run", 5, false),
            ("pool.py#Lock.acquire", "test_pool.py#test_lock", 4, true),
        ] {
            let Found::One(subject) = relations.find(id).await.unwrap() else { panic!("{id} is one symbol") };
            let question = Question { min_confidence: Confidence(80), ..Question::calls(Direction::Users) };
            let tree = relations.calls(subject, &question).await.unwrap();
            let found: Vec<_> = tree.lines.iter().map(|line| (line.symbol.id.as_str(), line.sites[0].line)).collect();
            assert_eq!(found, [(caller, line)]);
            assert_eq!(tree.lines[0].symbol.is_test, is_test);
        }
    }
}
