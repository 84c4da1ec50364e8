//! What happens to a job while it runs, written to the database as it is told: steps for its owner to read, and what is
//! uploaded for the next try. A run never waits for it, and goes on where it fails.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Claimed, Phase, checkpoint};
use kotadb_core::db::{Db, DbError, Scope};
use kotadb_core::store::SegmentEntry;
use kotadb_core::telemetry::{events, fields};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::child::SegmentLine;
use crate::job::Told;
use crate::{gc, limits};

/// How long the end of a job waits for its last entries.
const PATIENCE: Duration = Duration::from_secs(5);

/// Writes for one job; dropped, it stops.
#[derive(Debug)]
pub struct Diary {
    entries: UnboundedSender<Entry>,
    writer: JoinHandle<()>,
}

#[derive(Debug)]
enum Entry {
    Step(Phase, Value),
    Uploaded(SegmentLine),
}

impl Diary {
    /// Begins with what earlier tries have uploaded.
    pub fn begin(db: Db, claimed: Claimed, uploaded: &[SegmentEntry]) -> Self {
        let (entries, receiver) = unbounded_channel();
        let uploaded = uploaded.iter().map(SegmentLine::from).collect();
        let writer = tokio::spawn(write(db, claimed, uploaded, receiver));
        Self { entries, writer }
    }

    /// Adds an entry.
    pub fn note(&self, told: Told<'_>) {
        let entry = match told {
            Told::Step(phase, detail) => Entry::Step(phase, detail),
            Told::Uploaded(segment) => Entry::Uploaded(segment.into()),
            Told::Publishing => return,
        };
        // The writer ends with the lease; what is told then is nobody's to write.
        let _unwritten = self.entries.send(entry);
    }

    /// Waits until all of it is written, for a while.
    pub async fn end(self) {
        let Self { entries, mut writer } = self;
        drop(entries);
        if tokio::time::timeout(PATIENCE, &mut writer).await.is_err() {
            writer.abort();
        }
    }
}

async fn write(db: Db, claimed: Claimed, mut uploaded: Vec<SegmentLine>, mut entries: UnboundedReceiver<Entry>) {
    while let Some(entry) = entries.recv().await {
        let written = match entry {
            Entry::Step(phase, detail) => step(&db, &claimed, phase, detail).await,
            Entry::Uploaded(segment) => {
                uploaded.push(segment);
                save(&db, &claimed, &uploaded).await
            }
        };
        match written {
            Ok(()) => {}
            Err(DbError::LeaseLost) => return,
            Err(error) => warn!({ fields::JOB_ID } = %claimed.job, %error, "{}", events::STEP_NOT_RECORDED),
        }
    }
}

async fn step(db: &Db, claimed: &Claimed, phase: Phase, detail: Value) -> Result<(), DbError> {
    let mut tx = db.begin(Scope::Worker).await?;
    jobs::record(&mut tx, claimed, phase, detail).await?;
    tx.commit().await
}

async fn save(db: &Db, claimed: &Claimed, uploaded: &[SegmentLine]) -> Result<(), DbError> {
    let mut tx = db.begin(Scope::Worker).await?;
    checkpoint::save(&mut tx, claimed, &serde_json::json!({ "uploaded": uploaded })).await?;
    tx.commit().await
}

/// What a checkpoint says was uploaded, as far as it is young at `now_ms`: tries hand it on to each other, and no root names
/// it. One that cannot be read says nothing.
pub fn uploaded(checkpoint: Option<Value>, now_ms: u64) -> Vec<SegmentEntry> {
    let lines =
        checkpoint.and_then(|mut value| serde_json::from_value::<Vec<SegmentLine>>(value["uploaded"].take()).ok());
    let is_young = |entry: &SegmentEntry| {
        u128::from(now_ms.saturating_sub(gc::written_ms(entry.key))) < limits::CHECKPOINT_LIFE.as_millis()
    };
    lines.unwrap_or_default().iter().filter_map(SegmentLine::entry).filter(is_young).collect()
}

#[cfg(test)]
mod tests {
    use kotadb_core::store::ObjectKey;
    use uuid::{NoContext, Timestamp, Uuid};

    use super::*;

    #[test]
    fn what_tries_handed_on_for_too_long_is_not_built_on() {
        let made_ms = 1_795_000_000_000;
        let id = Uuid::new_v7(Timestamp::from_unix(NoContext, made_ms / 1000, 0));
        let key = ObjectKey { id, hash: [7; 8] };
        let entry = SegmentEntry { key, bytes: 9, hot_bytes: 5, n_docs: 1, text_bytes: 3 };
        let checkpoint = serde_json::json!({ "uploaded": [SegmentLine::from(&entry)] });
        let hours_later = |hours: u64| uploaded(Some(checkpoint.clone()), made_ms + hours * 3_600_000);
        assert_eq!(hours_later(11), std::slice::from_ref(&entry));
        assert_eq!(hours_later(12), []);
    }
}
