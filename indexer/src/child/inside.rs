//! The main of the process of one job. It runs with an environment that names the object store and nothing else of the
//! service, within the limits of [`quota`].

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, bail};
use kotadb_core::config::Config;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::telemetry;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tracing::Instrument;

use super::message::{AssignmentLine, Order, Reply};
use super::{leftovers, oom, quota, runtime};
use crate::assignment::Assignment;
use crate::fail_point;
use crate::halt::Halt;
use crate::held_cache::HeldCache;
use crate::job::{self, Told, Workplace};
use crate::resolve;
use crate::scratch::Scratch;
use crate::scratch_memory::ScratchMemory;

/// Runs the job that comes on standard input.
pub fn main(config: &Config) -> anyhow::Result<ExitCode> {
    telemetry::init(&config.log);
    if let Some(point) = &config.fail_point {
        fail_point::arm_child(point);
    }
    oom::volunteer();
    let assignment = Assignment::from(*first_order()?);
    let memory = if assignment.on_disk { None } else { ScratchMemory::find(config) };
    let scratch = memory.as_ref().map_or(0, ScratchMemory::bytes);
    quota::apply(config.job_memory_bytes, scratch).context("cannot lower the limits of this process")?;
    let out = Mutex::new(io::stdout());
    let runtime = match runtime::start() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(&out, &Reply::of(Err(error)));
            return Ok(ExitCode::SUCCESS);
        }
    };
    let halt = Halt::default();
    let (listener, scratch) = (halt.clone(), Scratch::name(assignment.repository, assignment.fence));
    thread::Builder::new().name("orders".to_owned()).spawn(move || follow_orders(&listener, &scratch))?;
    let store = Store::open(&StoreOptions::from_config(config))?;
    let workplace = Workplace {
        store: &store,
        data_dir: &config.data_dir,
        memory: memory.as_ref(),
        allowed_origins: &config.git_allowed_origins,
        held: &HeldCache::default(),
        resolver: &resolve::System,
        askpass: &std::env::current_exe().context("cannot tell where this program is")?,
    };
    let tell = |told: Told<'_>| match told {
        Told::Step(phase, detail) => say(&out, &Reply::step(phase, detail)),
        Told::Uploaded(entry) => say(&out, &Reply::Uploaded(entry.into())),
        Told::Publishing => say(&out, &Reply::Publishing),
    };
    let run = job::run(workplace, &assignment, &halt, &tell).instrument(assignment.span());
    say(&out, &Reply::of(runtime.block_on(run)));
    Ok(ExitCode::SUCCESS)
}

fn first_order() -> anyhow::Result<Box<AssignmentLine>> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("no job came on standard input")?;
    match serde_json::from_str(&line)
        .context("the first line is no job: this command is started by `kotadb-indexer` alone")?
    {
        Order::Run(assignment) => Ok(assignment),
        _ => bail!("the first line is no job: this command is started by `kotadb-indexer` alone"),
    }
}

/// Does what the worker says. When its end of the pipe is closed the worker is gone, and with it whoever keeps the lease.
fn follow_orders(halt: &Halt, scratch: &str) {
    for line in io::stdin().lock().lines() {
        match line.ok().and_then(|line| serde_json::from_str(&line).ok()) {
            Some(Order::Trust(until)) => halt.trust_until(until),
            Some(Order::Halt(reason)) => halt.halt(reason.into()),
            Some(Order::Run(_)) | None => {}
        }
    }
    leftovers::end(scratch);
    let _dies = kill(Pid::this(), Signal::SIGKILL);
}

/// A worker that does not listen is gone, and so is this process in a moment.
fn say(out: &Mutex<io::Stdout>, reply: &Reply) {
    let line = serde_json::to_string(reply).expect("replies have string keys only");
    let mut out = out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let _unheard = writeln!(out, "{line}").and_then(|()| out.flush());
}
