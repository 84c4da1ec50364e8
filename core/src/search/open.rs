//! Opens what targets need: snapshots, deltas and the hot tails of segments, of each its posting lists as soon as it is
//! open, and marks in each target which of its files may match.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use futures::future::{self, Either};

use super::cache::OpenSegment;
use super::definitions::Names;
use super::layers::{LayerText, Layers, OpenDelta};
use super::overlay::Overlay;
use super::rank_set::RankSet;
use super::reader::{Reader, WHOLE_SEGMENT};
use super::targets::Target;
use crate::query::{Defined, Definitions, Formula};
use crate::segment::{Class, DocId, DocSet};
use crate::store::{Kind, ObjectKey, Root, SegmentEntry, Snapshot, StoreError};

/// Where nobody says which segments a snapshot names, and the repository has more than this, snapshots are read first, to
/// open no segment in vain.
const EAGER_SEGMENTS: usize = 16;

/// The same of lists: with more large segments than this they wait for the snapshot, to read none in vain.
const ASKED_AHEAD: usize = 4;

/// Everything that a search looks at, opened.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Each segment once.
    pub(super) segments: Vec<Arc<OpenSegment>>,
    /// What their documents define of the names that were looked up.
    pub(super) definitions: Vec<Arc<Definitions>>,
    pub(super) targets: Vec<OpenTarget>,
    pub(super) overlay: Option<Arc<Overlay>>,
    /// The same of the overlay's files.
    pub(super) defined_over: Definitions,
}

/// A target with what it needs opened, and what of it may match.
#[derive(Debug)]
pub(super) struct OpenTarget {
    pub(super) target: Target,
    pub(super) snapshot: Arc<Snapshot>,
    /// Where the snapshot's segments are in [`Opened::segments`].
    pub(super) segments: Vec<u32>,
    /// Ranks of the snapshot's files that may match.
    pub(super) found: RankSet,
    pub(super) layers: Layers,
    /// Files of layers that may match, by class, then path.
    pub(super) own: Vec<OwnFile>,
}

/// A file of a layer that may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OwnFile {
    pub(super) class: Class,
    pub(super) layer: u32,
    /// Its number in the layer.
    pub(super) file: u32,
    pub(super) document: Document,
}

/// Where a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Document {
    /// Index into [`Opened::segments`], and the document there.
    Stored(u32, DocId),
    /// Index into the files of [`Opened::overlay`].
    Memory(u32),
}

enum Object {
    Snapshot(ObjectKey, Arc<Snapshot>),
    Delta(ObjectKey, Arc<OpenDelta>),
    /// With the answers to what was asked of it at once.
    Segment(Arc<OpenSegment>, Asked),
}

/// What was asked of a segment as soon as it was open.
struct Asked {
    documents: Vec<Option<DocSet>>,
    /// `None`: to be asked with the lists.
    definitions: Option<Arc<Definitions>>,
}

/// What was read, by name.
#[derive(Default)]
struct Objects<'a> {
    snapshots: HashMap<ObjectKey, Arc<Snapshot>>,
    deltas: HashMap<ObjectKey, Arc<OpenDelta>>,
    /// Where a segment is in `segments`.
    places: HashMap<ObjectKey, u32>,
    segments: Vec<Arc<OpenSegment>>,
    /// Of each of them, where that was asked for.
    definitions: Vec<Option<Arc<Definitions>>>,
    answers: Answers<'a>,
}

/// A segment to be opened, and what to ask of it then.
struct Wanted<'a> {
    entry: &'a SegmentEntry,
    formulas: Vec<&'a Formula>,
}

/// The documents of a segment that can match; `None`: all of them.
type Answers<'a> = HashMap<(u32, &'a Formula), Option<DocSet>>;

/// Opens snapshots and segments in one wave and reads posting lists in another, which need not wait for the snapshots.
pub(super) async fn open(
    reader: &Reader<'_>,
    root: &Root,
    targets: Vec<Target>,
    overlay: Option<&Arc<Overlay>>,
    names: Names<'_>,
) -> Result<Opened, StoreError> {
    let mut objects = read(reader, root, &targets, names).await?;
    let mut parts = Vec::with_capacity(targets.len());
    for target in &targets {
        parts.push(Parts::new(reader, &objects, target, overlay)?);
    }
    let (answers, definitions) = ask(reader, &mut objects, (&targets, &parts), names).await?;
    let mut found = Vec::with_capacity(targets.len());
    for (target, parts) in targets.iter().zip(&parts) {
        found.push(parts.candidates(&answers, target.scope.formula()));
    }
    drop(answers);
    let segments = objects.segments;
    let opened = targets.into_iter().zip(parts).zip(found).map(|((target, parts), (found, own))| OpenTarget {
        target,
        snapshot: parts.snapshot,
        segments: parts.segments,
        layers: parts.layers,
        found,
        own,
    });
    let defined_over = overlay.map(|overlay| names.within(overlay)).unwrap_or_default();
    Ok(Opened { targets: opened.collect(), segments, definitions, overlay: overlay.cloned(), defined_over })
}

async fn read<'a>(
    reader: &Reader<'_>,
    root: &'a Root,
    targets: &'a [Target],
    names: Names<'_>,
) -> Result<Objects<'a>, StoreError> {
    let table = wanted(root, targets);
    let eager = targets.iter().all(|target| target.named.is_some() || target.segments.len() <= EAGER_SEGMENTS);
    let likely: BTreeSet<ObjectKey> =
        targets.iter().flat_map(|target| entries(root, target.likely())).map(|one| one.key).collect();
    let snapshots: BTreeSet<ObjectKey> = targets.iter().map(|target| target.base).collect();
    let deltas: BTreeSet<ObjectKey> =
        targets.iter().flat_map(|target| &target.refs).filter_map(|one| one.delta).collect();
    let snapshots =
        snapshots.into_iter().map(|key| async move { Ok(Object::Snapshot(key, reader.snapshot(key).await?)) });
    let deltas = deltas.into_iter().map(|key| async move { Ok(Object::Delta(key, reader.delta(key).await?)) });
    let segments = table.values().filter(|wanted| eager && likely.contains(&wanted.entry.key));
    let tails_are_there = segments.clone().all(|wanted| reader.asks_at_once(wanted.entry));
    let reads = snapshots.map(Either::Left).chain(deltas.map(|read| Either::Right(Either::Left(read))));
    let reads = reads.chain(segments.map(|wanted| Either::Right(Either::Right(open_and_ask(reader, wanted, names)))));
    let mut objects = Objects::default();
    reader
        .overlapping_waves(future::try_join_all(reads), tails_are_there)
        .await?
        .into_iter()
        .for_each(|object| objects.add(object, &table));
    let later: BTreeSet<ObjectKey> = objects.named().filter(|key| !objects.places.contains_key(key)).collect();
    let reads = later.iter().filter_map(|key| table.get(key)).map(|wanted| open_and_ask(reader, wanted, names));
    reader
        .overlapping_waves(future::try_join_all(reads), false)
        .await?
        .into_iter()
        .for_each(|object| objects.add(object, &table));
    Ok(objects)
}

/// What the targets may need, by name.
fn wanted<'a>(root: &'a Root, targets: &'a [Target]) -> BTreeMap<ObjectKey, Wanted<'a>> {
    let mut table: BTreeMap<ObjectKey, Wanted<'a>> = BTreeMap::new();
    for target in targets {
        let large = entries(root, &target.segments).filter(|entry| entry.bytes > WHOLE_SEGMENT);
        let ahead = target.named.is_some() || large.count() <= ASKED_AHEAD;
        for entry in entries(root, &target.segments) {
            let wanted = table.entry(entry.key).or_insert_with(|| Wanted { entry, formulas: Vec::new() });
            let formula = target.scope.formula();
            if ahead && !wanted.formulas.contains(&formula) {
                wanted.formulas.push(formula);
            }
        }
    }
    table
}

fn entries<'a>(root: &'a Root, segments: &'a [u32]) -> impl Iterator<Item = &'a SegmentEntry> {
    segments.iter().filter_map(|at| root.segments.get(*at as usize))
}

async fn open_and_ask(reader: &Reader<'_>, wanted: &Wanted<'_>, names: Names<'_>) -> Result<Object, StoreError> {
    let segment = reader.segment(wanted.entry).await?;
    let asked = ask_at_once(reader, &segment, wanted, names).await?;
    Ok(Object::Segment(segment, asked))
}

async fn ask_at_once(
    reader: &Reader<'_>,
    segment: &OpenSegment,
    wanted: &Wanted<'_>,
    names: Names<'_>,
) -> Result<Asked, StoreError> {
    let documents = future::try_join_all(wanted.formulas.iter().map(|formula| reader.documents(segment, formula)));
    Ok(if wanted.formulas.is_empty() {
        Asked { documents: Vec::new(), definitions: None }
    } else if reader.store.is_near() {
        // Nothing is gained by asking for both at once, and mostly nothing is left to be ranked.
        let documents = documents.await?;
        let are_left = documents.iter().any(|docs| docs.as_ref().is_none_or(|docs| !docs.is_empty()));
        let names = if are_left { names } else { names.asked() };
        Asked { documents, definitions: Some(reader.definitions(segment, names).await?) }
    } else {
        let (documents, definitions) = future::try_join(documents, reader.definitions(segment, names)).await?;
        Asked { documents, definitions: Some(definitions) }
    })
}

impl<'a> Objects<'a> {
    fn add(&mut self, object: Object, wanted: &BTreeMap<ObjectKey, Wanted<'a>>) {
        match object {
            Object::Snapshot(key, snapshot) => drop(self.snapshots.insert(key, snapshot)),
            Object::Delta(key, delta) => drop(self.deltas.insert(key, delta)),
            Object::Segment(segment, Asked { documents, definitions }) => {
                let place = self.segments.len() as u32;
                let formulas = wanted.get(&segment.key).into_iter().flat_map(|wanted| &wanted.formulas);
                self.answers.extend(formulas.map(|formula| (place, *formula)).zip(documents));
                self.places.insert(segment.key, place);
                self.segments.push(segment);
                self.definitions.push(definitions);
            }
        }
    }

    /// What a ref names must be of its commit: what may be seen was decided by that.
    fn check_commits(&self, reader: &Reader<'_>, target: &Target) -> Result<(), StoreError> {
        for one in &target.refs {
            let key = one.delta.unwrap_or(target.base);
            let commit = match one.delta {
                None => self.snapshots[&key].commit,
                Some(_) => self.deltas[&key].delta.commit,
            };
            if commit != one.commit {
                let what = format!("is of commit {commit}, and `{}` is at {}", one.name, one.commit);
                return Err(reader.corrupt(Kind::Snapshot, key, &what));
            }
        }
        Ok(())
    }

    /// Segments that snapshots and deltas name.
    fn named(&self) -> impl Iterator<Item = ObjectKey> {
        let of_deltas = self.deltas.values().flat_map(|open| &open.delta.segments);
        self.snapshots.values().flat_map(|snapshot| &snapshot.segments).chain(of_deltas).copied()
    }
}

/// A target on its way to be opened.
struct Parts {
    snapshot: Arc<Snapshot>,
    segments: Vec<u32>,
    layers: Layers,
    /// By layer, where its segments are in [`Opened::segments`].
    layer_segments: Vec<Vec<u32>>,
}

impl Parts {
    fn new(
        reader: &Reader<'_>,
        objects: &Objects<'_>,
        target: &Target,
        overlay: Option<&Arc<Overlay>>,
    ) -> Result<Self, StoreError> {
        let snapshot = Arc::clone(&objects.snapshots[&target.base]);
        objects.check_commits(reader, target)?;
        let places = |keys: &[ObjectKey]| -> Result<Vec<u32>, StoreError> {
            let place = |key: &ObjectKey| objects.places.get(key).copied().ok_or(*key);
            keys.iter().map(place).collect::<Result<_, _>>().map_err(|key| {
                let what = format!("names segment {key}, which the root does not give its repository");
                reader.corrupt(Kind::Snapshot, target.base, &what)
            })
        };
        let segments = places(&snapshot.segments)?;
        let layers = Layers::new(target, &snapshot, &objects.deltas, overlay);
        let layer_segments = layers.layers.iter().map(|layer| places(layer.segments())).collect::<Result<_, _>>()?;
        Ok(Self { snapshot, segments, layers, layer_segments })
    }

    fn all_segments(&self) -> impl Iterator<Item = u32> {
        self.segments.iter().chain(self.layer_segments.iter().flatten()).copied()
    }

    /// What of the base and of the layers may match.
    fn candidates(&self, answers: &Answers<'_>, formula: &Formula) -> (RankSet, Vec<OwnFile>) {
        let ranks = self.snapshot.ranks();
        let documents = |segment: u32| answers[&(segment, formula)].as_ref();
        let found = if self.segments.iter().all(|segment| documents(*segment).is_none()) {
            RankSet::all(ranks.len())
        } else {
            let mut found = RankSet::new(ranks.len());
            for (nth, segment) in self.segments.iter().enumerate() {
                match documents(*segment) {
                    None => ranks.all(nth, |rank| found.insert(rank)),
                    Some(docs) => ranks.each(nth, docs.iter(), |rank| found.insert(rank)),
                }
            }
            found
        };
        (found, self.own(&documents))
    }

    fn own<'a>(&self, documents: &dyn Fn(u32) -> Option<&'a DocSet>) -> Vec<OwnFile> {
        let mut own = Vec::new();
        for ((nth, layer), segments) in (0..).zip(&self.layers.layers).zip(&self.layer_segments) {
            for (number, file) in layer.files() {
                let document = match file.text {
                    LayerText::Memory(nth) => Document::Memory(nth),
                    LayerText::Stored(segment, doc) => match segments.get(segment as usize) {
                        Some(place) if documents(*place).is_none_or(|docs| docs.contains(doc)) => {
                            Document::Stored(*place, doc)
                        }
                        _ => continue,
                    },
                };
                own.push(OwnFile { class: file.class, layer: nth, file: number, document });
            }
        }
        let path = |one: &OwnFile| self.layers.layers[one.layer as usize].file(one.file).path;
        own.sort_by(|a, b| (a.class, path(a), a.document, a.layer).cmp(&(b.class, path(b), b.document, b.layer)));
        own
    }
}

/// Each (segment, formula) once, whatever the number of refs, and what each segment defines; what was asked before is taken
/// from `objects`.
async fn ask<'a>(
    reader: &Reader<'_>,
    objects: &mut Objects<'a>,
    (targets, parts): (&'a [Target], &[Parts]),
    names: Names<'_>,
) -> Result<(Answers<'a>, Vec<Arc<Definitions>>), StoreError> {
    let mut answers = std::mem::take(&mut objects.answers);
    let mut questions: BTreeSet<(u32, &Formula)> = BTreeSet::new();
    for (target, parts) in targets.iter().zip(parts) {
        let formula = target.scope.formula();
        questions.extend(parts.all_segments().map(|segment| (segment, formula)));
    }
    questions.retain(|question| !answers.contains_key(question));
    let reads =
        questions.iter().map(|(segment, formula)| reader.documents(&objects.segments[*segment as usize], formula));
    let known = objects.definitions.iter_mut().map(Option::take).zip(&objects.segments);
    let definitions = known.map(|(known, open)| async move {
        match known {
            Some(known) => Ok(known),
            None => reader.definitions(open, names).await,
        }
    });
    let (reads, definitions) = (future::try_join_all(reads), future::try_join_all(definitions));
    let (rest, definitions) = reader.wave(future::try_join(reads, definitions)).await?;
    answers.extend(questions.into_iter().zip(rest));
    Ok((answers, definitions))
}

impl Opened {
    /// What a document defines of the names that were looked up.
    pub(super) fn defined(&self, document: Document) -> Defined<'_> {
        match document {
            Document::Stored(segment, doc) => self.definitions[segment as usize].of(doc),
            Document::Memory(file) => self.defined_over.of(file),
        }
    }
}

impl OpenTarget {
    /// How many ranks of a class, given as a range, are not behind `path`.
    pub(super) fn passed(&self, within: Range<usize>, path: &[u8]) -> usize {
        let ranks = self.snapshot.ranks();
        let (mut low, mut high) = (within.start, within.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let before = self.snapshot.path(ranks.entry(middle)) <= path;
            (low, high) = if before { (middle + 1, high) } else { (low, middle) };
        }
        low - within.start
    }

    /// The path of a file of its layers.
    pub(super) fn own_path(&self, file: &OwnFile) -> &[u8] {
        self.layers.layers[file.layer as usize].file(file.file).path
    }

    /// Where the document of an entry of the base is.
    pub(super) fn document(&self, entry: usize) -> Document {
        let entry = self.snapshot.entry(entry);
        Document::Stored(self.segments[entry.segment as usize], entry.doc)
    }
}
