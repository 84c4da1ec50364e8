//! Which of the indexed commits a text means.

use crate::search::commit::{CommitError, CommitRequest, CommitState};
use crate::search::reader::Reader;
use crate::store::{Refs, RepositoryEntry, Root, Tip};

/// Fewest digits that name a commit, as git abbreviates them at least.
const MIN_DIGITS: usize = 7;

/// The commit that is asked, as HEAD and the refs object have it.
pub(super) async fn choose(
    reader: &Reader<'_>,
    root: &Root,
    request: &CommitRequest,
) -> Result<CommitState, CommitError> {
    let repository = &request.repository;
    let not_indexed = || CommitError::NotIndexed(repository.name.clone());
    let entry = root.repositories.get(&repository.id).ok_or_else(not_indexed)?;
    let default = entry.default.as_ref().filter(|tip| !repository.hidden.contains(&tip.commit));
    let asked = request.reference.as_deref().map(str::trim).filter(|asked| !asked.is_empty() && *asked != "HEAD");
    let found = match asked {
        None => Some(default.cloned().ok_or_else(not_indexed)?),
        Some(asked) => named(reader, entry, asked, request).await?,
    };
    let asked = || asked.unwrap_or("HEAD").to_owned();
    let no_commit = || CommitError::NoCommit { repository: repository.name.clone(), asked: asked() };
    let tip = found.ok_or_else(no_commit)?;
    Ok(CommitState {
        tenant: request.tenant,
        repository: repository.id,
        repository_name: repository.name.clone(),
        is_default: default.is_some_and(|default| default.ref_name == tip.ref_name),
        ref_name: tip.ref_name,
        commit: tip.commit,
        snapshot: tip.snapshot,
        graph: tip.graph,
        is_pending: false,
    })
}

async fn named(
    reader: &Reader<'_>,
    entry: &RepositoryEntry,
    asked: &str,
    request: &CommitRequest,
) -> Result<Option<Tip>, CommitError> {
    let is_seen = |tip: &&Tip| !request.repository.hidden.contains(&tip.commit);
    if let Some(tip) = entry.default.as_ref().filter(is_seen)
        && (is_name_of(asked, &tip.ref_name) || tip.commit.to_string() == asked)
    {
        return Ok(Some(tip.clone()));
    }
    let refs = match entry.refs {
        Some(key) => reader.wave(reader.refs(key)).await?,
        None => Refs::default().into(),
    };
    let tips = || entry.default.iter().chain(&refs.tips).filter(is_seen);
    let kept = || refs.history.iter().map(|one| &one.tip).filter(is_seen);
    let found = by_name(tips(), asked).cloned();
    Ok(found.or_else(|| by_commit(tips().chain(kept()), asked).map(|tip| called(tip, tips()))))
}

/// A tip goes by its ref; what refs have left goes by its digits, and has no graph.
fn called<'t>(found: &Tip, mut tips: impl Iterator<Item = &'t Tip>) -> Tip {
    if tips.any(|tip| tip == found) {
        return found.clone();
    }
    Tip { ref_name: found.commit.to_string(), ..found.clone() }
}

fn is_name_of(asked: &str, ref_name: &str) -> bool {
    asked == ref_name || ref_name.strip_prefix("refs/heads/") == Some(asked)
}

/// A name in full comes before a branch, and that before a tag.
fn by_name<'t>(tips: impl Iterator<Item = &'t Tip> + Clone, asked: &str) -> Option<&'t Tip> {
    let names =
        [asked.to_owned(), format!("refs/heads/{asked}"), format!("refs/tags/{asked}"), format!("refs/{asked}")];
    names.iter().find_map(|name| tips.clone().find(|tip| tip.ref_name == *name))
}

/// By all or the first of its digits; two commits that begin with these are none.
fn by_commit<'t>(tips: impl Iterator<Item = &'t Tip> + Clone, asked: &str) -> Option<&'t Tip> {
    let asked = asked.to_ascii_lowercase();
    let is_commit = (MIN_DIGITS..=40).contains(&asked.len()) && asked.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = tips.filter(|tip| is_commit && tip.commit.to_string().starts_with(&asked));
    let first = found.clone().next()?;
    if found.clone().any(|other| other.commit != first.commit) {
        return None;
    }
    // Of two refs at one commit the one with a graph tells more.
    Some(found.find(|tip| tip.graph.is_some()).unwrap_or(first))
}
