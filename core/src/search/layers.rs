//! What refs have beside the snapshot they share: deltas, and the overlay. The base is searched once for all of them; a
//! layer says which of its files it hides, and brings its own.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::overlay::Overlay;
use super::targets::Target;
use crate::segment::{Class, DocId};
use crate::store::{ObjectKey, Snapshot, SnapshotDelta};
use crate::text::Language;

/// A delta, and the entries of its base that it hides: found once.
#[derive(Debug)]
pub(super) struct OpenDelta {
    pub(super) delta: SnapshotDelta,
    hides: OnceLock<Box<[u32]>>,
}

/// A difference from the base that one or more refs of a target share.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// Indices into the target's refs, ascending.
    refs: Vec<u32>,
    delta: Option<Arc<OpenDelta>>,
    overlay: Option<Arc<Overlay>>,
}

/// A file of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerFile<'a> {
    pub(super) path: &'a [u8],
    pub(super) class: Class,
    pub(super) language: Language,
    pub(super) text: LayerText,
}

/// Where the text of a layer's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LayerText {
    /// Index into the delta's segments, and the document there.
    Stored(u32, DocId),
    /// Index into the overlay's files.
    Memory(u32),
}

/// All layers of a target, and what they hide.
#[derive(Clone, Debug, Default)]
pub(super) struct Layers {
    pub(super) layers: Vec<Layer>,
    /// Entry of the base and a layer that hides it, ascending.
    hidden: Vec<(u32, u32)>,
}

impl OpenDelta {
    pub(super) fn new(delta: SnapshotDelta) -> Self {
        Self { delta, hides: OnceLock::new() }
    }

    fn hides(&self, base: &Snapshot) -> &[u32] {
        let paths = || self.delta.removed.iter().chain(self.delta.entries.iter().map(|entry| &entry.path));
        self.hides.get_or_init(|| numbers(base, paths()).into())
    }
}

impl Layers {
    /// The layers of `target` over `base`. Deltas are given by name.
    pub(super) fn new(
        target: &Target,
        base: &Snapshot,
        deltas: &HashMap<ObjectKey, Arc<OpenDelta>>,
        overlay: Option<&Arc<Overlay>>,
    ) -> Self {
        let mut layers: Vec<Layer> = Vec::new();
        let mut known = HashMap::new();
        for (nth, one) in (0u32..).zip(&target.refs) {
            let at = *known.entry((one.delta, one.overlaid)).or_insert_with(|| {
                layers.push(Layer {
                    refs: Vec::new(),
                    delta: one.delta.and_then(|key| deltas.get(&key).cloned()),
                    overlay: overlay.filter(|_| one.overlaid).cloned(),
                });
                layers.len() - 1
            });
            layers[at].refs.push(nth);
        }
        let mut hidden = Vec::new();
        for (nth, layer) in (0..).zip(&layers) {
            hidden.extend(layer.hides(base).into_iter().map(|entry| (entry, nth)));
        }
        hidden.sort_unstable();
        hidden.dedup();
        Self { layers, hidden }
    }

    /// Whether any layer shows an entry of the base.
    pub(super) fn show(&self, entry: u32) -> bool {
        self.hidden.is_empty() || self.hiding(entry).len() < self.layers.len()
    }

    /// The refs (indices into the target's) that have an entry of the base.
    pub(super) fn refs_of_base(&self, entry: u32) -> impl Iterator<Item = u32> + '_ {
        let hiding = self.hiding(entry);
        let shows = move |nth: &u32| hiding.binary_search(&(entry, *nth)).is_err();
        (0..).zip(&self.layers).filter(move |(nth, _)| shows(nth)).flat_map(|(_, layer)| layer.refs.iter().copied())
    }

    /// The refs (indices into the target's) of a layer.
    pub(super) fn refs_of(&self, layer: u32) -> &[u32] {
        &self.layers[layer as usize].refs
    }

    fn hiding(&self, entry: u32) -> &[(u32, u32)] {
        let first = self.hidden.partition_point(|(other, _)| *other < entry);
        let n = self.hidden[first..].iter().take_while(|(other, _)| *other == entry).count();
        &self.hidden[first..first + n]
    }
}

impl Layer {
    /// Segments that its stored files are in.
    pub(super) fn segments(&self) -> &[ObjectKey] {
        self.delta.as_ref().map_or(&[], |open| &open.delta.segments)
    }

    /// Its own files: those of the delta that the overlay does not hide, then the overlay's. Each has a number that
    /// [`Layer::file`] takes.
    pub(super) fn files(&self) -> impl Iterator<Item = (u32, LayerFile<'_>)> {
        let stored = self.delta.as_ref().map_or(0, |open| open.delta.entries.len());
        let n = stored + self.overlay.as_ref().map_or(0, |overlay| overlay.files.len());
        let shown = move |nth: &usize| {
            let entry = self.delta.as_ref().and_then(|open| open.delta.entries.get(*nth));
            entry.is_none_or(|entry| !self.overlay.as_ref().is_some_and(|overlay| overlay.covers(&entry.path)))
        };
        (0..n).filter(shown).map(|nth| (nth as u32, self.file(nth as u32)))
    }

    /// The file of that number.
    pub(super) fn file(&self, nth: u32) -> LayerFile<'_> {
        let entries = self.delta.as_ref().map_or(&[][..], |open| &open.delta.entries);
        if let Some(entry) = entries.get(nth as usize) {
            let text = LayerText::Stored(entry.segment, entry.doc);
            return LayerFile { path: &entry.path, class: entry.class, language: entry.language, text };
        }
        let nth = nth - entries.len() as u32;
        let files = self.overlay.as_ref().map_or(&[][..], |overlay| &overlay.files);
        let file = &files[nth as usize];
        LayerFile { path: &file.path, class: file.class, language: file.language, text: LayerText::Memory(nth) }
    }

    fn hides(&self, base: &Snapshot) -> Vec<u32> {
        let mut hides = self.delta.as_ref().map_or_else(Vec::new, |open| open.hides(base).to_vec());
        if let Some(overlay) = &self.overlay {
            hides.extend(numbers(base, overlay.removed.iter().chain(overlay.files.iter().map(|file| &file.path))));
        }
        hides
    }
}

fn numbers<'a>(base: &Snapshot, paths: impl Iterator<Item = &'a Vec<u8>>) -> Vec<u32> {
    paths.filter_map(|path| base.find(path)).map(|entry| entry as u32).collect()
}
