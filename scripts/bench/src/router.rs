//! The router as a machine starts it: from exec to the first answer with the database check in the boot, its memory while
//! nobody asks, the size of the program; and with `--url` what `wrk` gets out of warm searches.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use kotadb_core::testing::durable::Durable;

use crate::rows::{Row, Rows};
use crate::samples::Samples;

/// `router`
#[derive(Debug, Args)]
pub struct RouterArgs {
    /// Starts.
    #[arg(long, default_value_t = 50)]
    runs: usize,
    /// The program, as it is deployed; by default the release build.
    #[arg(long)]
    program: Option<PathBuf>,
    /// Address of a router that serves something; with it only that is measured, by `wrk`.
    #[arg(long, requires = "key")]
    url: Option<String>,
    /// A key that may search there.
    #[arg(long, env = "KOTADB_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// What `wrk` searches for.
    #[arg(long, default_value = "spawn_blocking")]
    query: String,
    /// For how many seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
}

/// What is asked first: an answer of the whole stack of layers.
const REQUEST: &[u8] = b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
/// Idle is what it is after this.
const IDLE: Duration = Duration::from_secs(3);

/// A router that is stopped with this.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to stop.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Measures one or the other and writes the rows.
pub fn run(args: &RouterArgs, bin: &Path, rows: &mut Rows) -> anyhow::Result<()> {
    match (&args.url, &args.key) {
        (Some(url), Some(key)) => rows.write("router-wrk", &wrk(args, url, key)?),
        _ => {
            let program = args.program.clone().unwrap_or_else(|| bin.join("kotadb-api-server"));
            rows.write("router", &starts(args, &program)?)
        }
    }
}

fn starts(args: &RouterArgs, program: &Path) -> anyhow::Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let services = runtime.block_on(Durable::start(4))?;
    let data = tempfile::tempdir()?;
    let mut times = Vec::new();
    let mut memory = 0.0;
    for nth in 0..=args.runs {
        let began = Instant::now();
        let (started, address) = start(program, &services.pooled_url, data.path())?;
        answer(&address)?;
        // The first brings the program into memory, as a machine that starts has to as well; but that is the disk's time.
        if nth > 0 {
            times.push(began.elapsed());
        }
        if nth == args.runs {
            std::thread::sleep(IDLE);
            memory = resident_mib(started.0.id())?;
        }
    }
    let samples = Samples::of(times);
    let name = "exec to first answer";
    Ok(vec![
        Row::ours(name, "start_p50", samples.quantile_ms(0.5), "ms").at_most(25.0).of_runs(samples.runs()),
        Row::ours(name, "start_p99", samples.quantile_ms(0.99), "ms").of_runs(samples.runs()),
        Row::ours("router, idle", "rss", memory, "MiB").at_most(32.0),
        Row::ours("router, stripped", "program", stripped_mb(program, data.path())?, "MB").at_most(15.0),
    ])
}

fn start(program: &Path, database_url: &str, data: &Path) -> anyhow::Result<(Started, String)> {
    let mut command = Command::new(program);
    command.env_clear().env("KOTADB_MODE", "local").env("DATABASE_URL", database_url).env("KOTADB_DATA_DIR", data);
    command.env("PORT", "0").env("KOTADB_BIND", "127.0.0.1").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", program.display()))?;
    let stdout = child.stdout.take().context("standard output is a pipe")?;
    let started = Started(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line)?;
    let address = line.trim().strip_prefix("listening on http://").map(str::to_owned);
    Ok((started, address.with_context(|| format!("the router said `{line}`"))?))
}

fn answer(address: &str) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(REQUEST)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "the first answer is `{answer}`");
    Ok(())
}

fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// As it is deployed: without symbols.
fn stripped_mb(program: &Path, folder: &Path) -> anyhow::Result<f64> {
    let stripped: PathBuf = folder.join("stripped");
    let status = Command::new("strip").arg("-s").arg("-o").arg(&stripped).arg(program).status();
    anyhow::ensure!(status.context("cannot run `strip`")?.success(), "`strip` failed");
    Ok(std::fs::metadata(stripped)?.len() as f64 / 1e6)
}

fn wrk(args: &RouterArgs, url: &str, key: &str) -> anyhow::Result<Vec<Row>> {
    let target = format!("{url}/api/v1/search/code?query={}", args.query);
    let run = |seconds: u32| -> anyhow::Result<String> {
        let mut command = Command::new("wrk");
        command.args(["-t2", "-c32", "--latency", "-H"]).arg(format!("Authorization: Bearer {key}"));
        let output = command.arg(format!("-d{seconds}s")).arg(&target).output().context("cannot run `wrk`")?;
        anyhow::ensure!(output.status.success(), "wrk: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    run(3)?;
    let report = run(args.seconds)?;
    let field = |name: &str| report.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let refused = field("Non-2xx or 3xx responses:").unwrap_or("0").parse()?;
    let rate: f64 = field("Requests/sec:").with_context(|| format!("no rate in `{report}`"))?.parse()?;
    let name = format!("search `{}`, 32 connections", args.query);
    let latency =
        |quantile: &str| milliseconds(field(quantile).with_context(|| format!("no {quantile} in `{report}`"))?);
    Ok(vec![
        Row::ours(&name, "requests_per_s", rate, "count"),
        Row::ours(&name, "p50", latency("50%")?, "ms"),
        Row::ours(&name, "p99", latency("99%")?, "ms"),
        Row::ours(&name, "refused", refused, "count").just(0.0),
    ])
}

/// `1.20ms`, `950.00us`, `1.02s`.
fn milliseconds(text: &str) -> anyhow::Result<f64> {
    let (number, factor) = [("us", 1e-3), ("ms", 1.0), ("s", 1e3)]
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))
        .with_context(|| format!("`{text}` is no time"))?;
    Ok(number.parse::<f64>()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_wrk_are_read() {
        let read = ["950.00us", "1.20ms", "1.02s"].map(|text| (milliseconds(text).unwrap() * 1e3).round());
        assert_eq!(read, [950.0, 1200.0, 1_020_000.0]);
        assert!(milliseconds("1m").is_err());
    }
}
