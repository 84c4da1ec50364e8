//! The indexer: as a process that waits, or as a machine of the fake Machines API, which takes two seconds to start and
//! stops by itself once nothing is left to do.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::testing::FakeMachines;

use super::slow_disk;

/// How long a machine takes to start.
const START: Duration = Duration::from_secs(2);
/// How long a job may keep a machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The one machine.
const ID: &str = "indexer-1";

/// What an indexer is started with.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// All of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// Where it logs.
    pub log: PathBuf,
    /// It is read from the disk at each start, as after the start of a real machine.
    pub forgotten: bool,
}

impl Program {
    /// Ready to be started.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.path);
        command.args(arguments).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn run(&self) -> anyhow::Result<()> {
        if self.forgotten {
            slow_disk::forget(&self.path)?;
        }
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string();
        let done = self.command(&["drain", "--listen", &address])?.status()?;
        anyhow::ensure!(done.success(), "the indexer ended with {done}: see `{}`", self.log.display());
        Ok(())
    }
}

/// Lets the Machines API start the indexer.
pub async fn machines(program: Program) -> Arc<FakeMachines> {
    let machines = Arc::new(FakeMachines::start().await);
    machines.add(ID, "indexer", None);
    machines.set_start_delay(START);
    let weak = Arc::downgrade(&machines);
    machines.on_start(move |id| {
        let (weak, program, id) = (weak.clone(), program.clone(), id.to_owned());
        thread::spawn(move || {
            thread::sleep(START);
            if let Err(error) = program.run() {
                eprintln!("{error:#}");
            }
            if let Some(machines) = weak.upgrade() {
                machines.stop(&id);
            }
        });
    });
    machines
}

/// Waits until the machine has stopped.
pub async fn stopped(machines: &FakeMachines) -> anyhow::Result<()> {
    let since = Instant::now();
    while machines.state(ID) != "stopped" {
        let late = since.elapsed() > PATIENCE;
        (!late).then_some(()).context("the indexer does not end")?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
