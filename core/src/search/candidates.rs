//! The files that may match, lazily, in static order: class, then repository, then path. Where several refs have the same
//! text under the same path, their candidates follow each other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::cursor::Passed;
use super::open::{Document, OpenTarget, Opened, OwnFile};
use super::rank_set::RankSet;
use crate::query::{Entry, Plan};
use crate::segment::Class;
use crate::text::Language;

/// All paths are looked at together where at least one of so many is a candidate's.
const WHOLE_SHARE: usize = 16;

/// A file that may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Index of its target.
    pub(super) target: u32,
    pub(super) place: Place,
    pub(super) document: Document,
}

/// Which file of a target it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The number of an entry of the base.
    Base(u32),
    /// A layer, and the number of a file in it.
    Layer(u32, u32),
}

/// What is known of a file without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct File<'a> {
    pub(super) path: &'a [u8],
    pub(super) class: Class,
    pub(super) language: Language,
}

/// The candidates of some classes.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    opened: &'a Opened,
    /// Classes still to come.
    classes: std::slice::Iter<'a, Class>,
    class: Class,
    /// First target after the current repository.
    later: usize,
    /// Where to begin in the first run.
    after: Option<Passed>,
    /// Runs of the current class and repository, by the path of their first file.
    runs: Vec<Run<'a>>,
    /// Where there are several runs: their first files.
    heads: BinaryHeap<Reverse<Head<'a>>>,
}

/// Files of one target in path order: those of its base, or those of its layers.
#[derive(Debug)]
enum Run<'a> {
    Base { nth: u32, open: &'a OpenTarget, within: Range<usize> },
    Own { nth: u32, files: std::slice::Iter<'a, OwnFile> },
}

/// The first file of a run. Equal texts under one path are neighbours.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head<'a> {
    path: &'a [u8],
    document: Document,
    run: usize,
    candidate: ByPlace,
}

/// A candidate that takes no part in the order.
#[derive(Debug)]
struct ByPlace(Candidate);

impl PartialEq for ByPlace {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ByPlace {}

impl PartialOrd for ByPlace {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByPlace {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}

impl Opened {
    /// What is known of a candidate without its content.
    pub(super) fn file(&self, candidate: &Candidate) -> File<'_> {
        let open = &self.targets[candidate.target as usize];
        match candidate.place {
            Place::Base(entry) => {
                let entry = open.snapshot.entry(entry as usize);
                File { path: entry.path, class: entry.class, language: entry.language }
            }
            Place::Layer(layer, file) => {
                let file = open.layers.layers[layer as usize].file(file);
                File { path: file.path, class: file.class, language: file.language }
            }
        }
    }

    /// The same as a plan asks for it.
    pub(super) fn entry(&self, candidate: &Candidate) -> Entry<'_> {
        let File { path, language, .. } = self.file(candidate);
        Entry { path, language, defined: self.defined(candidate.document) }
    }

    /// Where a candidate is in static order.
    pub(super) fn passed(&self, candidate: &Candidate) -> Passed {
        let file = self.file(candidate);
        let nth_repository = self.targets[candidate.target as usize].target.nth_repository;
        Passed { class: file.class, nth_repository, path: file.path.to_vec() }
    }

    /// Length of a text in bytes.
    pub(super) fn text_len(&self, document: Document) -> u64 {
        match document {
            Document::Stored(segment, doc) => self.segments[segment as usize].segment.text_len(doc),
            Document::Memory(file) => {
                let files = self.overlay.as_ref().map_or(&[][..], |overlay| &overlay.files);
                files.get(file as usize).map_or(0, |file| file.content.len() as u64)
            }
        }
    }
}

impl Opened {
    /// Rules out files by what a look at each by itself would be too dear for.
    pub(super) fn narrow(&mut self, plan: &Plan) {
        let mut targets = std::mem::take(&mut self.targets);
        for open in &mut targets {
            open.narrow(plan);
            if let Some(names) = plan.required_symbols(&open.target.scope) {
                open.keep_defining(self, &names);
            }
        }
        self.targets = targets;
    }
}

impl OpenTarget {
    /// Keeps the files that define one of some names.
    fn keep_defining(&mut self, opened: &Opened, names: &[usize]) {
        let mut defining = RankSet::new(self.snapshot.len());
        for (nth, segment) in self.segments.iter().enumerate() {
            let by_name = &opened.definitions[*segment as usize].by_name;
            let rows = names.iter().filter_map(|name| by_name.get(*name)).flat_map(|rows| rows.iter());
            self.snapshot.ranks().each(nth, rows.map(|row| row.doc), |rank| defining.insert(rank));
        }
        self.found.retain(|rank| defining.contains(rank));
        self.own.retain(|file| names.iter().any(|name| !opened.defined(file.document).of(*name).is_empty()));
    }

    /// Rules out files of the base by a literal that their path must hold, where one look at all paths is worth it.
    fn narrow(&mut self, plan: &Plan) {
        let Some(literal) = plan.path_literal(&self.target.scope) else { return };
        if self.found.len() < self.snapshot.len() / WHOLE_SHARE {
            return;
        }
        let mut held = RankSet::new(self.snapshot.len());
        self.snapshot.each_path_with(literal, |entry| held.insert(entry));
        let ranks = self.snapshot.ranks();
        self.found.retain(|rank| held.contains(ranks.entry(rank)));
    }
}

impl<'a> Candidates<'a> {
    /// The candidates of `classes`, which must ascend.
    pub(super) fn new(opened: &'a Opened, classes: &'a [Class]) -> Self {
        let mut classes = classes.iter();
        let class = classes.next().copied();
        let later = if class.is_some() { 0 } else { opened.targets.len() };
        let class = class.unwrap_or(Class::Source);
        Self { opened, classes, class, later, after: None, runs: Vec::new(), heads: BinaryHeap::new() }
    }

    /// Those that come after a file, whether or not that is a candidate.
    pub(super) fn after(mut self, file: Option<&Passed>) -> Self {
        let Some(file) = file else { return self };
        while self.class < file.class {
            match self.classes.next() {
                Some(class) => self.class = *class,
                None => (self.class, self.later) = (file.class, self.opened.targets.len()),
            }
        }
        if self.class == file.class {
            let before = |open: &OpenTarget| open.target.nth_repository < file.nth_repository;
            self.later = self.opened.targets.partition_point(before);
            self.after = Some(file.clone());
        }
        self
    }

    /// The next from the only run, or from the one whose first path is the least.
    fn of_repository(&mut self) -> Option<Candidate> {
        if let [only] = &mut self.runs[..] {
            return only.next();
        }
        let Reverse(head) = self.heads.pop()?;
        self.push_head(head.run);
        Some(head.candidate.0)
    }

    fn push_head(&mut self, run: usize) {
        let Some(candidate) = self.runs[run].next() else { return };
        let path = self.opened.file(&candidate).path;
        self.heads.push(Reverse(Head { path, document: candidate.document, run, candidate: ByPlace(candidate) }));
    }

    /// Starts the next repository, or the next class with the first one. Whether there is one.
    fn advance(&mut self) -> bool {
        if self.later == self.opened.targets.len() {
            let Some(class) = self.classes.next() else { return false };
            (self.class, self.later) = (*class, 0);
        }
        let targets = &self.opened.targets[self.later..];
        let Some(first) = targets.first() else { return !self.classes.as_slice().is_empty() };
        let nth_repository = first.target.nth_repository;
        let same = targets.iter().take_while(|open| open.target.nth_repository == nth_repository).count();
        self.runs.clear();
        for (nth, open) in (self.later as u32..).zip(&targets[..same]) {
            let mut within = open.snapshot.ranks().of_class(self.class);
            let mut own = &open.own[..];
            if let Some(after) = self.after.as_ref().filter(|after| after.nth_repository == nth_repository) {
                within.start += open.passed(within.clone(), &after.path);
                own = &own[own.partition_point(|one| (one.class, open.own_path(one)) <= (after.class, &after.path))..];
            }
            if open.found.first(within.clone()).is_some() {
                self.runs.push(Run::Base { nth, open, within });
            }
            let start = own.partition_point(|file| file.class < self.class);
            let end = own.partition_point(|file| file.class <= self.class);
            if start < end {
                self.runs.push(Run::Own { nth, files: own[start..end].iter() });
            }
        }
        self.later += same;
        self.after = None;
        if self.runs.len() > 1 {
            (0..self.runs.len()).for_each(|run| self.push_head(run));
        }
        true
    }
}

impl Iterator for Candidates<'_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        loop {
            if let Some(candidate) = self.of_repository() {
                return Some(candidate);
            }
            if !self.advance() {
                return None;
            }
        }
    }
}

impl Iterator for Run<'_> {
    type Item = Candidate;

    fn next(&mut self) -> Option<Candidate> {
        match self {
            Self::Base { nth, open, within } => loop {
                let rank = open.found.first(within.clone())?;
                within.start = rank + 1;
                let entry = open.snapshot.ranks().entry(rank);
                if open.layers.show(entry as u32) {
                    let document = open.document(entry);
                    return Some(Candidate { target: *nth, place: Place::Base(entry as u32), document });
                }
            },
            Self::Own { nth, files } => files.next().map(|file| Candidate {
                target: *nth,
                place: Place::Layer(file.layer, file.file),
                document: file.document,
            }),
        }
    }
}
