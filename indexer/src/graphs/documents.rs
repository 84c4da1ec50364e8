//! The files of a snapshot as resolution wants them: facts and texts, from segments in the store. What lies on this machine
//! is read file by file; what is far away, some hundred files in a row at a time. What others use of a file is read without its
//! text.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use kotadb_core::facts::{Facts, Outline};
use kotadb_core::segment::{Class, DocId, ReadRange, Segment};
use kotadb_core::store::{Kind, ObjectKey, Snapshot};
use kotadb_core::text::Language;
use tokio::runtime::Handle;

use super::Workroom;
use super::files::Files;
use super::stored::{Segments, Stored};
use crate::compact::LocalFile;
use crate::error::IndexError;
use crate::held;
use crate::names::{self, NamedSymbols};
use crate::scip::Precise;

/// Files that are read together from far away, and how many such rows are kept.
const ROW: u32 = 256;
const ROWS: usize = 4;

/// A segment whose tail is read.
#[derive(Debug)]
pub struct Opened {
    segment: Segment,
    place: Place,
}

/// Where the bytes of a segment are.
#[derive(Debug)]
enum Place {
    /// In memory, or mapped.
    Near(Bytes),
    /// In a file of this machine.
    File(Arc<LocalFile>),
    /// In the store alone.
    Far(ObjectKey),
}

/// The files of a snapshot.
#[derive(Debug)]
pub struct Documents<'a> {
    room: &'a Workroom<'a>,
    snapshot: &'a Snapshot,
    segments: Vec<Arc<Opened>>,
    runtime: Handle,
    rows: Mutex<VecDeque<(RowKey, Row)>>,
    reads_rows: AtomicBool,
    /// What was read ahead of files that are far away.
    ahead: Mutex<HashMap<u32, Pair>>,
    stored: OnceLock<Stored>,
    /// What SCIP indexes say of them.
    pub precise: Option<Precise>,
}

/// Which row of files, and whether with their texts.
type RowKey = (u32, bool);
/// The frames of content and facts of files in a row, once they are read.
type Row = Arc<Mutex<Option<Arc<HashMap<u32, Pair>>>>>;
/// A frame of content, and one of facts.
type Pair = (Bytes, Bytes);

impl Opened {
    /// Reads the tail of a segment that the root names, or this run has uploaded.
    pub async fn open(room: &Workroom<'_>, key: ObjectKey) -> Result<Self, IndexError> {
        let entry = room.table.get(&key).ok_or(IndexError::HeldGone)?;
        let segment = held::open(room.store, room.tenant, entry).await?;
        let place = match room.files.get(&key) {
            Some(file) => Place::File(Arc::clone(file)),
            None if room.store.is_near() => {
                Place::Near(room.store.get_tail(room.tenant, Kind::Segment, key, u64::MAX).await?.0)
            }
            None => Place::Far(key),
        };
        Ok(Self { segment, place })
    }
}

impl<'a> Documents<'a> {
    /// Opens the segments of a snapshot.
    pub async fn open(room: &'a Workroom<'a>, snapshot: &'a Snapshot) -> Result<Self, IndexError> {
        let mut segments = Vec::with_capacity(snapshot.segments.len());
        for key in &snapshot.segments {
            segments.push(room.segment(*key).await?);
        }
        let (rows, reads_rows) = (Mutex::default(), AtomicBool::new(true));
        let (runtime, ahead, stored) = (Handle::current(), Mutex::default(), OnceLock::new());
        Ok(Self { room, snapshot, segments, runtime, rows, reads_rows, ahead, stored, precise: None })
    }

    /// Says whether from now on few files are asked for, here and there; else all of them, in their order.
    pub fn read_singly(&self, singly: bool) {
        self.reads_rows.store(!singly, Ordering::Relaxed);
        self.lock().clear();
    }

    /// Whether a file is the document that another snapshot has at a path.
    pub fn is_as_in(&self, file: u32, other: &Snapshot, place: usize) -> bool {
        let at = |snapshot: &Snapshot, place: usize| {
            let entry = snapshot.entry(place);
            (snapshot.segments.get(entry.segment as usize).copied(), entry.doc)
        };
        at(self.snapshot, file as usize) == at(other, place)
    }

    fn document(&self, file: u32) -> (&Opened, DocId) {
        let entry = self.snapshot.entry(file as usize);
        (&self.segments[entry.segment as usize], entry.doc)
    }

    fn read(&self, place: &Place, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, IndexError> {
        let Workroom { store, tenant, .. } = *self.room;
        match place {
            Place::Near(bytes) => {
                let part = |range: &Range<u64>| {
                    let range = range.start as usize..range.end as usize;
                    bytes.get(range.clone()).map(|_| bytes.slice(range)).unwrap_or_default()
                };
                Ok(ranges.iter().map(part).collect())
            }
            Place::File(file) => Ok(ranges.iter().map(|range| file.read(range.clone())).collect::<Result<_, _>>()?),
            Place::Far(key) => {
                let read = store.get_ranges(tenant, Kind::Segment, *key, ranges);
                Ok(self.runtime.block_on(read)?.parts)
            }
        }
    }

    /// Facts of a file, behind its text or without it.
    fn pair(&self, file: u32, facts: Range<u64>, with_text: bool) -> Result<Pair, IndexError> {
        if let Some(pair) = self.ahead(file) {
            return Ok(pair);
        }
        let (opened, doc) = self.document(file);
        if matches!(opened.place, Place::Far(_)) && self.reads_rows.load(Ordering::Relaxed) {
            let row = self.row((file / ROW, with_text))?;
            return Ok(row.get(&file).cloned().unwrap_or_default());
        }
        let text = with_text.then(|| opened.segment.frame_range(doc));
        let mut parts = self.read(&opened.place, &text.into_iter().chain([facts]).collect::<Vec<_>>())?;
        let facts = parts.pop().unwrap_or_default();
        Ok((parts.pop().unwrap_or_default(), facts))
    }

    /// A row of files; whoever comes first reads it, the others wait.
    fn row(&self, key: RowKey) -> Result<Arc<HashMap<u32, Pair>>, IndexError> {
        let row = {
            let mut rows = self.lock();
            match rows.iter().find(|(other, _)| *other == key) {
                Some((_, row)) => Arc::clone(row),
                None => {
                    let row = Row::default();
                    rows.push_back((key, Arc::clone(&row)));
                    if rows.len() > ROWS {
                        rows.pop_front();
                    }
                    row
                }
            }
        };
        let mut row = row.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = &*row {
            return Ok(Arc::clone(row));
        }
        Ok(Arc::clone(row.insert(Arc::new(self.read_row(key)?))))
    }

    fn read_row(&self, (nth, with_text): RowKey) -> Result<HashMap<u32, Pair>, IndexError> {
        self.read_files(nth * ROW..(nth * ROW + ROW).min(self.snapshot.len() as u32), with_text)
    }

    /// What is far away of some files.
    fn read_files(&self, files: impl Iterator<Item = u32>, with_text: bool) -> Result<HashMap<u32, Pair>, IndexError> {
        let mut wanted = vec![Vec::new(); self.segments.len()];
        for file in files {
            let entry = self.snapshot.entry(file as usize);
            let opened = &self.segments[entry.segment as usize];
            if let (Some(facts), Place::Far(_)) = (opened.segment.facts_range(entry.doc)?, &opened.place) {
                let text = with_text.then(|| opened.segment.frame_range(entry.doc));
                wanted[entry.segment as usize].push((file, text, facts));
            }
        }
        let mut row = HashMap::new();
        for (opened, wanted) in self.segments.iter().zip(wanted).filter(|(_, wanted)| !wanted.is_empty()) {
            let ranges = wanted.iter().flat_map(|(_, text, facts)| text.iter().chain([facts]).cloned());
            let mut parts = self.read(&opened.place, &ranges.collect::<Vec<_>>())?.into_iter();
            for (file, text, _) in wanted {
                let text = text.and_then(|_| parts.next()).unwrap_or_default();
                row.insert(file, (text, parts.next().unwrap_or_default()));
            }
        }
        Ok(row)
    }

    /// What was read ahead of a file.
    fn ahead(&self, file: u32) -> Option<Pair> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).get(&file).cloned()
    }

    /// What the segments know of the files.
    fn stored(&self) -> Result<&Stored, IndexError> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let entries = (0u32..).zip(self.snapshot.entries());
        let stored = Stored::new(self, entries.map(|(file, entry)| (entry.segment as usize, entry.doc, file)))?;
        Ok(self.stored.get_or_init(|| stored))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(RowKey, Row)>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segments for Documents<'_> {
    fn n_segments(&self) -> usize {
        self.segments.len()
    }

    fn segment(&self, nth: usize) -> &Segment {
        &self.segments[nth].segment
    }

    fn read(&self, nth: usize, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, IndexError> {
        Documents::read(self, &self.segments[nth].place, ranges)
    }
}

impl names::Source for Documents<'_> {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        self.room.halt.check()?;
        let (opened, doc) = self.document(file);
        let Some(range) = opened.segment.facts_range(doc)? else { return Ok(None) };
        let (frame, facts) = self.pair(file, range, true)?;
        let text = opened.segment.decode_frame(doc, &frame)?;
        Ok(Some(opened.segment.decode_facts(&facts, &text)?))
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        let (opened, doc) = self.document(file);
        let read = || self.read(&opened.place, &[opened.segment.frame_range(doc)]);
        let frame = match self.ahead(file) {
            Some((frame, _)) => frame,
            None => read()?.pop().unwrap_or_default(),
        };
        Ok(opened.segment.decode_frame(doc, &frame)?)
    }

    fn expect(&self, files: &[u32]) -> Result<(), IndexError> {
        let read = self.read_files(files.iter().copied(), true)?;
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn outline(&self, file: u32) -> Result<Option<Outline>, IndexError> {
        if names::needs_ranges(self.language(file)) {
            return Ok(self.facts(file)?.map(|facts| facts.outlined(true)));
        }
        self.room.halt.check()?;
        let (opened, doc) = self.document(file);
        let Some(range) = opened.segment.facts_range(doc)? else { return Ok(None) };
        let (_, facts) = self.pair(file, range, false)?;
        Ok(Some(opened.segment.decode_outline(&facts)?))
    }

    fn n_names(&self) -> Result<usize, IndexError> {
        Ok(self.stored()?.n_lists())
    }

    fn names(&self, nth: usize) -> Result<NamedSymbols, IndexError> {
        self.room.halt.check()?;
        self.stored()?.names(self, nth)
    }

    fn mentioning(&self, words: &[&str]) -> Result<Option<Vec<u32>>, IndexError> {
        self.stored()?.mentioning(self, words)
    }
}

impl Files for Documents<'_> {
    fn n_files(&self) -> usize {
        self.snapshot.len()
    }

    fn path(&self, file: u32) -> &[u8] {
        self.snapshot.path(file as usize)
    }

    fn class(&self, file: u32) -> Class {
        self.snapshot.entry(file as usize).class
    }

    fn language(&self, file: u32) -> Language {
        self.snapshot.entry(file as usize).language
    }

    fn find(&self, path: &[u8]) -> Option<u32> {
        self.snapshot.find(path).map(|file| file as u32)
    }

    fn precise(&self) -> Option<&Precise> {
        self.precise.as_ref()
    }
}
