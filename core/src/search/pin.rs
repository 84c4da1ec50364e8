//! From one page to the next: which root a cursor continues on, and what a new cursor takes with it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::answer::SearchError;
use super::cursor::{CursorError, Place, Seal, SearchCursor};
use super::overlay::Overlay;
use super::reader::Reader;
use super::request::SearchRequest;
use super::targets::Target;
use crate::crypto::{Sha256, Signer};
use crate::store::{GRACE, RepositoryEntry, Root};

/// How long a cursor lives after its version of the index. The collector lets objects stand for longer.
const LIFE: Duration = Duration::from_hours(1);

const _: () = assert!(LIFE.as_secs() < GRACE.as_secs(), "what a cursor pins must be there as long as it lives");

/// Most bytes of a root that a cursor takes with it: some 97 for a repository that was just indexed.
const MAX_PINNED: usize = 56 << 10;

/// The root that is searched: HEAD's, or the one that the cursor pins; never one that is older than was asked for.
pub(super) async fn root(reader: &Reader<'_>, request: &SearchRequest) -> Result<Arc<Root>, SearchError> {
    let root = pinned(reader, request).await?;
    match request.min_version {
        Some(wanted) if root.version < wanted => Err(SearchError::Behind { found: root.version, wanted }),
        _ => Ok(root),
    }
}

async fn pinned(reader: &Reader<'_>, request: &SearchRequest) -> Result<Arc<Root>, SearchError> {
    let head = reader.head(request.min_version).await?;
    if request.page.cursor.as_ref().is_some_and(|cursor| cursor.seal.tenant != request.tenant) {
        return Err(CursorError::Foreign.into());
    }
    let Some(cursor) = request.page.cursor.as_ref().filter(|cursor| cursor.version != head.version) else {
        return Ok(head);
    };
    let age = now().saturating_sub(Duration::from_secs(cursor.issued.into()));
    let pinned = cursor.pinned.as_deref().filter(|_| age < LIFE).ok_or(CursorError::Changed)?;
    Ok(Arc::new(Root::decode(pinned).map_err(|_| CursorError::Malformed)?))
}

/// Where the page begins.
pub(super) fn place<'a>(
    request: &SearchRequest,
    targets: impl Iterator<Item = &'a Target>,
) -> Result<Place, CursorError> {
    match &request.page.cursor {
        None => Ok(Place::default()),
        Some(cursor) if cursor.question == question(request, targets) => Ok(cursor.place.clone()),
        Some(_) => Err(CursorError::Foreign),
    }
}

/// The cursor to `place` in what was searched.
pub(super) fn cursor<'a>(
    root: &Root,
    request: &SearchRequest,
    targets: impl Iterator<Item = &'a Target> + Clone,
    (place, signer): (Place, &Signer),
) -> SearchCursor {
    let pinned = part(root, targets.clone(), request.query.names_refs()).map(|part| part.encode());
    SearchCursor {
        version: root.version,
        issued: u32::try_from(now().as_secs()).unwrap_or(u32::MAX),
        question: question(request, targets),
        place,
        pinned: pinned.filter(|pinned| pinned.len() <= MAX_PINNED),
        seal: Seal { tenant: request.tenant, signer: signer.clone() },
    }
}

/// What of a root the targets need; `None`: too much.
fn part<'a>(root: &Root, targets: impl Iterator<Item = &'a Target>, names_refs: bool) -> Option<Root> {
    let mut part = Root { version: root.version, ..Root::default() };
    for target in targets {
        let entry = root.repositories.get(&target.repository)?;
        if part.repositories.contains_key(&target.repository) {
            continue;
        }
        // Without a look at other refs nothing says which segments they touch, nor need it.
        let needed = if names_refs { &entry.segments[..] } else { target.likely() };
        let mut segments = Vec::with_capacity(needed.len());
        for segment in needed.iter().filter_map(|at| root.segments.get(*at as usize)) {
            let known = part.segments.iter().position(|other| other.key == segment.key);
            segments.push(known.unwrap_or(part.segments.len()) as u32);
            if known.is_none() {
                part.segments.push(segment.clone());
            }
        }
        segments.sort_unstable();
        let refs = entry.refs.filter(|_| names_refs);
        let entry = RepositoryEntry { refs, segments, default: entry.default.clone(), ..RepositoryEntry::default() };
        part.repositories.insert(target.repository, entry);
        if part.repositories.len() + part.segments.len() > MAX_PINNED / 24 {
            return None;
        }
    }
    Some(part)
}

/// A fingerprint of everything that the order of the answer depends on, this program included.
fn question<'a>(request: &SearchRequest, targets: impl Iterator<Item = &'a Target>) -> u64 {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION").as_bytes());
    hash.update(request.tenant.0.as_bytes());
    hash.update(format!("{:?}", request.query).as_bytes());
    for target in targets {
        hash.update(target.repository.0.as_bytes());
        hash.update(&target.base.to_bytes());
        for one in &target.refs {
            hash.update(one.name.as_bytes());
            hash.update(&one.delta.map_or([0; 24], |key| key.to_bytes()));
        }
    }
    if let Some(overlay) = &request.overlay {
        of_overlay(&mut hash, overlay);
    }
    let [a, b, c, d, e, f, g, h, ..] = hash.finish();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

fn of_overlay(hash: &mut Sha256, overlay: &Overlay) {
    let mut part = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    overlay.removed.iter().for_each(|path| part(path));
    part(b"");
    for file in &overlay.files {
        part(&file.path);
        part(&[file.class as u8]);
        part(&file.language.0.to_le_bytes());
        part(&file.content);
    }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
