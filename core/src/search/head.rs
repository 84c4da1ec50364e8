//! The root that a search starts from: read once for many searches, and never older than a second.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::cache::{Part, SeenHead};
use super::flights::Seat;
use super::reader::Reader;
use crate::store::{ObjectKey, ReadHead, Root, StoreError};

/// How old HEAD may be where asking for it is a request to another machine.
const MOST_AGE: Duration = Duration::from_secs(1);

/// HEAD has no key.
const NO_KEY: ObjectKey = ObjectKey { id: Uuid::nil(), hash: [0; 8] };

impl Reader<'_> {
    /// The root. A store on this machine is asked each time; one that is far away at most once a second by all searches
    /// of a tenant together, unless what is known is older than `min_version` or has led to an object that is gone.
    ///
    /// The root may still be older than `min_version`, if HEAD is.
    pub(super) async fn head(&self, min_version: Option<u64>) -> Result<Arc<Root>, StoreError> {
        let is_wanted = |seen: &SeenHead| min_version.is_none_or(|version| seen.root.version >= version);
        if self.store.is_near() || self.is_misled.swap(false, Ordering::Relaxed) {
            return self.ask_for_head().await;
        }
        if let Some(seen) = self.look_up::<Arc<SeenHead>>(NO_KEY, Part::Head)
            && seen.checked.elapsed() < MOST_AGE
            && is_wanted(&seen)
        {
            self.count_hits(1);
            return Ok(Arc::clone(&seen.root));
        }
        match self.cache.heads.board(self.tenant) {
            Seat::Lead(lead) => {
                let root = self.ask_for_head().await?;
                lead.land(Arc::clone(&root));
                Ok(root)
            }
            // What another search asks for may be from before this one began, by no more than a request takes.
            Seat::Follow(follow) => match follow.wait().await {
                Some(root) if min_version.is_none_or(|version| root.version >= version) => {
                    self.count_hits(1);
                    Ok(root)
                }
                _ => self.ask_for_head().await,
            },
        }
    }

    /// One request. What was seen already is neither sent nor decoded again.
    async fn ask_for_head(&self) -> Result<Arc<Root>, StoreError> {
        let seen = self.look_up::<Arc<SeenHead>>(NO_KEY, Part::Head);
        let checked = Instant::now();
        let read = self.store.head_since(self.tenant, seen.as_ref().map(|seen| &seen.mark)).await?;
        self.count(|stats| {
            stats.gets += 1;
            stats.round_trips += 1;
            stats.bytes += read.as_ref().map_or(0, |read| read.bytes);
        });
        let (root, mark) = match (read, seen) {
            (Some(ReadHead { root, mark, .. }), _) => (Arc::new(root), mark),
            (None, Some(seen)) if self.store.is_near() => return Ok(Arc::clone(&seen.root)),
            (None, Some(seen)) => (Arc::clone(&seen.root), seen.mark.clone()),
            (None, None) => return Ok(Arc::default()),
        };
        let seen = Arc::new(SeenHead { root: Arc::clone(&root), mark, checked });
        self.cache.keep(self.tenant, NO_KEY, Part::Head, seen);
        Ok(root)
    }
}
