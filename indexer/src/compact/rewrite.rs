//! Puts the outputs of a merge in the place of its inputs: in every snapshot that names one, in the refs objects, and in
//! HEAD, by one swap. Whoever publishes meanwhile is waited for, not overwritten.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kotadb_core::id::RepositoryId;
use kotadb_core::segment::DocId;
use kotadb_core::store::{ObjectKey, RepositoryEntry, Root, SegmentEntry};

use super::Compaction;
use super::inputs::{self, Inputs};
use super::object::{Object, Place};
use crate::error::IndexError;
use crate::publish::{self, Docs};
use crate::tips::Tips;
use crate::{fail_point, upload};

/// How often others may overtake before the merge is given up.
const MOST_TRIES: usize = 16;

/// The rewriting of one merge.
pub struct Rewriter<'a> {
    compaction: &'a Compaction<'a>,
    inputs: &'a Inputs,
    keys: Vec<ObjectKey>,
    outputs: &'a [SegmentEntry],
    /// Where each place of the order is now.
    places: Vec<(ObjectKey, DocId)>,
    /// Snapshot objects rewritten so far.
    written: HashMap<ObjectKey, Written>,
}

/// A snapshot object that was rewritten.
struct Written {
    key: ObjectKey,
    segments: Vec<ObjectKey>,
    /// Where the documents are that it names.
    docs: Docs,
}

/// A repository before and after.
struct Rewritten {
    before: Tips,
    after: Tips,
    /// Where the documents are that rewritten snapshots name.
    docs: Docs,
}

impl<'a> Rewriter<'a> {
    /// `outputs` are the segments that the order was cut into.
    pub fn new(compaction: &'a Compaction<'a>, inputs: &'a Inputs, outputs: &'a [SegmentEntry]) -> Self {
        let places = outputs.iter().flat_map(|output| (0..output.n_docs).map(|doc| (output.key, doc))).collect();
        let keys = inputs.segments.iter().map(|input| input.entry.key).collect();
        Self { compaction, inputs, keys, outputs, places, written: HashMap::new() }
    }

    /// Swaps HEAD; `false`: given up.
    pub async fn publish(&mut self) -> Result<bool, IndexError> {
        let mut known: BTreeMap<RepositoryId, Tips> = self.inputs.repositories.clone();
        for _ in 0..MOST_TRIES {
            self.compaction.halt.check()?;
            let mut rewritten = BTreeMap::new();
            for (id, before) in known {
                let Some((after, docs)) = self.repository(&before).await? else { return Ok(false) };
                rewritten.insert(id, Rewritten { before, after, docs });
            }
            fail_point::hit("compact.rewritten");
            let (store, tenant) = (self.compaction.store, self.compaction.tenant);
            match store.update_head(tenant, |root| self.apply(root, &rewritten)).await {
                Ok(_) => return Ok(true),
                Err(IndexError::HeldGone) => {}
                Err(error) => return Err(error),
            }
            let (root, _) = store.head(tenant).await?;
            if !self.is_there(&root) {
                return Ok(false);
            }
            known = BTreeMap::new();
            for id in inputs::naming(&root, &self.keys) {
                known.insert(id, Tips::load(store, tenant, &root, id).await?);
            }
        }
        Ok(false)
    }

    fn is_there(&self, root: &Root) -> bool {
        let table: BTreeSet<ObjectKey> = root.segments.iter().map(|segment| segment.key).collect();
        self.keys.iter().all(|key| table.contains(key))
    }

    /// The tips with every snapshot rewritten that names an input; `None`: one names a document that was dead.
    async fn repository(&mut self, before: &Tips) -> Result<Option<(Tips, Docs)>, IndexError> {
        let mut after = before.clone();
        let mut bases: HashMap<ObjectKey, ObjectKey> = HashMap::new();
        let snapshots = before.snapshots();
        for key in snapshots.into_iter().filter(|(_, is_delta)| !is_delta).map(|(key, _)| key) {
            if !self.names_input(before, key) {
                continue;
            }
            let Some(new) = self.object(key, None).await? else { return Ok(None) };
            bases.insert(key, new);
        }
        let mut moved = bases.clone();
        for tip in before.named() {
            let Some(base) = tip.base.filter(|_| !moved.contains_key(&tip.snapshot)) else { continue };
            if bases.contains_key(&base) || self.names_input(before, tip.snapshot) {
                let Some(new) = self.object(tip.snapshot, bases.get(&base).copied().or(Some(base))).await? else {
                    return Ok(None);
                };
                moved.insert(tip.snapshot, new);
            }
        }
        let renamed = |key: ObjectKey| moved.get(&key).copied().unwrap_or(key);
        let history = after.history.iter_mut().map(|one| &mut one.tip);
        for tip in after.by_name.values_mut().chain(history) {
            (tip.snapshot, tip.base) = (renamed(tip.snapshot), tip.base.map(renamed));
        }
        let mut docs = Docs::new();
        for (old, new) in &moved {
            let written = &self.written[old];
            after.segments.remove(old);
            after.segments.insert(*new, written.segments.clone());
            publish::unite_docs(&mut docs, written.docs.iter().map(|(segment, docs)| (*segment, docs.clone())));
        }
        after.refs = self.refs(before, &after).await?;
        Ok(Some((after, docs)))
    }

    fn names_input(&self, tips: &Tips, key: ObjectKey) -> bool {
        tips.segments.get(&key).is_some_and(|named| named.iter().any(|segment| self.keys.contains(segment)))
    }

    /// Writes a snapshot object anew, once.
    async fn object(&mut self, key: ObjectKey, base: Option<ObjectKey>) -> Result<Option<ObjectKey>, IndexError> {
        if let Some(written) = self.written.get(&key) {
            return Ok(Some(written.key));
        }
        let (store, tenant) = (self.compaction.store, self.compaction.tenant);
        let object = Object::read(store, tenant, key, base.is_some()).await?;
        let Some(moved) = object.moved(base, |place| self.place(place)) else { return Ok(None) };
        let (new, _) = match &moved {
            Object::Whole(snapshot) => upload::snapshot(store, tenant, snapshot).await?,
            Object::Delta(delta) => upload::delta(store, tenant, delta).await?,
        };
        let (mut docs, mut places) = (Docs::new(), Vec::new());
        moved.each(|place, _, _| places.push(place));
        publish::add_docs(&mut docs, places.into_iter());
        self.written.insert(key, Written { key: new, segments: moved.segments().to_vec(), docs });
        Ok(Some(new))
    }

    fn place(&self, place: Place) -> Option<Place> {
        if !self.keys.contains(&place.0) {
            return Some(place);
        }
        self.inputs.places.get(&place).and_then(|nth| self.places.get(*nth)).copied()
    }

    async fn refs(&self, before: &Tips, after: &Tips) -> Result<Option<ObjectKey>, IndexError> {
        let refs = after.others();
        if before.refs.is_none() || refs == before.others() {
            return Ok(before.refs);
        }
        Ok(Some(upload::refs(self.compaction.store, self.compaction.tenant, &refs).await?.0))
    }

    /// Nothing is changed where a repository is no longer what was rewritten, or another one names an input.
    fn apply(&self, root: &mut Root, rewritten: &BTreeMap<RepositoryId, Rewritten>) -> Result<bool, IndexError> {
        self.compaction.halt.check()?;
        let unchanged = |id: &RepositoryId| {
            let (Some(one), Some(entry)) = (rewritten.get(id), root.repositories.get(id)) else { return false };
            (entry.default.as_ref(), entry.refs) == (one.before.default_tip(), one.before.refs)
        };
        let naming = inputs::naming(root, &self.keys);
        if !self.is_there(root) || naming.len() != rewritten.len() || !naming.iter().all(unchanged) {
            return Err(IndexError::HeldGone);
        }
        publish::add_segments(root, self.outputs);
        if self.has_lost(rewritten) {
            self.trace(root);
        }
        let mut gone = BTreeSet::new();
        for (id, Rewritten { before, after, docs }) in rewritten {
            let segments = publish::indices(root, &after.segments.values().flatten().copied().collect())?;
            let known = root.repositories.get(id).cloned().unwrap_or_default();
            let docs = publish::docs(root, &known, &segments, docs);
            let of_default = publish::of_default(root, after, &segments);
            let (default, refs, past) = (after.default_tip().cloned(), after.refs, publish::past(&known, &segments));
            let entry = RepositoryEntry { default, refs, segments, docs, of_default, past, ..known };
            root.repositories.insert(*id, entry);
            gone.extend(before.objects().difference(&after.objects()));
        }
        publish::settle(root, gone.into_iter(), self.compaction.now_ms);
        Ok(true)
    }

    /// Whether a snapshot went since the inputs were read: what it alone named lives on in the outputs, and is dead there.
    fn has_lost(&self, rewritten: &BTreeMap<RepositoryId, Rewritten>) -> bool {
        let named = |tips: &Tips| -> Vec<ObjectKey> {
            tips.snapshots().into_keys().filter(|key| self.names_input(tips, *key)).collect()
        };
        let now: BTreeSet<ObjectKey> = rewritten.values().flat_map(|one| named(&one.before)).collect();
        !self.inputs.repositories.values().flat_map(named).all(|key| now.contains(&key))
    }

    /// What is dead in the outputs is looked for where the inputs were: an output is to be purged as an input is, and is
    /// a past segment of every repository that had or has an input.
    fn trace(&self, root: &mut Root) {
        let numbers = |is_it: &dyn Fn(&ObjectKey) -> bool| {
            let found = root.segments.iter().zip(0..).filter(|(segment, _)| is_it(&segment.key));
            found.map(|(_, nth)| nth).collect::<BTreeSet<u32>>()
        };
        let outputs: BTreeSet<ObjectKey> = self.outputs.iter().map(|output| output.key).collect();
        let (from, to) = (numbers(&|key| self.keys.contains(key)), numbers(&|key| outputs.contains(key)));
        for entry in root.repositories.values_mut() {
            if entry.all_segments().any(|nth| from.contains(&nth)) {
                entry.past =
                    to.iter().copied().chain(entry.past.iter().copied()).collect::<BTreeSet<_>>().into_iter().collect();
            }
        }
        if self.keys.iter().any(|key| root.purge.contains(key)) {
            root.purge.extend(outputs);
        }
    }
}
