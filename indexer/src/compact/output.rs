//! Writes the outputs of a merge: content frames as they are or compressed once more, then the lists, then facts as they
//! are and names.

use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

use bytes::Bytes;
use kotadb_core::segment::{
    DocId, Frame, MergeInput, PostingsWriter, ReadRange, Recompressor, SegmentError, SegmentSummary, SegmentWriter,
    merge_facts, merge_names, merge_postings,
};

use super::inputs::{Input, Inputs};
use super::plan::OUTPUT_TEXT;
use super::seal;
use crate::disk;
use crate::error::IndexError;
use crate::halt::Halt;

/// Documents whose frames are in memory at once.
const BATCH: usize = 256;
/// Buffer before the file.
const WRITE_BUFFER: usize = 1 << 20;

/// A merged segment on this machine.
#[derive(Debug)]
pub struct OutputFile {
    /// Its file.
    pub path: PathBuf,
    /// What it is.
    pub summary: SegmentSummary,
    /// Its documents, as places in the order of the inputs.
    pub docs: Range<usize>,
}

impl OutputFile {
    /// By input and document, the number that a document has here.
    pub fn moved(&self, inputs: &Inputs) -> Vec<Vec<Option<DocId>>> {
        moved(inputs, &self.docs)
    }
}

/// Writes all outputs; none where nothing lives on.
pub fn write(inputs: &Inputs, folder: &Path, halt: &Halt) -> Result<Vec<OutputFile>, IndexError> {
    let mut files = Vec::new();
    for docs in cut(inputs) {
        let path = folder.join(format!("{}.output", files.len()));
        let file = disk::File::create(&path).map_err(IndexError::io(format!("cannot create `{}`", path.display())))?;
        let out = BufWriter::with_capacity(WRITE_BUFFER, file);
        let summary = write_one(inputs, &docs, out, halt)?;
        files.push(OutputFile { path, summary, docs });
    }
    Ok(files)
}

/// Ranges of the order with no more than the text of one output.
fn cut(inputs: &Inputs) -> Vec<Range<usize>> {
    let (mut ranges, mut start, mut text) = (Vec::new(), 0, 0);
    for (nth, &(input, doc)) in inputs.order.iter().enumerate() {
        let len = inputs.segments[input].segment.text_len(doc);
        if text + len > OUTPUT_TEXT && nth > start {
            ranges.push(start..nth);
            (start, text) = (nth, 0);
        }
        text += len;
    }
    if start < inputs.order.len() {
        ranges.push(start..inputs.order.len());
    }
    ranges
}

fn moved(inputs: &Inputs, docs: &Range<usize>) -> Vec<Vec<Option<DocId>>> {
    let mut moved: Vec<Vec<Option<DocId>>> =
        inputs.segments.iter().map(|input| vec![None; input.segment.n_docs() as usize]).collect();
    for (new, &(input, doc)) in (0..).zip(&inputs.order[docs.clone()]) {
        moved[input][doc as usize] = Some(new);
    }
    moved
}

fn write_one(
    inputs: &Inputs,
    docs: &Range<usize>,
    out: BufWriter<disk::File>,
    halt: &Halt,
) -> Result<SegmentSummary, IndexError> {
    let order = &inputs.order[docs.clone()];
    let text: u64 = order.iter().map(|&(input, doc)| inputs.segments[input].segment.text_len(doc)).sum();
    let is_sealed = inputs.segments.iter().map(seal::of_input).collect::<Result<Vec<_>, _>>()?;
    let squeezed: Vec<bool> = is_sealed.into_iter().map(|sealed| text >= seal::TEXT && !sealed).collect();
    let mut writer = SegmentWriter::of_text_version(out, inputs.text_version);
    for batch in order.chunks(BATCH) {
        halt.check()?;
        for (&(input, doc), bytes) in batch.iter().zip(frames(inputs, batch, &squeezed)?) {
            let Input { segment, blobs, .. } = &inputs.segments[input];
            let text_len =
                u32::try_from(segment.text_len(doc)).map_err(|_| SegmentError::Limit("a text is too long"))?;
            let (blob, language) = (blobs[doc as usize], segment.language(doc));
            writer.add(&Frame { blob, language, text_len, bytes: &bytes })?;
        }
    }
    let moved = moved(inputs, docs);
    let files: Vec<Guarded<'_>> = inputs.segments.iter().map(|input| Guarded { input, halt }).collect();
    let lists: Vec<MergeInput<'_>> = inputs
        .segments
        .iter()
        .zip(&files)
        .zip(&moved)
        .map(|((input, file), moved)| MergeInput { segment: &input.segment, file, moved })
        .collect();
    let mut postings = writer.postings();
    let merged = merge_postings(&lists, &mut postings);
    halt.check()?;
    merged?;
    let ended = end(&lists, order, postings);
    halt.check()?;
    let (out, summary) = ended?;
    out.into_inner().map_err(|error| SegmentError::Write(error.into_error()))?;
    Ok(summary)
}

/// Writes facts and names, where an extractor saw a document.
fn end<W: Write>(
    inputs: &[MergeInput<'_>],
    order: &[(usize, DocId)],
    postings: PostingsWriter<W>,
) -> Result<(W, SegmentSummary), SegmentError> {
    let mut has_code = false;
    for &(input, doc) in order {
        has_code |= inputs[input].segment.extractor(doc)? > 0;
    }
    if !has_code {
        return postings.finish();
    }
    let mut facts = postings.facts()?;
    merge_facts(inputs, order, &mut facts)?;
    let mut names = facts.names()?;
    merge_names(inputs, &mut names)?;
    names.finish()
}

/// A file whose reads end when the run has to.
struct Guarded<'a> {
    input: &'a Input,
    halt: &'a Halt,
}

impl ReadRange for Guarded<'_> {
    fn read(&self, range: Range<u64>) -> Result<Bytes, SegmentError> {
        self.halt.check().map_err(|_| SegmentError::Limit("the merge was told to stop"))?;
        self.input.file.read(range)
    }
}

/// The frames of some documents, in their order; all cores share what is to be compressed.
fn frames(inputs: &Inputs, batch: &[(usize, DocId)], squeezed: &[bool]) -> Result<Vec<Bytes>, IndexError> {
    let threads = match squeezed.contains(&true) {
        true => thread::available_parallelism().map_or(1, usize::from),
        false => 1,
    };
    let share = batch.len().div_ceil(threads);
    let parts = thread::scope(|scope| {
        let parts: Vec<_> = batch.chunks(share).map(|part| scope.spawn(|| frames_of(inputs, part, squeezed))).collect();
        parts.into_iter().map(|part| part.join().unwrap_or(Err(IndexError::BuildThread))).collect::<Vec<_>>()
    });
    let mut frames = Vec::with_capacity(batch.len());
    for part in parts {
        frames.extend(part?);
    }
    Ok(frames)
}

fn frames_of(inputs: &Inputs, part: &[(usize, DocId)], squeezed: &[bool]) -> Result<Vec<Bytes>, IndexError> {
    let mut recompressor = Recompressor::new(seal::LEVEL)?;
    let frame = |&(input, doc): &(usize, DocId)| {
        let Input { segment, file, .. } = &inputs.segments[input];
        let bytes = file.read(segment.frame_range(doc))?;
        Ok(if squeezed[input] { recompressor.frame(segment, doc, bytes)? } else { bytes })
    };
    part.iter().map(frame).collect()
}
