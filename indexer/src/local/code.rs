//! The code of a working tree, as `kotadb callers` and its siblings ask it: the stored graph of its commit, and over it, in
//! memory, a delta of what is otherwise in the working tree, made as that of a push is. Where a commit has no graph, or too
//! much is otherwise, the whole graph is made in memory and kept nowhere.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::thread;

use bytes::Bytes;
use kotadb_core::facts::{Facts, Outline};
use kotadb_core::graph::{Place, View};
use kotadb_core::id::TenantId;
use kotadb_core::search::relations::{Ground, IndexedAs, NamedFile, Relations, RelationsError, SymbolPlace};
use kotadb_core::search::{Overlay, OverlayFile};
use kotadb_core::segment::{Class, DocId, Segment};
use kotadb_core::store::{Kind, Snapshot, Store, Tip};
use kotadb_core::text::Language;

use super::{LocalError, place};
use crate::error::IndexError;
use crate::graphs::files::{Files, sources};
use crate::graphs::footing::{self, Footing};
use crate::graphs::stored::{Segments, Stored};
use crate::graphs::{Changed, changes, delta, whole};
use crate::names::{self, NamedSymbols, Resolution};
use crate::scip::Precise;
use crate::{extract, inspect};

/// A working tree whose symbols and edges are known.
#[derive(Debug)]
pub struct LocalCode {
    view: View,
    files: CodeFiles,
    indexed: IndexedAs,
}

/// Files of a commit or a working tree, in path order.
#[derive(Debug, Default)]
struct CodeFiles {
    files: Vec<CodeFile>,
    places: HashMap<Vec<u8>, u32>,
    precise: Option<Precise>,
    segments: Vec<Mapped>,
    stored: OnceLock<Stored>,
}

/// A segment that lies in memory or is mapped.
type Mapped = Arc<(Segment, Bytes)>;

#[derive(Debug)]
struct CodeFile {
    path: Vec<u8>,
    language: Language,
    class: Class,
    text: Text,
    /// What was read of a changed file, or asked for.
    facts: OnceLock<Option<Facts>>,
}

/// A text: of a changed file, or in a segment that lies in memory or is mapped.
#[derive(Debug)]
enum Text {
    Memory(Bytes),
    Stored(Mapped, DocId),
}

impl LocalCode {
    /// The code of `tip` with what lies over it.
    pub async fn of(store: &Store, tip: &Tip, overlay: Option<&Overlay>) -> Result<Self, LocalError> {
        Self::with(store, tip, overlay, None).await
    }

    /// The same, where indexes may be imported.
    pub(super) async fn with(
        store: &Store,
        tip: &Tip,
        overlay: Option<&Overlay>,
        place: Option<&place::Place>,
    ) -> Result<Self, LocalError> {
        let snapshot = inspect::snapshot(store, TenantId::LOCAL, tip).await?;
        let mut segments = Vec::new();
        for key in &snapshot.segments {
            let (bytes, len) = store.get_tail(TenantId::LOCAL, Kind::Segment, *key, u64::MAX).await?;
            let hot = Segment::hot_range(&bytes, len).map_err(IndexError::from)?;
            let segment = Segment::open(bytes.slice(hot.start as usize..), len).map_err(IndexError::from)?;
            segments.push(Arc::new((segment, bytes)));
        }
        let indexed = IndexedAs {
            commit: tip.commit,
            indexed_ms: tip.graph.map_or(tip.snapshot, |graph| graph.key).written_ms(),
            has_graph: true,
            is_pending: segments.iter().any(|segment| segment.0.is_pending()),
        };
        let mut files = CodeFiles::new(files(&snapshot, &segments, overlay));
        files.precise = place.map(|place| place.precise(|path| files.held(path))).transpose()?.flatten();
        let view = match (tip.graph, overlay) {
            // What is imported is in no stored graph.
            _ if files.precise.is_some() => files.whole()?,
            (Some(graph), None) => footing::view(store, TenantId::LOCAL, graph).await?,
            (Some(graph), Some(overlay)) => {
                let before = CodeFiles::new(self::files(&snapshot, &segments, None));
                let paths = overlay.files.iter().map(|file| &file.path).chain(&overlay.removed);
                let changes = changes(paths.map(Vec::as_slice), &before, &files)?;
                match Footing::load(store, TenantId::LOCAL, graph).await? {
                    _ if changes.is_empty() => footing::view(store, TenantId::LOCAL, graph).await?,
                    Some(footing) => files.over(&changes, footing)?,
                    None => files.whole()?,
                }
            }
            (None, _) => files.whole()?,
        };
        Ok(Self { view, files, indexed })
    }

    /// What asks the questions.
    pub fn relations(&self) -> Relations<'_, impl Ground + use<>> {
        Relations { view: &self.view, ground: &self.files }
    }

    /// What answers are made from.
    pub fn indexed(&self) -> &IndexedAs {
        &self.indexed
    }

    /// Every edge as a line, in a canonical order.
    pub fn edges(&self) -> Result<BTreeSet<String>, LocalError> {
        Ok(inspect::edges::lines(&self.view).map_err(IndexError::from)?)
    }

    /// All files with their texts, in path order.
    pub fn texts(&self) -> impl Iterator<Item = (&[u8], Result<Bytes, IndexError>)> {
        self.files.files.iter().map(|file| (file.path.as_slice(), file.text.read()))
    }

    /// Symbols that a text means, be they in the graph or not, by path. Reads what all files say.
    pub fn named(&self, text: &str) -> Result<Vec<SymbolPlace>, LocalError> {
        let mut found = Vec::new();
        for (file, number) in self.files.files.iter().zip(0..) {
            if let Some(facts) = names::Source::facts(&self.files, number)? {
                let is_test = file.class == Class::Test;
                found.extend(NamedFile { path: &file.path, is_test, facts: &facts }.named(text));
            }
        }
        Ok(found)
    }

    /// What a file says by itself; `None`: there is no such file, or its language has no extractor.
    pub fn facts(&self, path: &[u8]) -> Option<(&Facts, Bytes)> {
        let file = self.files.files.get(*self.files.places.get(path)? as usize)?;
        let facts = file.facts.get_or_init(|| file.read_facts().ok().flatten()).as_ref()?;
        Some((facts, file.text.read().ok()?))
    }
}

/// Files of the commit that nothing lies over, and those that lie over it.
fn files(snapshot: &Snapshot, segments: &[Mapped], overlay: Option<&Overlay>) -> Vec<CodeFile> {
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
        facts: OnceLock::new(),
    });
    let over = over.iter().map(|file| CodeFile {
        path: file.path.clone(),
        language: file.language,
        class: file.class,
        text: Text::Memory(file.content.clone()),
        facts: OnceLock::new(),
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

impl CodeFile {
    fn read_facts(&self) -> Result<Option<Facts>, IndexError> {
        let text = self.text.read()?;
        let Text::Stored(segment, doc) = &self.text else {
            return Ok(extract::extract(self.language, &text, extract::USUAL_BUDGET));
        };
        let Some(range) = segment.0.facts_range(*doc)? else { return Ok(None) };
        let frame = segment.1.get(range.start as usize..range.end as usize).unwrap_or_default();
        Ok(Some(segment.0.decode_facts(frame, &text)?))
    }
}

impl CodeFiles {
    fn new(files: Vec<CodeFile>) -> Self {
        let places = files.iter().zip(0..).map(|(file, nth)| (file.path.clone(), nth)).collect();
        let mut segments: Vec<Mapped> = Vec::new();
        for file in &files {
            if let Text::Stored(segment, _) = &file.text
                && place_of(&segments, segment).is_none()
            {
                segments.push(Arc::clone(segment));
            }
        }
        Self { files, places, precise: None, segments, stored: OnceLock::new() }
    }

    /// What the segments know of the files that nothing lies over.
    fn stored(&self) -> Result<&Stored, IndexError> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let documents = self.files.iter().zip(0..).filter_map(|(file, number)| match &file.text {
            Text::Memory(_) => None,
            Text::Stored(segment, doc) => Some((place_of(&self.segments, segment)?, *doc, number)),
        });
        let stored = Stored::new(self, documents)?;
        Ok(self.stored.get_or_init(|| stored))
    }

    /// Number, text and facts of the file of a path.
    fn held(&self, path: &str) -> Option<(u32, Bytes, Facts)> {
        let place = *self.places.get(path.as_bytes())?;
        let file = &self.files[place as usize];
        Some((place, file.text.read().ok()?, file.read_facts().ok().flatten()?))
    }

    /// The graph of all files, in memory.
    fn whole(&self) -> Result<View, IndexError> {
        let sources = sources(self);
        self.whole_of(Resolution::new(&sources, self, threads())?)
    }

    fn whole_of(&self, resolution: Resolution<'_>) -> Result<View, IndexError> {
        let mut graph = Vec::new();
        whole::write(self, resolution, &mut graph)?;
        footing::in_memory(graph.into(), None)
    }

    /// What is stored with a delta of what is otherwise; whole where that is too much.
    fn over(&self, changes: &[Changed], mut footing: Footing) -> Result<View, IndexError> {
        footing.change(changes.iter().map(|(path, _)| path.as_slice()), self);
        if Footing::is_too_large(footing.told.len(), self.files.len()) {
            return self.whole();
        }
        let sources = sources(self);
        let resolution = Resolution::of_changed(&sources, self, threads())?;
        match delta::write(self, &resolution, &footing, changes)? {
            Some(delta) => footing::in_memory(footing.bytes, Some(delta.into())),
            None => self.whole_of(resolution),
        }
    }
}

fn place_of(segments: &[Mapped], segment: &Mapped) -> Option<usize> {
    segments.iter().position(|other| Arc::ptr_eq(other, segment))
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

impl names::Source for CodeFiles {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        let Some(file) = self.files.get(file as usize) else { return Ok(None) };
        match &file.text {
            Text::Memory(_) => Ok(file.facts.get_or_init(|| file.read_facts().ok().flatten()).clone()),
            Text::Stored(..) => file.read_facts(),
        }
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        self.files.get(file as usize).map_or(Ok(Vec::new()), |file| Ok(file.text.read()?.to_vec()))
    }

    fn outline(&self, file: u32) -> Result<Option<Outline>, IndexError> {
        match self.files.get(file as usize).map(|file| (file.language, &file.text)) {
            Some((language, Text::Stored(segment, doc))) if !names::needs_ranges(language) => {
                let Some(range) = segment.0.facts_range(*doc)? else { return Ok(None) };
                let facts = segment.1.get(range.start as usize..range.end as usize).unwrap_or_default();
                Ok(Some(segment.0.decode_outline(facts)?))
            }
            Some((language, _)) => {
                let with_containers = names::needs_ranges(language);
                Ok(self.facts(file)?.map(|facts| facts.outlined(with_containers)))
            }
            None => Ok(None),
        }
    }

    fn n_names(&self) -> Result<usize, IndexError> {
        Ok(self.stored()?.n_lists())
    }

    fn names(&self, nth: usize) -> Result<NamedSymbols, IndexError> {
        self.stored()?.names(self, nth)
    }

    fn mentioning(&self, words: &[&str]) -> Result<Option<Vec<u32>>, IndexError> {
        self.stored()?.mentioning(self, words)
    }
}

impl Segments for CodeFiles {
    fn n_segments(&self) -> usize {
        self.segments.len()
    }

    fn segment(&self, nth: usize) -> &Segment {
        &self.segments[nth].0
    }

    fn read(&self, nth: usize, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, IndexError> {
        let bytes = &self.segments[nth].1;
        let part = |range: &Range<u64>| {
            let range = range.start as usize..range.end as usize;
            bytes.get(range.clone()).map(|_| bytes.slice(range)).unwrap_or_default()
        };
        Ok(ranges.iter().map(part).collect())
    }
}

impl Files for CodeFiles {
    fn n_files(&self) -> usize {
        self.files.len()
    }

    fn path(&self, file: u32) -> &[u8] {
        &self.files[file as usize].path
    }

    fn class(&self, file: u32) -> Class {
        self.files[file as usize].class
    }

    fn language(&self, file: u32) -> Language {
        self.files[file as usize].language
    }

    fn find(&self, path: &[u8]) -> Option<u32> {
        self.places.get(path).copied()
    }

    fn precise(&self) -> Option<&Precise> {
        self.precise.as_ref()
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
    use kotadb_core::id::ObjectId;
    use kotadb_core::search::relations::Found;

    use super::*;

    fn code(files: &[(&str, &str)]) -> LocalCode {
        let file = |(path, text): &(&str, &str)| CodeFile {
            path: path.as_bytes().to_vec(),
            language: Language::of_path(path.as_bytes()).unwrap(),
            class: if path.contains("test") { Class::Test } else { Class::Source },
            text: Text::Memory(Bytes::copy_from_slice(text.as_bytes())),
            facts: OnceLock::new(),
        };
        let mut files: Vec<_> = files.iter().map(file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let files = CodeFiles::new(files);
        let indexed = IndexedAs { commit: ObjectId([0; 20]), indexed_ms: None, has_graph: true, is_pending: false };
        LocalCode { view: files.whole().unwrap(), files, indexed }
    }

    #[tokio::test]
    async fn a_place_means_what_stands_there() {
        let code = code(&[
            (
                "pool.py",
                "class Pool:\n    def acquire(self):\n        return 1\n\nclass Lock:\n    def acquire(self):\n        return 2\n",
            ),
            ("app.py", "from pool import Pool\n\ndef run():\n    pool = Pool()\n    return pool.acquire()\n"),
        ]);
        let relations = code.relations();
        for (place, id) in [
            ("app.py:5:18", "pool.py#Pool.acquire"),
            ("app.py:5:24", "pool.py#Pool.acquire"),
            ("app.py:4:12", "pool.py#Pool"),
            ("pool.py:6:9", "pool.py#Lock.acquire"),
            ("app.py:3:5", "app.py#run"),
        ] {
            let found = relations.find(place).await.unwrap();
            assert!(matches!(&found, Found::One(found) if found.id == id), "{place}: {found:?}");
        }
        assert_eq!(relations.find("app.py:2:1").await.unwrap(), Found::None, "an empty line");
        assert_eq!(relations.name("app.py:5:18").await.unwrap(), "acquire");
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
