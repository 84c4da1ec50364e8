//! The machine of the indexer, as Fly starts it through its Machines API: here a process of the real program, which drains and
//! ends.

use std::sync::{Arc, Weak};
use std::time::Duration;

use kotadb_core::testing::{FLY_TOKEN, FakeMachines, Scripted};

use crate::stage::{Settings, Stage};

const MACHINE: &str = "indexer1";
/// From the call to the first instruction.
const START: Duration = Duration::from_millis(300);
/// Longer than any drain here.
const PATIENCE: Duration = Duration::from_secs(300);

/// The API with its one machine.
#[derive(Clone, Debug)]
pub struct Machine(Arc<FakeMachines>);

impl Machine {
    /// An API whose machine nobody has started.
    pub async fn prepare() -> Self {
        let api = FakeMachines::start().await;
        api.add(MACHINE, "indexer", None);
        api.set_start_delay(START);
        Self(Arc::new(api))
    }

    /// What the programs must know to start it.
    pub fn settings(&self) -> Settings {
        vec![
            ("KOTADB_WAKE", "machines".to_owned()),
            ("FLY_API_HOSTNAME", self.0.url.clone()),
            ("FLY_API_TOKEN", FLY_TOKEN.to_owned()),
            ("KOTADB_TICK_SECRET", crate::tick::SECRET.to_owned()),
        ]
    }

    /// From now on a start runs an indexer in this stage.
    pub fn belong_to(&self, stage: &Arc<Stage>) {
        let (stage, api) = (Arc::downgrade(stage), Arc::downgrade(&self.0));
        self.0.on_start(move |_id| drop(tokio::spawn(run(stage.clone(), api.clone()))));
    }

    /// Answers of the next starts.
    pub fn script(&self, answers: &[Scripted]) {
        self.0.script(answers);
    }

    /// How often a start was asked for.
    pub fn starts(&self) -> u64 {
        self.0.calls().iter().filter(|call| call.starts_with("start")).count() as u64
    }

    /// Whether it does not run.
    pub fn is_stopped(&self) -> bool {
        self.0.state(MACHINE) == "stopped"
    }

    /// Waits until it has ended.
    pub async fn stopped(&self) {
        while !self.is_stopped() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn run(stage: Weak<Stage>, api: Weak<FakeMachines>) {
    tokio::time::sleep(START).await;
    let Some(stage) = stage.upgrade() else { return };
    let started = stage.start_indexer(stage.indexer("drain", "machine").args(["--linger", "2"]));
    let ended = match started {
        Ok(mut program) => program.wait(PATIENCE).await.map(|status| status.success()),
        Err(error) => Err(error),
    };
    match ended {
        Ok(true) => {}
        Ok(false) => eprintln!("machine: the indexer failed: {}", stage.last_log("indexer.log")),
        Err(error) => eprintln!("machine: {error:#}"),
    }
    if let Some(api) = api.upgrade() {
        api.stop(MACHINE);
    }
}
