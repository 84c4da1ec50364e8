//! `kotadb`: the command people type. Indexes a repository of this machine, searches it and finds its symbols, serves agents with `mcp`, runs the whole service with
//! `up`, asks a service with `repos`, `jobs`, `keys` and `search --remote`, and looks after the queue of one with `queue`. The work is done by the floors below; here are arguments, terminal output and exit codes.

mod args;
mod code;
mod columns;
mod doctor;
mod excluded;
mod index;
mod mcp;
mod output;
mod pace;
mod paint;
mod private_file;
mod progress;
mod question;
mod queue;
mod ready;
mod ripgrep;
mod scip;
mod screen;
mod search;
mod server;
mod settings;
mod symbols;
mod up;
mod written;

use std::process::ExitCode;

use kotadb_core::graph::ask::{Direction, Question};
use kotadb_core::telemetry;
use kotadb_core::wire::search::printable;
use tokio::runtime::Builder;

use crate::args::{Args, Command};
use crate::server::ServerError;
use crate::settings::SettingsArgs;

/// Exit code of a search that found nothing, as in grep.
const NOTHING_FOUND: u8 = 1;
/// Exit code of every failure, as in grep.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::of(std::env::args_os());
    args.variables.apply();
    match run(args.command, &args.settings) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(NOTHING_FOUND),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // What is wrong may quote what others wrote.
            for (nth, line) in telemetry::report(error.as_ref()).lines().enumerate() {
                eprintln!("{}{}", if nth == 0 { "kotadb: " } else { "" }, printable(line));
            }
            ExitCode::from(error.downcast_ref::<ServerError>().map_or(FAILED, ServerError::exit_code))
        }
    }
}

fn run(command: Command, settings: &SettingsArgs) -> anyhow::Result<bool> {
    match command {
        Command::Index(args) => index::run(&args, settings).map(|()| true),
        Command::Search(args) if args.remote.is_remote() => service(server::search(&args, settings)),
        Command::Search(args) => local(search::run(&args, settings)),
        Command::Def(args) => local(code::definition(&args, settings)),
        Command::Callers(args) => local(code::calls(&args, Question::calls(Direction::Users), settings)),
        Command::Callees(args) => local(code::calls(&args, Question::calls(Direction::Used), settings)),
        Command::Usages(args) => local(code::calls(&args, Question::usages(), settings)),
        Command::Impl(args) => local(code::implementations(&args, settings)),
        Command::Impact(args) => local(code::impact(&args, settings)),
        Command::Deps(args) => local(code::dependencies(&args, settings)),
        Command::Outline(args) => local(code::outline_of(&args, settings)),
        Command::Map(args) => local(code::map(&args, settings)),
        Command::Scip(command) => scip::run(&command, settings).map(|()| true),
        Command::Symbols(args) => local(symbols::run(&args, settings)),
        Command::Mcp(args) => mcp::run(&args),
        Command::Login(args) => service(async { server::login(&args, settings).await.map(|()| true) }),
        Command::Logout(args) => server::logout(&args, settings).map(|()| true),
        Command::Repos(command) => service(server::run_repos(&command, settings)),
        Command::Jobs(command) => service(server::run_jobs(&command, settings)),
        Command::Keys(command) => service(async { server::run_keys(&command, settings).await.map(|()| true) }),
        Command::Queue(command) => service(async { queue::run(&command, settings).await.map(|()| true) }),
        Command::Config(args) => settings::run(&args, settings).map(|()| true),
        Command::Doctor(args) => service(doctor::run(&args, settings)),
        Command::Completions { shell } => written::completions(shell).map(|()| true),
        Command::Man(args) => written::man(&args).map(|()| true),
        Command::Up(args) => Builder::new_multi_thread().enable_all().build()?.block_on(up::run(&args)).map(|()| true),
    }
}

/// A question on the local index reads maps on the spot and starts threads where that is worth it: it needs neither a reactor nor
/// threads of its own.
fn local(work: impl Future<Output = anyhow::Result<bool>>) -> anyhow::Result<bool> {
    Builder::new_current_thread().enable_time().build()?.block_on(work)
}

/// What goes over a network.
fn service(work: impl Future<Output = anyhow::Result<bool>>) -> anyhow::Result<bool> {
    Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// `kotadb search … | head` closes our output early, and so does who leaves a pager: that is how a reader says he has enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
