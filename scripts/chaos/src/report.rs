//! What was found: one row an invariant of a fault, printed as a table and written as JSON.

use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

/// One invariant after one fault.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Number and name of the fault.
    pub fault: String,
    /// What must hold.
    pub invariant: String,
    /// How often it was tried.
    pub runs: u64,
    /// How often it did not hold.
    pub violations: u64,
    /// The figure that `target` bounds.
    pub value: f64,
    /// The bound.
    pub target: String,
    /// Whether it holds. What was not tried does not hold.
    pub holds: bool,
}

/// A fault, or a part of one, that was not tried.
#[derive(Clone, Debug, Serialize)]
pub struct NotRun {
    /// Number and name of the fault.
    pub fault: String,
    /// What it waits for.
    pub needs: String,
}

/// All of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Where the chances begin.
    pub seed: u64,
    /// Whether it was the long form.
    pub long: bool,
    /// What was tried.
    pub rows: Vec<Row>,
    /// What was not.
    pub not_run: Vec<NotRun>,
}

/// The rows of one fault.
#[derive(Debug)]
pub struct Findings {
    fault: String,
    rows: Vec<Row>,
    not_run: Vec<NotRun>,
}

impl Findings {
    /// None yet.
    pub fn of(fault: &str) -> Self {
        Self { fault: fault.to_owned(), rows: Vec::new(), not_run: Vec::new() }
    }

    /// Something that must never happen, and how often it did in so many runs.
    pub fn never(&mut self, invariant: &str, runs: u64, violations: u64) {
        self.push(invariant, runs, violations, violations as f64, "0".to_owned());
    }

    /// A figure of so many runs that must not pass `limit`.
    pub fn at_most(&mut self, invariant: &str, runs: u64, value: f64, limit: f64) {
        // A figure that is none is over every limit.
        let over = u64::from(value.is_nan() || value > limit);
        self.push(invariant, runs, over, value, format!("<= {limit}"));
    }

    /// A figure that must reach `limit`: that the fault did happen.
    pub fn at_least(&mut self, invariant: &str, value: f64, limit: f64) {
        self.push(invariant, 1, u64::from(value < limit), value, format!(">= {limit}"));
    }

    /// A part that was not tried, and what it waits for.
    pub fn needs(&mut self, what: &str) {
        self.not_run.push(NotRun { fault: self.fault.clone(), needs: what.to_owned() });
    }

    fn push(&mut self, invariant: &str, runs: u64, violations: u64, value: f64, target: String) {
        let (fault, invariant) = (self.fault.clone(), invariant.to_owned());
        let holds = violations == 0 && runs > 0;
        self.rows.push(Row { fault, invariant, runs, violations, value, target, holds });
    }
}

impl Report {
    /// Prints what a fault came to and keeps it.
    pub fn add(&mut self, findings: Findings) {
        findings.rows.iter().for_each(print);
        findings.not_run.iter().for_each(|not| println!("{:<26} not run: needs {}", not.fault, not.needs));
        self.rows.extend(findings.rows);
        self.not_run.extend(findings.not_run);
    }

    /// Whether every row holds, and there is one.
    pub fn holds(&self) -> bool {
        !self.rows.is_empty() && self.rows.iter().all(|row| row.holds)
    }

    /// Writes the report.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        fs::write(path, serde_json::to_vec_pretty(self)?).with_context(|| format!("cannot write `{}`", path.display()))
    }
}

fn print(row: &Row) {
    let holds = if row.holds { "holds" } else { "BROKEN" };
    println!(
        "{:<26} {:<58} {:>6} runs {:>4} broken {:>12.3} {:<10} {holds}",
        row.fault, row.invariant, row.runs, row.violations, row.value, row.target
    );
}
