//! What a query is asked of: refs of visible repositories for which anything of it is left. Refs that share a whole
//! snapshot are one target, however many they are.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future;

use super::reader::{Reader, WHOLE_SEGMENT};
use super::request::{SearchRequest, Visible};
use crate::id::{ObjectId, RepositoryId};
use crate::query::{Plan, Scope};
use crate::store::{ObjectKey, Refs, RepositoryEntry, Root, SegmentEntry, StoreError, Tip};

/// Most large segments that are opened while nobody knows which of them the named refs touch. A repository touches no more,
/// unless two of them have no room in one: compaction sees to that.
pub const AHEAD: usize = 32;

/// A whole snapshot and the refs that are answered from it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Targets of one repository have the same number and follow each other.
    pub(super) nth_repository: u32,
    pub(super) repository: RepositoryId,
    pub(super) repository_name: String,
    /// The whole snapshot.
    pub(super) base: ObjectKey,
    /// What the query leaves for each of the refs.
    pub(super) scope: Arc<Scope>,
    /// At least one; the default one first, then by name.
    pub(super) refs: Vec<TargetRef>,
    /// Indices of the segments of the repository in the root's table.
    pub(super) segments: Vec<u32>,
    /// Those of them that the snapshot and the deltas of `refs` name; `None`: nobody says.
    pub(super) named: Option<Vec<u32>>,
}

/// A ref of a [`Target`].
#[derive(Clone, Debug)]
pub(super) struct TargetRef {
    /// Place among the tips of the repository: the default one is the first.
    pub(super) nth: u32,
    /// Full name.
    pub(super) name: String,
    pub(super) commit: ObjectId,
    /// What its files are beside the base's; `None`: the same.
    pub(super) delta: Option<ObjectKey>,
    /// Whether the overlay of the request lies over it.
    pub(super) overlaid: bool,
}

impl Target {
    /// The segments to open before its snapshot is there.
    pub(super) fn likely(&self) -> &[u32] {
        self.named.as_deref().unwrap_or(&self.segments)
    }
}

/// The targets, by repository name.
pub(super) async fn select(
    reader: &Reader<'_>,
    root: &Root,
    plan: &Plan,
    request: &SearchRequest,
) -> Result<Vec<Target>, StoreError> {
    let mut known: Vec<(&Visible, &RepositoryEntry)> = request
        .visible
        .iter()
        .filter_map(|repository| Some((repository, root.repositories.get(&repository.id)?)))
        .collect();
    known.sort_by(|(a, _), (b, _)| (&a.name, a.id).cmp(&(&b.name, b.id)));
    known.dedup_by_key(|(repository, _)| repository.id);
    let refs = future::try_join_all(known.iter().map(|(_, entry)| other_refs(reader, plan, entry)));
    let tails = open_ahead(reader, root, plan, known.iter().map(|(_, entry)| *entry));
    let (refs, ()) = reader.wave(future::try_join(refs, tails)).await?;
    let mut targets = Vec::new();
    for (nth_repository, ((repository, entry), refs)) in (0..).zip(known.into_iter().zip(refs)) {
        let others = refs.iter().flat_map(|refs| refs.tips.iter());
        let of = Of { nth_repository, repository, entry, request };
        of.add(&mut targets, plan, entry.default.iter().chain(others));
        of.add_commits(&mut targets, plan, refs.as_deref());
        let own = targets.iter_mut().rev().take_while(|target| target.nth_repository == nth_repository);
        own.for_each(|target| target.named = named(root, entry, refs.as_deref(), target));
    }
    Ok(targets)
}

/// Which segments the objects of a target name, as far as the root and the refs object tell.
fn named(root: &Root, entry: &RepositoryEntry, refs: Option<&Refs>, target: &Target) -> Option<Vec<u32>> {
    if entry.refs.is_none() {
        return Some(entry.segments.clone());
    }
    let default = entry.default.as_ref().filter(|tip| tip.base.is_none() && !entry.of_default.is_empty());
    let mut places = BTreeSet::new();
    for key in target.refs.iter().filter_map(|one| one.delta).chain([target.base]) {
        if let Some(keys) = refs.and_then(|refs| refs.segments.get(&key)) {
            let is_named = |at: &u32| root.segments.get(*at as usize).is_some_and(|one| keys.contains(&one.key));
            places.extend(entry.segments.iter().copied().filter(is_named));
        } else if default.is_some_and(|tip| tip.snapshot == key) {
            places.extend(entry.of_default.iter().filter_map(|place| entry.segments.get(*place as usize)));
        } else {
            return None;
        }
    }
    Some(places.into_iter().collect())
}

/// Where refs are named, which segments they touch is known from the refs objects alone. Where there are few large segments,
/// all of these are opened meanwhile, which saves a wave; small ones are read whole and save none.
async fn open_ahead(
    reader: &Reader<'_>,
    root: &Root,
    plan: &Plan,
    known: impl Iterator<Item = &RepositoryEntry>,
) -> Result<(), StoreError> {
    if !plan.names_refs() || reader.store.is_near() {
        return Ok(());
    }
    let large = |at: &u32| root.segments.get(*at as usize).filter(|entry| entry.bytes > WHOLE_SEGMENT);
    let segments = known.flat_map(|entry| &entry.segments).copied().collect::<BTreeSet<u32>>();
    let large: Vec<&SegmentEntry> = segments.iter().filter_map(large).take(AHEAD + 1).collect();
    if large.len() > AHEAD { Ok(()) } else { reader.open_ahead(large.into_iter()).await }
}

async fn other_refs(
    reader: &Reader<'_>,
    plan: &Plan,
    entry: &RepositoryEntry,
) -> Result<Option<Arc<Refs>>, StoreError> {
    match entry.refs {
        Some(key) if plan.names_refs() => reader.refs(key).await.map(Some),
        _ => Ok(None),
    }
}

/// A repository whose targets are made.
struct Of<'a> {
    nth_repository: u32,
    repository: &'a Visible,
    entry: &'a RepositoryEntry,
    request: &'a SearchRequest,
}

impl Of<'_> {
    fn add<'t>(&self, targets: &mut Vec<Target>, plan: &Plan, tips: impl Iterator<Item = &'t Tip>) {
        let mut by_base: HashMap<ObjectKey, Vec<usize>> = HashMap::new();
        for (nth, tip) in (0..).zip(tips) {
            if self.repository.hidden.contains(&tip.commit) {
                continue;
            }
            let is_default = self.entry.default.as_ref() == Some(tip);
            let Some(scope) = plan.scope(&self.repository.name, &tip.ref_name, is_default) else { continue };
            let same_base = by_base.entry(tip.whole_snapshot()).or_default();
            match same_base.iter().find(|at| *targets[**at].scope == scope) {
                Some(at) => targets[*at].refs.push(self.target_ref(nth, tip)),
                None => {
                    same_base.push(targets.len());
                    let refs = vec![self.target_ref(nth, tip)];
                    targets.push(self.target(tip, scope, refs));
                }
            }
        }
    }

    /// Commits that the query names, be they tips or what refs have left. A prefix must mean one commit only.
    fn add_commits(&self, targets: &mut Vec<Target>, plan: &Plan, refs: Option<&Refs>) {
        let tips = refs.iter().flat_map(|refs| refs.tips.iter().chain(refs.history.iter().map(|one| &one.tip)));
        let tips: Vec<&Tip> = self.entry.default.iter().chain(tips).collect();
        for asked in self.request.query.plain_refs().into_iter().filter(|asked| is_commit_prefix(asked)) {
            let meant = |tip: &&&Tip| tip.commit.to_string().starts_with(asked);
            let mut found = tips.iter().filter(meant).filter(|tip| !self.repository.hidden.contains(&tip.commit));
            let Some(tip) = found.next().filter(|first| found.all(|other| other.commit == first.commit)) else {
                continue;
            };
            let Some(scope) = plan.scope(&self.repository.name, asked, false) else { continue };
            // Numbered behind every ref, so that no two of a repository have one number.
            let nth = u32::try_from(tips.len() + targets.len()).unwrap_or(u32::MAX);
            let commit = TargetRef { name: tip.commit.to_string(), overlaid: false, ..self.target_ref(nth, tip) };
            targets.push(self.target(tip, scope, vec![commit]));
        }
    }

    fn target(&self, tip: &Tip, scope: Scope, refs: Vec<TargetRef>) -> Target {
        Target {
            nth_repository: self.nth_repository,
            repository: self.repository.id,
            repository_name: self.repository.name.clone(),
            base: tip.whole_snapshot(),
            scope: Arc::new(scope),
            refs,
            segments: self.entry.segments.clone(),
            named: None,
        }
    }

    fn target_ref(&self, nth: u32, tip: &Tip) -> TargetRef {
        let lies_over = self
            .request
            .overlay
            .as_ref()
            .is_some_and(|overlay| overlay.repository == self.repository.id && overlay.ref_name == tip.ref_name);
        TargetRef {
            nth,
            name: tip.ref_name.clone(),
            commit: tip.commit,
            delta: tip.base.map(|_| tip.snapshot),
            overlaid: lies_over,
        }
    }
}

/// Seven digits or more, as git abbreviates commits at least.
fn is_commit_prefix(text: &str) -> bool {
    (7..=40).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
