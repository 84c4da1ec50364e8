//! How jobs are printed: lines of columns for people, JSON for programs.

use kotadb_core::db::jobs::JobEvent;
use kotadb_core::db::operators::OperatorJob;
use kotadb_core::wire;
use serde::Serialize;

use crate::columns::Columns;
use crate::screen::Screen;

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

/// One line a job under a line of titles, or one JSON object a line.
pub fn print(jobs: &[OperatorJob], mut screen: Screen, is_json: bool) -> anyhow::Result<()> {
    match is_json {
        true => jobs.iter().try_for_each(|job| screen.json(&Line::from(job.clone())))?,
        false => columns(jobs).print(&mut screen)?,
    }
    screen.finish()
}

fn columns(jobs: &[OperatorJob]) -> Columns<9> {
    let mut columns = Columns::new(["ID", "STATE", "TRIGGER", "PRIO", "TRY", "TENANT", "REPOSITORY", "CLASS", "ERROR"]);
    for of in jobs {
        let (row, error) = (&of.job, of.job.error.as_deref().unwrap_or_default());
        columns.row([
            row.id.to_string(),
            row.state.as_str().to_owned(),
            row.trigger.as_str().to_owned(),
            of.priority.to_string(),
            row.attempt.to_string(),
            of.tenant.clone(),
            of.repository.clone(),
            row.error_class.clone().unwrap_or_default(),
            error.lines().next().unwrap_or_default().chars().take(60).collect(),
        ]);
    }
    columns
}

/// A job and its steps.
pub fn show(of: OperatorJob, events: Vec<JobEvent>, mut screen: Screen, is_json: bool) -> anyhow::Result<()> {
    if is_json {
        let mut line = Line::from(of);
        line.job.events = Some(events.into_iter().map(wire::JobEvent::from).collect());
        screen.json(&line)?;
        return screen.finish();
    }
    columns(std::slice::from_ref(&of)).print(&mut screen)?;
    for event in &events {
        let (at, phase) = (wire::Timestamp(event.at), event.phase.as_str());
        screen.line(&format!("{at}  try {}  {phase:<9}  {}", event.attempt, event.detail))?;
    }
    if let Some(error) = &of.job.error {
        screen.line("")?;
        screen.line(&format!("last error: {error}"))?;
    }
    screen.finish()
}
