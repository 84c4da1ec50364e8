//! The segments of a build: finished ones, and the open one that prepared documents are added to, in order.

use std::fs::File;
use std::io::{self, BufWriter};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread;

use kotadb_core::id::ObjectId;
use kotadb_core::segment::{
    DocId, Postings, PostingsWriter, SegmentBuilder, SegmentError, SegmentSummary, Spill, Spills,
};
use kotadb_core::text::Language;

use crate::build::Workshop;
use crate::error::IndexError;
use crate::facts::Fact;
use crate::held::Place;
use crate::plan::Item;
use crate::prepare::{CodeCounts, Prepared, Reading};
use crate::window::{CloseOnDrop, Window};
use crate::{disk, fail_point, limits};

/// Buffer before the segment file.
const WRITE_BUFFER: usize = 1 << 20;
/// Parts of the postings that may be encoded and not yet written.
const PARTS_AHEAD: u64 = 32;

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

/// The segments of one build.
#[derive(Debug)]
pub struct Shelf<'a> {
    /// What the build needs.
    pub workshop: Workshop<'a>,
    finished: Vec<BuiltSegment>,
    open: Option<OpenSegment>,
    text_bytes: u64,
    /// What extractors found.
    pub code: CodeCounts,
}

#[derive(Debug)]
struct OpenSegment {
    path: PathBuf,
    builder: SegmentBuilder<BufWriter<disk::File>>,
    documents: Vec<(ObjectId, Language)>,
}

impl<'a> Shelf<'a> {
    /// Without segments.
    pub fn new(workshop: Workshop<'a>) -> Self {
        Self { workshop, finished: Vec::new(), open: None, text_bytes: 0, code: CodeCounts::default() }
    }

    /// Adds the new documents of items and appends, of each item, what its files came to.
    pub fn add(&mut self, items: &[Item], prepared: Prepared, facts: &mut Vec<Vec<Fact>>) -> Result<(), IndexError> {
        let number = self.finished.len();
        let mut open = match self.open.take() {
            Some(open) => open,
            None => OpenSegment::create(self.workshop.folder, number)?,
        };
        let segment =
            u32::try_from(self.workshop.held.table.len() + number).expect("a root names fewer than 2^32 segments");
        let mut next = Place { segment, doc: open.builder.n_docs() };
        self.code.add(&prepared.code);
        for batch in prepared.batches {
            open.builder.append(batch)?;
        }
        for (item, reading) in items.iter().zip(prepared.readings) {
            facts.push(self.settle(item, reading, &mut next, &mut open.documents)?);
        }
        if open.builder.text_bytes() >= limits::SEGMENT_TEXT_BYTES {
            self.finished.push(open.finish(self.workshop.threads)?);
        } else {
            self.open = Some(open);
        }
        Ok(())
    }

    /// What the files of an item came to; its new documents are at `next` and behind.
    fn settle(
        &mut self,
        item: &Item,
        reading: Reading,
        next: &mut Place,
        documents: &mut Vec<(ObjectId, Language)>,
    ) -> Result<Vec<Fact>, IndexError> {
        let (languages, new) = match reading {
            Reading::Left(reason) => return Ok(vec![Fact::Left(reason); item.files.len()]),
            Reading::Text { languages, new } => (languages, new),
        };
        let first = next.doc;
        for &language in &new {
            documents.push((item.blob, language));
            next.doc += 1;
            self.text_bytes += item.bytes;
            fail_point::hit("build.document");
        }
        if self.text_bytes > limits::MAX_TEXT_BYTES {
            return Err(IndexError::TooLarge("it holds more than 4 GiB of text"));
        }
        let place = |language| {
            let new = new.iter().zip(first..).find(|(other, _)| **other == language);
            let new = new.map(|(_, doc): (_, DocId)| Place { doc, ..*next });
            new.or_else(|| self.workshop.held.get(item.blob, language))
        };
        let facts = languages.into_iter();
        let facts = facts.map(|language| place(language).map_or(Fact::Pending, |place| Fact::Text(language, place)));
        Ok(facts.collect())
    }

    /// The same for a build that ends before its end: a segment that is built again in less time than it takes to write is
    /// left out.
    pub fn finish_early(mut self) -> Result<Vec<BuiltSegment>, IndexError> {
        self.open = self.open.take().filter(|open| open.builder.text_bytes() >= limits::CHECKPOINT_TEXT_BYTES);
        self.finish()
    }

    /// Closes the open segment. A segment without documents is none.
    pub fn finish(mut self) -> Result<Vec<BuiltSegment>, IndexError> {
        if let Some(open) = self.open.take().filter(|open| open.builder.n_docs() > 0) {
            self.finished.push(open.finish(self.workshop.threads)?);
        }
        Ok(self.finished)
    }
}

impl OpenSegment {
    fn create(folder: &Path, number: usize) -> Result<Self, IndexError> {
        let path = folder.join(format!("{number}.segment"));
        let file = disk::File::create(&path).map_err(IndexError::io(format!("cannot create `{}`", path.display())))?;
        let out = BufWriter::with_capacity(WRITE_BUFFER, file);
        let spill = || Box::new(SpillFile { folder: folder.to_owned(), file: None });
        let spills = Spills { postings: spill(), facts: spill(), names: spill() };
        let builder = SegmentBuilder::with_spills(out, spills, limits::POSTINGS_MEMORY);
        Ok(Self { path, builder, documents: Vec::new() })
    }

    fn finish(self, threads: usize) -> Result<BuiltSegment, IndexError> {
        let (mut writer, postings) = self.builder.postings()?;
        write_postings(&mut writer, &postings, threads)?;
        let (out, summary) = writer.finish()?;
        out.into_inner().map_err(|error| SegmentError::Write(error.into_error()))?;
        fail_point::hit("build.segment_closed");
        Ok(BuiltSegment { path: self.path, summary, documents: self.documents })
    }
}

/// Encodes the parts on several threads and writes them in order.
fn write_postings(
    writer: &mut PostingsWriter<BufWriter<disk::File>>,
    postings: &Postings,
    threads: usize,
) -> Result<(), IndexError> {
    let window = Window::new(postings.parts().len(), PARTS_AHEAD);
    thread::scope(|scope| {
        let mut taker = CloseOnDrop { window: &window, finished: false };
        for _ in 0..threads {
            scope.spawn(|| {
                let mut guard = CloseOnDrop { window: &window, finished: false };
                while let Some(part) = window.begin(|_| 1) {
                    window.put(part, postings.encode(part));
                }
                guard.finished = true;
            });
        }
        for _ in postings.parts() {
            writer.write(&window.take(|_| 1).ok_or(IndexError::BuildThread)??)?;
        }
        taker.finished = true;
        Ok(())
    })
}

/// A nameless file, made when something is spilled.
#[derive(Debug)]
struct SpillFile {
    folder: PathBuf,
    file: Option<File>,
}

impl Spill for SpillFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder)?),
        };
        io::Write::write_all(file, bytes)
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        match &self.file {
            Some(file) => file.read_exact_at(bytes, offset),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
