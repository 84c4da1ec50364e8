//! The jobs of a repository, and how far the newest is: part of its page, and renewed alone while one runs
//! (`GET /repositories/{id}/jobs`).

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::jobs::{self, JobState};
use kotadb_core::db::{Db, Scope};
use kotadb_core::http::scope::ReadJobs;
use kotadb_core::http::{ApiError, Authorized, Id, Resources};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::wire::{Job, JobEvent};
use maud::{Markup, html};
use serde_json::Value;

use crate::forms::Form;
use crate::layout::{Visitor, answer};
use crate::links;
use crate::moment::{ago, bytes, number};
use crate::visible::Visible;

/// Jobs that are shown.
const MOST: i64 = 8;
/// The way of a job, in order.
const STEPS: [(&str, &str); 6] = [
    ("claimed", "taken"),
    ("listed", "refs listed"),
    ("fetched", "fetched"),
    ("built", "built"),
    ("uploaded", "uploaded"),
    ("published", "searchable"),
];

/// Jobs, the newest first, and the steps of that one.
pub(crate) struct Jobs {
    rows: Vec<Job>,
    events: Vec<JobEvent>,
    is_open: bool,
}

/// The part alone.
pub(crate) async fn part(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<ReadJobs>,
    Id(id): Id<RepositoryId>,
) -> Result<Response, ApiError> {
    key.require(id)?;
    let jobs = Jobs::of(resources.db()?, key.tenant, id).await?;
    Ok(answer(jobs.show(id, key.has("jobs:write").then_some(&visitor))))
}

impl Jobs {
    /// Reads them.
    pub(crate) async fn of(db: &Db, tenant: TenantId, id: RepositoryId) -> Result<Self, ApiError> {
        let mut tx = db.begin(Scope::Tenant(tenant)).await?;
        let rows = jobs::list(&mut tx, Some(&[id]), None, MOST).await?;
        let events = match rows.first() {
            Some(newest) => jobs::events(&mut tx, newest.id).await?,
            None => Vec::new(),
        };
        tx.commit().await?;
        let is_open = rows.iter().any(|row| matches!(row.state, JobState::Queued | JobState::Running));
        let rows = rows.into_iter().map(Job::from).collect();
        Ok(Self { rows, events: events.into_iter().map(JobEvent::from).collect(), is_open })
    }

    /// What the newest finished one left out, by reason.
    pub(crate) fn skipped(&self) -> Vec<(String, u64)> {
        let summary = self.rows.iter().find(|job| job.state == "done").and_then(|job| job.summary.as_ref());
        let reasons = summary.and_then(|summary| summary["skipped"].as_object());
        let count = |(reason, n): (&String, &Value)| Some((reason.replace('_', " "), n.as_u64().filter(|n| *n > 0)?));
        reasons.into_iter().flatten().filter_map(count).collect()
    }

    /// As HTML, with a button for a visitor who may ask for one; while one runs, a script renews it.
    pub(crate) fn show(&self, id: RepositoryId, may_change: Option<&Visitor>) -> Markup {
        let (page, request) = (links::repository(id), format!("POST /api/v1/repositories/{id}/index"));
        let button = html! { button.secondary type="submit" disabled[self.is_open] { "Index now" } };
        html! {
            section #jobs aria-labelledby="jobs-title" data-live=[self.is_open.then(|| format!("/repositories/{id}/jobs"))] {
                div.bar {
                    h2 #jobs-title { "Jobs" }
                    @if let Some(visitor) = may_change { (Form::new(&request, &page).show(visitor, &button)) }
                }
                @if self.is_open {
                    (self.progress())
                    noscript { p.note { a href=(page) { "Load the page again" } " to see how far it is." } }
                }
                @if self.rows.is_empty() { p.quiet { "There was none yet." } }
                ol.jobs { @for job in &self.rows { li { (row(job)) } } }
            }
        }
    }

    /// How far the newest is.
    fn progress(&self) -> Markup {
        let attempt = self.events.iter().map(|event| event.attempt).max().unwrap_or_default();
        let of_try = || self.events.iter().filter(|event| event.attempt == attempt);
        let detail = |phase: &str| of_try().filter(|event| event.phase == phase).map(|event| &event.detail).next_back();
        let done = STEPS.iter().filter(|(phase, _)| detail(phase).is_some()).count();
        html! {
            div.progress role="status" {
                progress max=(STEPS.len()) value=(done) aria-label="Steps of the job that are done" {}
                ol.steps {
                    @for (phase, name) in STEPS {
                        @let said = detail(phase);
                        li.done[said.is_some()] { (name) @if let Some(said) = said { (numbers(said)) } }
                    }
                }
            }
        }
    }
}

/// Amounts that a step told.
fn numbers(detail: &Value) -> Markup {
    let files = detail["files"].as_u64().map(|n| format!(" {} files", number(n)));
    let written = detail["bytes_written"].as_u64().map(|n| format!(" {}", bytes(n)));
    html! { span.quiet { @for text in files.iter().chain(&written) { (text) } } }
}

fn row(job: &Job) -> Markup {
    let (n, at) =
        (job.summary.as_ref().and_then(|summary| summary["files"].as_u64()), job.finished_at.unwrap_or(job.created_at));
    html! {
        span class=(badge(&job.state)) { (job.state) }
        " " (job.trigger) " · " (ago(at))
        @if let Some(n) = n { " · " (number(n)) " files" }
        @if job.attempt > 1 { " · try " (job.attempt) }
        @if let (Some(error), true) = (&job.error, job.state != "done") { p.alarm { (Visible(error)) } }
    }
}

fn badge(state: &str) -> &'static str {
    match state {
        "done" => "badge good",
        "dead" => "badge bad",
        "running" => "badge busy",
        _ => "badge",
    }
}
