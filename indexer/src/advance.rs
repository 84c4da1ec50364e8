//! From the tips that HEAD holds to the next ones: makes the default tip whole, keeps what refs have left, writes the
//! refs object, and swaps HEAD. The last step of a job and of a local run.

use std::collections::BTreeMap;

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, Root, Store, Tip};

use crate::error::IndexError;
use crate::halt::Halt;
use crate::layers::{Bases, Layer};
use crate::pipeline::Made;
use crate::publish::{self, Publication};
use crate::summary::Summary;
use crate::tips::Tips;
use crate::{fail_point, retention, upload};

/// What a step starts from.
#[derive(Clone, Copy, Debug)]
pub struct Advance<'a> {
    /// Where objects go.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// Which repository.
    pub repository: RepositoryId,
    /// Fence of the claim.
    pub fence: u64,
    /// What HEAD held when the run began.
    pub before: &'a Tips,
    /// Whether what HEAD held may be mixed with what was made; otherwise the history ends here.
    pub usable: bool,
    /// Most bytes of all segments of the tenant; `None`: any number.
    pub most_bytes: Option<u64>,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Tells to stop.
    pub halt: &'a Halt,
}

impl Advance<'_> {
    /// Publishes `after`, which names tips and default only; the root, and what it took.
    pub async fn publish(&self, after: Tips, made: Made) -> Result<(Root, Summary), IndexError> {
        self.publish_laid(after, made, 0).await
    }

    /// The same, with the snapshots of so many other refs laid on the default one's, where they are on another base: so that
    /// few bases are read and kept at hand.
    pub async fn publish_laid(
        &self,
        mut after: Tips,
        mut made: Made,
        most: usize,
    ) -> Result<(Root, Summary), IndexError> {
        made.summary.refs = after.by_name.len() as u64;
        self.make_default_whole(&mut after, &mut made).await?;
        self.lay_on_default(&mut after, &mut made, most).await?;
        if self.usable {
            after.history = retention::history(self.before, &after, self.now_ms);
            self.thin(&mut after, &mut made).await?;
        }
        after.segments = self.segments(&after, &made).await?;
        after.refs = self.upload_refs(&after, &mut made.summary).await?;
        let publication = Publication {
            tenant: self.tenant,
            repository: self.repository,
            fence: self.fence,
            before: self.before.clone(),
            after,
            new_segments: std::mem::take(&mut made.segments),
            docs: std::mem::take(&mut made.docs),
            most_bytes: self.most_bytes,
            now_ms: self.now_ms,
        };
        fail_point::hit("publish.start");
        let root = publish::publish(self.store, &publication, self.halt).await?;
        made.summary.root_version = root.version;
        Ok((root, made.summary))
    }

    /// A default tip is whole for readers that know no deltas, and so that other refs can be deltas on it. Refs at its
    /// commit share its snapshot.
    async fn make_default_whole(&self, after: &mut Tips, made: &mut Made) -> Result<(), IndexError> {
        let Some(tip) = after.default_tip().cloned() else { return Ok(()) };
        let mut snapshot = tip.snapshot;
        if tip.base.is_some() {
            let whole = self.store.snapshot(self.tenant, &tip).await?;
            let (key, bytes) = upload::snapshot(self.store, self.tenant, &whole).await?;
            made.summary.bytes_written += bytes;
            made.others.insert(key, whole.segments);
            snapshot = key;
        }
        for other in after.by_name.values_mut().filter(|other| other.commit == tip.commit) {
            (other.snapshot, other.base) = (snapshot, None);
        }
        Ok(())
    }

    /// Lays the snapshots of other refs on the default one's, where little differs.
    async fn lay_on_default(&self, after: &mut Tips, made: &mut Made, most: usize) -> Result<(), IndexError> {
        let Some(base) = after.default_tip().map(|tip| tip.snapshot) else { return Ok(()) };
        let others = after.by_name.values_mut().filter(|tip| tip.whole_snapshot() != base);
        let others: Vec<&mut Tip> = others.take(most).collect();
        if others.is_empty() {
            return Ok(());
        }
        let mut bases = Bases::default();
        bases.add(base, self.store.whole_snapshot(self.tenant, base).await?, true);
        for tip in others {
            let snapshot = self.store.snapshot(self.tenant, tip).await?;
            if let Layer::Delta(delta) = bases.layer(&snapshot) {
                let (key, bytes) = upload::delta(self.store, self.tenant, &delta).await?;
                made.summary.bytes_written += bytes;
                (tip.snapshot, tip.base) = (key, Some(base));
                made.others.insert(key, delta.segments);
            }
        }
        Ok(())
    }

    /// What the default ref has just left is whole. Where nothing differs from it, it becomes a delta on the base that
    /// its history has already.
    async fn thin(&self, after: &mut Tips, made: &mut Made) -> Result<(), IndexError> {
        let Some(name) = &after.default else { return Ok(()) };
        let mut own = after.history.iter().enumerate().filter(|(_, one)| one.tip.ref_name == *name);
        let (Some((nth, newest)), Some((_, older))) = (own.next(), own.next()) else { return Ok(()) };
        let base = older.tip.base.unwrap_or(older.tip.snapshot);
        let whole = newest.tip.snapshot;
        let is_used = |tip: &Tip| tip.base == Some(whole) || tip.snapshot == whole;
        let others = after.history.iter().enumerate().filter(|(other, _)| *other != nth).map(|(_, one)| &one.tip);
        if newest.tip.base.is_some() || base == whole || after.by_name.values().chain(others).any(is_used) {
            return Ok(());
        }
        let mut bases = Bases::default();
        bases.add(base, self.store.whole_snapshot(self.tenant, base).await?, true);
        let snapshot = self.store.whole_snapshot(self.tenant, whole).await?;
        if let Layer::Delta(delta) = bases.layer(&snapshot) {
            let (key, bytes) = upload::delta(self.store, self.tenant, &delta).await?;
            made.summary.bytes_written += bytes;
            let tip = &mut after.history[nth].tip;
            (tip.snapshot, tip.base) = (key, Some(base));
            made.others.insert(key, delta.segments);
        }
        Ok(())
    }

    /// The segments of every snapshot object that is named, without reading those that did not move.
    async fn segments(&self, after: &Tips, made: &Made) -> Result<BTreeMap<ObjectKey, Vec<ObjectKey>>, IndexError> {
        let fresh: BTreeMap<ObjectKey, &Vec<ObjectKey>> = made.named().collect();
        let mut segments = BTreeMap::new();
        for (snapshot, base) in after.named().map(|tip| (tip.snapshot, tip.base)) {
            for (key, is_delta) in [(Some(snapshot), base.is_some()), (base, false)] {
                let Some(key) = key.filter(|key| !segments.contains_key(key)) else { continue };
                let known = fresh.get(&key).copied().or_else(|| self.before.segments.get(&key)).cloned();
                let named = match known {
                    Some(named) => named,
                    None if is_delta => self.store.delta(self.tenant, key).await?.segments,
                    None => self.store.whole_snapshot(self.tenant, key).await?.segments,
                };
                segments.insert(key, named);
            }
        }
        Ok(segments)
    }

    /// The refs object, where there is something to say in it that HEAD does not say.
    async fn upload_refs(&self, after: &Tips, summary: &mut Summary) -> Result<Option<ObjectKey>, IndexError> {
        let refs = after.others();
        let key = if refs.tips.is_empty() && refs.history.is_empty() {
            None
        } else if self.before.refs.is_some() && refs == self.before.others() {
            self.before.refs
        } else {
            let (key, bytes) = upload::refs(self.store, self.tenant, &refs).await?;
            summary.bytes_written += bytes;
            Some(key)
        };
        fail_point::hit("upload.refs");
        Ok(key)
    }
}
