//! `kotadb`: the command people type. Indexes and searches a repository of this machine, and runs the whole service with
//! `up`. The work is done by the floors below; here are arguments, terminal output and exit codes.

mod args;
mod index;
mod progress;
mod search;
mod up;

use std::process::ExitCode;

use kotadb_core::telemetry;

use crate::args::{Args, Command};

/// Exit code of a search that found nothing, as in grep.
const NOTHING_FOUND: u8 = 1;
/// Exit code of every failure, as in grep.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    match run(Args::of(std::env::args_os()).command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOTHING_FOUND),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kotadb: {}", telemetry::report(error.as_ref()));
            ExitCode::from(FAILED)
        }
    }
}

fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Index(args) => index::run(&args).map(|()| true),
        Command::Search(args) => block_on(search::run(&args)),
        Command::Up(args) => block_on(up::run(&args)).map(|()| true),
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// `kotadb search … | head` closes our output early: that is how the reader says it has enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
