//! Disturbs a whole deployment of real processes, one fault at a time, and says which promises hold all the same. One module
//! a fault below `faults`, each with the same skeleton: set up, disturb, settle, look at the invariants.
//! `make chaos` runs all of them; `make test` a short form.

mod api;
mod cgroup;
mod faults;
mod gate;
mod history;
mod invariants;
mod load;
mod machine;
mod postgres;
mod program;
mod proxy;
mod reader;
mod report;
mod repository;
mod stage;
mod tick;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;

use self::faults::Fault;
use self::report::{Findings, Report};
use self::stage::Plan;

/// Faults that are tried at once.
const AT_ONCE: usize = 3;

/// Disturbs KotaDB and looks at what holds.
#[derive(Debug, Parser)]
#[command(name = "kotadb-chaos")]
struct Args {
    /// Numbers or names of the faults to try; none: all.
    faults: Vec<String>,
    /// Folder of the programs of this project, built with debug assertions: others have no fail points.
    #[arg(long, default_value = "target/debug")]
    bin: PathBuf,
    /// Where the report is written.
    #[arg(long, default_value = "target/chaos.json")]
    out: PathBuf,
    /// Where chances begin; none: at the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// As often and as long as is promised, instead of a few minutes.
    #[arg(long)]
    long: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let seed =
        args.seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs()));
    println!("seed {seed}");
    let plan = Plan { bin: std::path::absolute(&args.bin)?, seed, long: args.long };
    let report = Mutex::new(Report { seed, long: args.long, ..Report::default() });
    let (alone, together): (Vec<Fault>, Vec<Fault>) =
        Fault::chosen(&args.faults)?.into_iter().partition(|fault| fault.is_timed());
    try_side_by_side(&plan, together, AT_ONCE, (&report, &args.out));
    try_side_by_side(&plan, alone, 1, (&report, &args.out));
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.write(&args.out)?;
    println!("{} rows, {} not run: {}", report.rows.len(), report.not_run.len(), args.out.display());
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tries faults, some at once: each has a deployment of its own, and much of its time is waiting.
fn try_side_by_side(plan: &Plan, mut faults: Vec<Fault>, at_once: usize, (report, out): (&Mutex<Report>, &Path)) {
    faults.reverse();
    let left = Mutex::new(faults);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop();
                    let Some(fault) = next else { break };
                    let findings = try_one(plan, fault);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.add(findings);
                    // What is there by now stays, if the rest takes too long for somebody.
                    if let Err(error) = report.write(out) {
                        eprintln!("{error:#}");
                    }
                }
            });
        }
    });
}

fn try_one(plan: &Plan, fault: Fault) -> Findings {
    let since = Instant::now();
    let mut findings = Findings::of(&fault.label());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let tried =
        runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(fault.run(plan, &mut findings)));
    if let Err(error) = tried {
        eprintln!("{}: {error:?}", fault.label());
        findings.never("faults that could not be tried to their end", 1, 1);
    }
    println!("{:<26} took {:.0} s", fault.label(), since.elapsed().as_secs_f64());
    findings
}
