//! Whole processes, timed from start to end, their output read and counted.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::samples::{Effort, Samples};

/// Timings of a program, and what it printed.
#[derive(Debug)]
pub struct Timed {
    /// Times.
    pub samples: Samples,
    /// Lines on standard output, each run the same.
    pub lines: u64,
}

/// Few runs: a process is slow, and its spread is small beside it.
const EFFORT: Effort = Effort { warm_up: 1, least: 3, most: 15, patience: Duration::from_secs(2) };

/// Runs of each of several commands.
const ROUNDS: usize = 15;

/// Times a command. Exit codes 0 and 1 (nothing found) are good.
pub fn time(command: &mut Command) -> anyhow::Result<Timed> {
    let mut lines = 0;
    let samples = Samples::take(EFFORT, || {
        lines = run(command)?;
        anyhow::Ok(())
    })?;
    Ok(Timed { samples, lines })
}

/// Times commands in turn, one run of each after the other: what else the machine does meets all of them alike.
pub fn time_in_turn(commands: &mut [Command]) -> anyhow::Result<Vec<Timed>> {
    let mut times = vec![Vec::new(); commands.len()];
    let mut lines = vec![0; commands.len()];
    for round in 0..=ROUNDS {
        for (nth, command) in commands.iter_mut().enumerate() {
            let start = Instant::now();
            lines[nth] = run(command)?;
            // The first round is the warm-up.
            times[nth].extend((round > 0).then(|| start.elapsed()));
        }
    }
    let timed = times.into_iter().zip(lines);
    Ok(timed.map(|(times, lines)| Timed { samples: Samples::of(times), lines }).collect())
}

/// Runs a command and counts the lines it prints.
fn run(command: &mut Command) -> anyhow::Result<u64> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().map_err(|error| anyhow::anyhow!("cannot start {command:?}: {error}"))?;
    let mut stdout = child.stdout.take().context("standard output is a pipe")?;
    let mut part = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        match stdout.read(&mut part)? {
            0 => break,
            n => lines += part[..n].iter().filter(|byte| **byte == b'\n').count() as u64,
        }
    }
    let status = child.wait()?;
    anyhow::ensure!(matches!(status.code(), Some(0 | 1)), "{command:?} ended with {status}");
    Ok(lines)
}

/// What a command prints; it must succeed.
pub fn output<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(args);
    let done = command.output().with_context(|| format!("cannot start `{}`", program.display()))?;
    let error = String::from_utf8_lossy(&done.stderr);
    anyhow::ensure!(done.status.success(), "{command:?} ended with {}: {error}", done.status);
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
