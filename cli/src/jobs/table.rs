//! How jobs are printed: lines of columns for people, JSON for programs.

use std::io::{BufWriter, Write, stdout};

use kotadb_core::db::jobs::JobEvent;
use kotadb_core::db::operators::OperatorJob;
use kotadb_core::wire;
use serde::Serialize;

/// A job in JSON: as its owner gets it, and whose it is.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    job: wire::Job,
    tenant: String,
    repository_name: String,
    priority: i16,
    crash_count: i32,
    lease_owner: Option<String>,
}

impl From<OperatorJob> for Line {
    fn from(of: OperatorJob) -> Self {
        let OperatorJob { job, tenant, repository, priority, crash_count, lease_owner } = of;
        Self { job: job.into(), tenant, repository_name: repository, priority, crash_count, lease_owner }
    }
}

/// One line a job under a line of titles.
pub fn print(jobs: &[OperatorJob]) -> anyhow::Result<()> {
    let titles = ["ID", "STATE", "TRIGGER", "PRIO", "TRY", "TENANT", "REPOSITORY", "CLASS", "ERROR"];
    let rows = jobs.iter().map(|of| {
        let (row, error) = (&of.job, of.job.error.clone().unwrap_or_default());
        [
            row.id.to_string(),
            row.state.as_str().to_owned(),
            row.trigger.as_str().to_owned(),
            of.priority.to_string(),
            row.attempt.to_string(),
            of.tenant.clone(),
            of.repository.clone(),
            row.error_class.clone().unwrap_or_default(),
            error.lines().next().unwrap_or_default().chars().take(60).collect(),
        ]
    });
    let rows: Vec<[String; 9]> = std::iter::once(titles.map(str::to_owned)).chain(rows).collect();
    let widths: Vec<usize> =
        (0..9).map(|nth| rows.iter().map(|row| row[nth].chars().count()).max().unwrap_or(0)).collect();
    let mut out = BufWriter::new(stdout().lock());
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(out.flush()?)
}

/// One JSON object a line.
pub fn print_json(jobs: &[OperatorJob]) -> anyhow::Result<()> {
    let mut out = BufWriter::new(stdout().lock());
    for job in jobs {
        writeln!(out, "{}", serde_json::to_string(&Line::from(job.clone()))?)?;
    }
    Ok(out.flush()?)
}

/// A job and its steps.
pub fn show(of: &OperatorJob, events: &[JobEvent]) -> anyhow::Result<()> {
    print(std::slice::from_ref(of))?;
    let mut out = BufWriter::new(stdout().lock());
    for event in events {
        let at = serde_json::to_string(&wire::Timestamp(event.at))?;
        writeln!(
            out,
            "{}  try {}  {:<9}  {}",
            at.trim_matches('"'),
            event.attempt,
            event.phase.as_str(),
            event.detail
        )?;
    }
    if let Some(error) = &of.job.error {
        writeln!(out, "\nlast error: {error}")?;
    }
    Ok(out.flush()?)
}

/// The same as one JSON object.
pub fn show_json(of: OperatorJob, events: Vec<JobEvent>) -> anyhow::Result<()> {
    let mut line = Line::from(of);
    line.job.events = Some(events.into_iter().map(wire::JobEvent::from).collect());
    println!("{}", serde_json::to_string(&line)?);
    Ok(())
}
