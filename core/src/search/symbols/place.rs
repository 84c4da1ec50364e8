//! From a document to the files of refs that hold it.

use std::collections::HashMap;

use crate::query::{Entry, Plan, Verdict};
use crate::search::open::{Document, OpenTarget, Opened};
use crate::segment::{Class, DocId};
use crate::text::Language;

/// Where documents are.
#[derive(Debug)]
pub(super) struct Places<'a> {
    targets: Vec<Target<'a>>,
}

#[derive(Debug)]
struct Target<'a> {
    open: &'a OpenTarget,
    /// By segment, its number in the snapshot.
    numbers: HashMap<u32, usize>,
    /// By segment and document, the files of layers.
    own: HashMap<(u32, DocId), Vec<(u32, u32)>>,
}

/// A file that holds a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) open: &'a OpenTarget,
    pub(super) refs: &'a [u32],
    pub(super) path: &'a [u8],
    pub(super) class: Class,
    pub(super) language: Language,
}

impl<'a> Places<'a> {
    pub(super) fn new(opened: &'a Opened) -> Self {
        Self { targets: opened.targets.iter().map(Target::new).collect() }
    }

    /// Shows the files of a document (segment, number) that the plan admits.
    pub(super) fn each(&self, document: (u32, DocId), plan: &Plan, mut show: impl FnMut(Place<'_>)) {
        for target in &self.targets {
            let scope = &target.open.target.scope;
            target.each(document, &mut |place| {
                let entry = Entry::new(place.path, place.language);
                if plan.admits(scope, entry, None) == Verdict::Yes {
                    show(place);
                }
            });
        }
    }
}

impl<'a> Target<'a> {
    fn new(open: &'a OpenTarget) -> Self {
        let numbers = open.segments.iter().copied().zip(0..).collect();
        let mut own: HashMap<_, Vec<_>> = HashMap::new();
        for file in &open.own {
            if let Document::Stored(segment, doc) = file.document {
                own.entry((segment, doc)).or_default().push((file.layer, file.file));
            }
        }
        Self { open, numbers, own }
    }

    fn each(&self, document: (u32, DocId), show: &mut dyn FnMut(Place<'_>)) {
        let OpenTarget { snapshot, layers, .. } = self.open;
        if let Some(number) = self.numbers.get(&document.0) {
            let ranks = snapshot.ranks();
            ranks.each(*number, std::iter::once(document.1), |rank| {
                let number = ranks.entry(rank);
                let entry = snapshot.entry(number);
                let refs: Vec<u32> = layers.refs_of_base(number as u32).collect();
                if !refs.is_empty() {
                    let (path, class, language) = (entry.path, entry.class, entry.language);
                    show(Place { open: self.open, refs: &refs, path, class, language });
                }
            });
        }
        for &(layer, file) in self.own.get(&document).into_iter().flatten() {
            let refs = layers.refs_of(layer);
            let file = layers.layers[layer as usize].file(file);
            let (path, class, language) = (file.path, file.class, file.language);
            show(Place { open: self.open, refs, path, class, language });
        }
    }
}
