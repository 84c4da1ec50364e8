//! `kotadb`: the command people type. Indexes a repository of this machine, searches it and finds its symbols, serves agents with `mcp`, runs the whole service with
//! `up`, and looks after the queue of one with `jobs`. The work is done by the floors below; here are arguments, terminal output and exit codes.

mod args;
mod code;
mod doctor;
mod index;
mod jobs;
mod mcp;
mod output;
mod progress;
mod ripgrep;
mod scip;
mod search;
mod symbols;
mod up;
mod written;

use std::process::ExitCode;

use kotadb_core::graph::ask::{Direction, Question};
use kotadb_core::telemetry;
use tokio::runtime::{Builder, Runtime};

use crate::args::{Args, Command};

/// Exit code of a search that found nothing, as in grep.
const NOTHING_FOUND: u8 = 1;
/// Exit code of every failure, as in grep.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::of(std::env::args_os());
    args.settings.apply();
    match run(args.command) {
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
        Command::Search(args) => search_runtime()?.block_on(search::run(&args)),
        Command::Def(args) => search_runtime()?.block_on(code::definition(&args)),
        Command::Callers(args) => search_runtime()?.block_on(code::calls(&args, Question::calls(Direction::Users))),
        Command::Callees(args) => search_runtime()?.block_on(code::calls(&args, Question::calls(Direction::Used))),
        Command::Usages(args) => search_runtime()?.block_on(code::calls(&args, Question::usages())),
        Command::Impl(args) => search_runtime()?.block_on(code::implementations(&args)),
        Command::Impact(args) => search_runtime()?.block_on(code::impact(&args)),
        Command::Deps(args) => search_runtime()?.block_on(code::dependencies(&args)),
        Command::Outline(args) => search_runtime()?.block_on(code::outline_of(&args)),
        Command::Map(args) => search_runtime()?.block_on(code::map(&args)),
        Command::Scip(command) => scip::run(&command).map(|()| true),
        Command::Symbols(args) => search_runtime()?.block_on(symbols::run(&args)),
        Command::Mcp(args) => mcp::run(&args),
        Command::Jobs(command) => {
            Builder::new_current_thread().enable_all().build()?.block_on(jobs::run(&command)).map(|()| true)
        }
        Command::Doctor(args) => Builder::new_current_thread().enable_all().build()?.block_on(doctor::run(&args)),
        Command::Completions { shell } => written::completions(shell).map(|()| true),
        Command::Man(args) => written::man(&args).map(|()| true),
        Command::Up(args) => Builder::new_multi_thread().enable_all().build()?.block_on(up::run(&args)).map(|()| true),
    }
}

/// A search reads maps on the spot and starts threads where that is worth it: it needs neither a reactor nor threads of its
/// own.
fn search_runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_time().build()
}

/// `kotadb search … | head` closes our output early: that is how the reader says it has enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    let of_json = || error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    kind.or_else(of_json) == Some(std::io::ErrorKind::BrokenPipe)
}
