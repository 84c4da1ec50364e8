//! Disturbs a whole deployment of real processes, one fault at a time, and says which promises hold all the same. One module
//! a fault below `faults`, each with the same skeleton: set up, disturb, settle, look at the invariants.
//! `make chaos` runs all of them; `make test` a short form.

mod api;
mod chance;
mod faults;
mod history;
mod invariants;
mod postgres;
mod program;
mod proxy;
mod reader;
mod report;
mod repository;
mod s3;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;

use self::faults::Fault;
use self::report::{Findings, Report};
use self::stage::Plan;

/// Disturbs KotaDB and looks at what holds.
#[derive(Debug, Parser)]
#[command(name = "kotadb-chaos")]
struct Args {
    /// Numbers of the faults to try; none: all.
    faults: Vec<u32>,
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut report = Report { seed, long: args.long, ..Report::default() };
    for fault in Fault::chosen(&args.faults)? {
        let since = Instant::now();
        let mut findings = Findings::of(&fault.label());
        if let Err(error) = runtime.block_on(fault.run(&plan, &mut findings)) {
            eprintln!("{}: {error:?}", fault.label());
            findings.never("the fault could be tried to its end", 1, 1);
        }
        report.add(findings);
        println!("{:<26} took {:.0} s", fault.label(), since.elapsed().as_secs_f64());
    }
    report.write(&args.out)?;
    println!("{} rows, {} not run: {}", report.rows.len(), report.not_run.len(), args.out.display());
    Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
