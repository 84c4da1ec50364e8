//! Builds segments from planned items: all cores read, judge and prepare blobs; one thread adds the documents in order.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::thread;

use kotadb_core::id::ObjectId;
use kotadb_core::segment::{PreparedDocument, Scratch, SegmentBuilder, SegmentError, SegmentSummary};
use kotadb_core::store::SkipReason;
use kotadb_core::text::{self, Language};

use crate::contents::{Contents, Source};
use crate::error::IndexError;
use crate::facts::{Fact, Group};
use crate::halt::Halt;
use crate::held::{Held, Place};
use crate::plan::Item;
use crate::window::{CloseOnDrop, Window};
use crate::{fail_point, limits};

/// Bytes of blobs that may be read and not yet added.
const WINDOW_BYTES: u64 = 48 << 20;
/// Buffer before the segment file.
const WRITE_BUFFER: usize = 1 << 20;

/// How far a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Blobs done.
    pub done: usize,
    /// Blobs to do.
    pub total: usize,
    /// Bytes of the blobs done.
    pub bytes: u64,
}

/// What a build needs beside its plan.
#[derive(Clone, Copy, Debug)]
pub struct Workshop<'a> {
    /// Where blobs are read from.
    pub source: &'a Source,
    /// What need not be built.
    pub held: &'a Held,
    /// Where segment files are written.
    pub folder: &'a Path,
    /// Asked between documents.
    pub halt: &'a Halt,
}

/// A finished segment on this machine.
#[derive(Debug)]
pub struct BuiltSegment {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub summary: SegmentSummary,
    /// Its documents, in order.
    pub documents: Vec<(ObjectId, Language)>,
}

/// What one blob came to.
enum Outcome {
    Left(SkipReason),
    Text(Readings),
}

/// A text blob: the language of each file that holds it, and the documents that are not held.
struct Readings {
    languages: Vec<Language>,
    prepared: Vec<(Language, PreparedDocument)>,
}

/// Builds `items` and settles their files. Places of new documents follow the table of `held`: the first new segment has
/// the index after its last.
pub fn build(
    workshop: Workshop<'_>,
    group: &mut Group,
    items: &[Item],
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<BuiltSegment>, IndexError> {
    let window = Window::new(items.len(), WINDOW_BYTES);
    let mut shelf = Shelf::new(workshop);
    let mut settled = Vec::new();
    thread::scope(|scope| {
        let mut taker = CloseOnDrop { window: &window, finished: false };
        let shared = &*group;
        for _ in 0..thread::available_parallelism().map_or(1, usize::from).min(items.len()) {
            scope.spawn(|| work(workshop, shared, items, &window));
        }
        settled = shelve(&mut shelf, items, &window, progress)?;
        taker.finished = true;
        Ok::<_, IndexError>(())
    })?;
    for (item, facts) in items.iter().zip(settled) {
        item.files.iter().zip(facts).for_each(|(&at, fact)| group.settle(at, fact));
    }
    shelf.finish()
}

/// One thread: reads, judges and prepares until nothing is left.
fn work(workshop: Workshop<'_>, group: &Group, items: &[Item], window: &Window<Result<Outcome, IndexError>>) {
    let mut guard = CloseOnDrop { window, finished: false };
    let contents = workshop.source.open();
    let mut scratch = Scratch::default();
    while let Some(i) = window.begin(|i| items[i].bytes) {
        let outcome = match &contents {
            Ok(contents) => judge(workshop.held, group, &items[i], contents, &mut scratch),
            Err(error) => Err(IndexError::Io {
                what: "cannot open the repository".into(),
                source: std::io::Error::other(error.to_string()),
            }),
        };
        window.put(i, outcome);
    }
    guard.finished = true;
}

fn judge(
    held: &Held,
    group: &Group,
    item: &Item,
    contents: &Contents<'_>,
    scratch: &mut Scratch,
) -> Result<Outcome, IndexError> {
    let outcome = contents.with(item.blob, |content| {
        if text::is_binary(content) {
            return Ok(Outcome::Left(SkipReason::Binary));
        }
        let languages: Vec<_> = item.files.iter().map(|&at| Language::detect(&group.file(at).path, content)).collect();
        let prepared = prepare(held, item.blob, &languages, content, scratch)?;
        Ok(Outcome::Text(Readings { languages, prepared }))
    });
    outcome.unwrap_or(Ok(Outcome::Left(SkipReason::Unreadable)))
}

/// One document a distinct language, but for those that are held.
fn prepare(
    held: &Held,
    blob: ObjectId,
    languages: &[Language],
    content: &[u8],
    scratch: &mut Scratch,
) -> Result<Vec<(Language, PreparedDocument)>, SegmentError> {
    let mut prepared: Vec<(Language, PreparedDocument)> = Vec::new();
    for &language in languages {
        let there = held.get(blob, language).is_some() || prepared.iter().any(|(other, _)| *other == language);
        if !there {
            prepared.push((language, PreparedDocument::new(blob, language, content, scratch)?));
        }
    }
    Ok(prepared)
}

/// Takes outcomes in order, adds their documents, and says what each file of each item came to.
fn shelve(
    shelf: &mut Shelf<'_>,
    items: &[Item],
    window: &Window<Result<Outcome, IndexError>>,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<Vec<Fact>>, IndexError> {
    let mut step = Step { done: 0, total: items.len(), bytes: 0 };
    let mut settled = Vec::with_capacity(items.len());
    for item in items {
        shelf.workshop.halt.check()?;
        let outcome = window.take(|i| items[i].bytes).ok_or(IndexError::BuildThread)??;
        settled.push(match outcome {
            Outcome::Left(reason) => vec![Fact::Left(reason); item.files.len()],
            Outcome::Text(readings) => shelf.add(item, readings)?,
        });
        step = Step { done: step.done + 1, bytes: step.bytes + item.bytes, ..step };
        progress(step);
    }
    Ok(settled)
}

/// The segments of this build: finished ones, and the open one.
struct Shelf<'a> {
    workshop: Workshop<'a>,
    finished: Vec<BuiltSegment>,
    open: Option<OpenSegment>,
    text_bytes: u64,
}

struct OpenSegment {
    path: PathBuf,
    builder: SegmentBuilder<BufWriter<File>>,
    documents: Vec<(ObjectId, Language)>,
}

impl<'a> Shelf<'a> {
    fn new(workshop: Workshop<'a>) -> Self {
        Self { workshop, finished: Vec::new(), open: None, text_bytes: 0 }
    }

    fn add(&mut self, item: &Item, readings: Readings) -> Result<Vec<Fact>, IndexError> {
        let mut new = HashMap::new();
        for (language, document) in readings.prepared {
            new.insert(language, self.add_document(item, language, document)?);
        }
        let place = |language| new.get(&language).copied().or_else(|| self.workshop.held.get(item.blob, language));
        let facts = readings.languages.into_iter();
        let facts = facts.map(|language| place(language).map_or(Fact::Pending, |place| Fact::Text(language, place)));
        Ok(facts.collect())
    }

    fn add_document(
        &mut self,
        item: &Item,
        language: Language,
        document: PreparedDocument,
    ) -> Result<Place, IndexError> {
        let number = self.finished.len();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenSegment::create(self.workshop.folder, number)?,
        };
        let doc = open.builder.add(document)?;
        open.documents.push((item.blob, language));
        fail_point::hit("build.document");
        self.text_bytes += item.bytes;
        if self.text_bytes > limits::MAX_TEXT_BYTES {
            return Err(IndexError::TooLarge("it holds more than 4 GiB of text"));
        }
        if open.builder.text_bytes() >= limits::SEGMENT_TEXT_BYTES {
            self.finished.push(open.finish()?);
        } else {
            self.open = Some(open);
        }
        let segment =
            u32::try_from(self.workshop.held.table.len() + number).expect("a root names fewer than 2^32 segments");
        Ok(Place { segment, doc })
    }

    fn finish(mut self) -> Result<Vec<BuiltSegment>, IndexError> {
        if let Some(open) = self.open.take() {
            self.finished.push(open.finish()?);
        }
        Ok(self.finished)
    }
}

impl OpenSegment {
    fn create(folder: &Path, number: usize) -> Result<Self, IndexError> {
        let path = folder.join(format!("{number}.segment"));
        let file = File::create(&path).map_err(IndexError::io(format!("cannot create `{}`", path.display())))?;
        let builder = SegmentBuilder::new(BufWriter::with_capacity(WRITE_BUFFER, file))?;
        Ok(Self { path, builder, documents: Vec::new() })
    }

    fn finish(self) -> Result<BuiltSegment, IndexError> {
        let (out, summary) = self.builder.finish()?;
        out.into_inner().map_err(|error| SegmentError::Write(error.into_error()))?;
        fail_point::hit("build.segment_closed");
        Ok(BuiltSegment { path: self.path, summary, documents: self.documents })
    }
}
