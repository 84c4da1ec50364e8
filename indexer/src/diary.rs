//! What happens to a job while it runs, written to the database as it is told: steps for its owner to read, and what is
//! uploaded for the next try. A run never waits for it, and goes on where it fails.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Claimed, Phase, checkpoint};
use kotadb_core::db::{Db, DbError, Scope};
use kotadb_core::store::SegmentEntry;
use kotadb_core::telemetry::events;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::child::SegmentLine;
use crate::job::Told;

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
            Err(error) => warn!(job = %claimed.job, %error, "{}", events::STEP_NOT_RECORDED),
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

/// What a checkpoint says was uploaded; one that cannot be read says nothing.
pub fn uploaded(checkpoint: Option<Value>) -> Vec<SegmentEntry> {
    let lines =
        checkpoint.and_then(|mut value| serde_json::from_value::<Vec<SegmentLine>>(value["uploaded"].take()).ok());
    lines.unwrap_or_default().iter().filter_map(SegmentLine::entry).collect()
}
