//! From matching texts to the files of a page: their lines, what is around those, and the refs that have them.

use std::sync::{Arc, Mutex, PoisonError};

use super::answer::{Around, FileMatch};
use super::candidates::{Candidate, Place};
use super::page::Found;
use super::request::{Context, SearchRequest};
use super::targets::TargetRef;
use super::verify::{Text, Work};
use super::workers::{Queue, share};
use crate::query::{Content, LineMatch, Verdict};
use crate::segment::NameRow;

/// Longest text of a line around a match, in bytes.
const MAX_LINE_TEXT: usize = 4096;

/// A matching text, and which of its lines are shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) found: Found,
    /// Lines that earlier pages had.
    pub(super) skip: usize,
    /// Lines of this page.
    pub(super) take: usize,
}

/// The files of a page, in the order of `shown`.
pub(super) async fn files(work: &Arc<Work>, shown: Vec<Shown>, request: &SearchRequest) -> Vec<FileMatch> {
    let bytes = shown.iter().filter_map(|one| one.found.hit.text.as_ref()).map(|text| text.len() as u64).sum();
    let (context, explain) = (request.context, request.explain);
    let (work, queue) = (Arc::clone(work), Queue::default());
    let n_shown = shown.len();
    let done = Mutex::new(Vec::with_capacity(n_shown));
    let done = Arc::new(done);
    let collected = Arc::clone(&done);
    share(bytes, move || {
        for nth in queue.take(n_shown) {
            if work.abandoned.is_true() {
                break;
            }
            let file = file(&work, &shown[nth], context, explain);
            collected.lock().unwrap_or_else(PoisonError::into_inner).push((nth, file));
        }
    })
    .await;
    let mut done = std::mem::take(&mut *done.lock().unwrap_or_else(PoisonError::into_inner));
    done.sort_unstable_by_key(|(nth, _)| *nth);
    done.into_iter().map(|(_, file)| file).collect()
}

fn file(work: &Work, shown: &Shown, context: Context, explain: bool) -> FileMatch {
    let Found { wave, hit } = &shown.found;
    let candidates = wave.candidates(hit.unit);
    let file = work.opened.file(&candidates[0]);
    let content = hit.text.as_ref().map_or(Content::default(), Text::content);
    let mut lines = Vec::new();
    if shown.take > 0 {
        let wanted = shown.skip + shown.take;
        let of = |candidate: &Candidate| {
            let scope = &work.opened.targets[candidate.target as usize].target.scope;
            work.plan.evaluate(scope, work.opened.entry(candidate), content, wanted)
        };
        lines = candidates.iter().find_map(of).unwrap_or_default();
        lines.drain(..shown.skip.min(lines.len()));
    }
    let target = &work.opened.targets[candidates[0].target as usize].target;
    let refs = refs(work, candidates, shown);
    let around = |line: &LineMatch| around(content.text, line, context);
    FileMatch {
        repository: target.repository,
        repository_name: target.repository_name.clone(),
        commit: refs.first().map_or(target.refs[0].commit, |one| one.commit),
        refs: refs.into_iter().map(|one| one.name.clone()).collect(),
        path: file.path.to_vec(),
        class: file.class,
        language: file.language,
        score: explain.then(|| work.score(&candidates[0], hit.text.as_ref())),
        symbols: symbols(work, &candidates[0], &lines),
        around: if context == Context::default() { Vec::new() } else { lines.iter().map(around).collect() },
        lines,
    }
}

/// The symbols that are asked for and defined in these lines.
fn symbols(work: &Work, candidate: &Candidate, lines: &[LineMatch]) -> Vec<NameRow> {
    let of_lines = |row: &&NameRow| lines.binary_search_by_key(&u64::from(row.line), |line| line.line).is_ok();
    let mut symbols: Vec<NameRow> =
        work.plan.shown_symbols(work.opened.entry(candidate)).into_iter().filter(of_lines).cloned().collect();
    symbols.sort_by_key(|row| row.symbol);
    symbols.dedup_by_key(|row| row.symbol);
    symbols
}

/// The refs that have the file and for which it matches.
fn refs<'a>(work: &'a Work, candidates: &[Candidate], shown: &Shown) -> Vec<&'a TargetRef> {
    let mut refs = Vec::new();
    for candidate in candidates {
        let open = &work.opened.targets[candidate.target as usize];
        let entry = work.opened.entry(candidate);
        let text = shown.found.hit.text.as_ref();
        let matches = candidates.len() == 1
            || match work.plan.admits(&open.target.scope, entry, None) {
                Verdict::No => false,
                Verdict::Yes => true,
                Verdict::Read => {
                    text.is_some_and(|text| work.plan.count(&open.target.scope, entry, text.content()).is_some())
                }
            };
        let of = |nth: u32| &open.target.refs[nth as usize];
        match candidate.place {
            _ if !matches => {}
            Place::Base(entry) => refs.extend(open.layers.refs_of_base(entry).map(of)),
            Place::Layer(layer, _) => refs.extend(open.layers.refs_of(layer).iter().copied().map(of)),
        }
    }
    refs.sort_unstable_by_key(|one| one.nth);
    refs
}

/// The lines before and after a matching one.
fn around(content: &[u8], line: &LineMatch, context: Context) -> Around {
    let at = usize::try_from(line.byte_start).map_or(content.len(), |at| at.min(content.len()));
    let start = content[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut before: Vec<Vec<u8>> = match content[..start].strip_suffix(b"\n") {
        None => Vec::new(),
        Some(earlier) => earlier.rsplit(|byte| *byte == b'\n').take(context.before as usize).map(cut).collect(),
    };
    before.reverse();
    let end = content[start..].iter().position(|byte| *byte == b'\n').map_or(content.len(), |len| start + len + 1);
    let later = &content[end..];
    let later = later.strip_suffix(b"\n").unwrap_or(later);
    let after = later.split(|byte| *byte == b'\n').take(context.after as usize).map(cut);
    Around { before, after: if end < content.len() { after.collect() } else { Vec::new() } }
}

fn cut(line: &[u8]) -> Vec<u8> {
    line[..line.len().min(MAX_LINE_TEXT)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(byte_start: u64) -> LineMatch {
        LineMatch {
            line: 1,
            column: 1,
            byte_start,
            byte_end: byte_start + 1,
            text: Vec::new(),
            cut: false,
            ranges: Vec::new(),
        }
    }

    #[test]
    fn context_ends_where_the_file_does() {
        let content = b"a\nbb\n\nc\n";
        let of = |at: u64, before: u32, after: u32| {
            let Around { before, after } = around(content, &line(at), Context { before, after });
            let text = |lines: Vec<Vec<u8>>| lines.into_iter().map(|line| String::from_utf8(line).unwrap()).collect();
            (text(before), text(after))
        };
        let expected = |before: &[&str], after: &[&str]| -> (Vec<String>, Vec<String>) {
            (
                before.iter().map(|line| (*line).to_owned()).collect(),
                after.iter().map(|line| (*line).to_owned()).collect(),
            )
        };
        assert_eq!(of(0, 2, 1), expected(&[], &["bb"]));
        assert_eq!(of(3, 2, 9), expected(&["a"], &["", "c"]));
        assert_eq!(of(6, 2, 2), expected(&["bb", ""], &[]));
        assert_eq!(of(5, 0, 1), expected(&[], &["c"]));
        assert_eq!(around(b"x", &line(0), Context { before: 1, after: 1 }), Around::default());
    }
}
