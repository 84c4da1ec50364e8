//! `/metrics` for Prometheus, on a port of its own that no proxy leads to. What jobs came to is read from Postgres, because
//! the indexers that run them are gone before anybody could ask them; each router tells the same of it.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::probe::{PostgresProbe, Probe};
use super::resources::Resources;
use crate::db::health::{self, JobQueue, JobTotal};
use crate::db::{Db, DbError, Scope};
use crate::metrics;

/// How long what Postgres told serves all who ask.
const LIFE: Duration = Duration::from_secs(10);
/// Longest wait for it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What Postgres told of jobs, and when.
pub(super) type Totals = Option<(Instant, Vec<JobTotal>)>;

type Labels = Vec<(&'static str, String)>;

/// The router of the metrics' own port. Without layers: nothing of it is for the public.
pub fn metrics_router(resources: Resources) -> Router {
    Router::new().route("/metrics", get(page)).with_state(resources)
}

async fn page(State(resources): State<Resources>) -> Response {
    let probe = resources.probe().await;
    let totals = resources.job_totals().await;
    let mut registry = metrics::registry();
    of_process(&mut registry, &resources);
    of_probe(&mut registry, &probe);
    ends(&mut registry, &totals);
    match metrics::encode(&registry) {
        Ok(page) => ([(CONTENT_TYPE, metrics::MEDIA_TYPE)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

impl Resources {
    /// Ends of jobs, asked at most every ten seconds; what was told last while Postgres is away.
    async fn job_totals(&self) -> Vec<JobTotal> {
        let mut kept = self.last_totals().lock().await;
        let is_young = kept.as_ref().is_some_and(|(at, _)| at.elapsed() < LIFE);
        if let (false, Ok(db)) = (is_young, self.probe_db()) {
            match tokio::time::timeout(TIMEOUT, totals(db)).await {
                Ok(Ok(totals)) => *kept = Some((Instant::now(), totals)),
                Ok(Err(error)) => tracing::warn!(error = %error, "Ends of jobs cannot be read: {error}"),
                Err(_) => tracing::warn!("Ends of jobs cannot be read in time"),
            }
        }
        kept.as_ref().map(|(_, totals)| totals.clone()).unwrap_or_default()
    }
}

async fn totals(db: &Db) -> Result<Vec<JobTotal>, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let totals = health::job_totals(&mut tx).await?;
    tx.commit().await?;
    Ok(totals)
}

fn of_process(registry: &mut Registry, resources: &Resources) {
    let build = Family::<Labels, Gauge>::default();
    let commit = option_env!("KOTADB_COMMIT").unwrap_or_default().to_owned();
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("commit", commit)];
    build.get_or_create(&labels).set(1);
    registry.register("build", "What runs", build);
    if let Ok(db) = resources.db() {
        let connections = Family::<Labels, Gauge>::default();
        let (open, idle) = db.connections();
        for (state, count) in [("idle", idle), ("used", open.saturating_sub(idle))] {
            connections.get_or_create(&vec![("state", state.to_owned())]).set(count.into());
        }
        registry.register("database_connections", "Connections to Postgres", connections);
    }
}

fn of_probe(registry: &mut Registry, probe: &Probe) {
    let up = Family::<Labels, Gauge>::default();
    let answers = matches!(probe.postgres, PostgresProbe::Answers { .. });
    for (what, is_up) in [("postgres", answers), ("store", probe.store.is_some())] {
        up.get_or_create(&vec![("service", what.to_owned())]).set(is_up.into());
    }
    registry.register("up", "Whether what this process needs answers", up);
    if let PostgresProbe::Answers { job_queue: Some(queue), .. } = &probe.postgres {
        of_queue(registry, queue);
    }
}

fn of_queue(registry: &mut Registry, queue: &JobQueue) {
    let jobs = Family::<Labels, Gauge>::default();
    for (state, count) in [("queued", queue.queued), ("running", queue.in_progress)] {
        jobs.get_or_create(&vec![("state", state.to_owned())]).set(count);
    }
    registry.register("jobs", "Jobs that wait, and that run", jobs);
    let oldest: Gauge = Gauge::default();
    oldest.set(queue.oldest_queued_seconds);
    registry.register_with_unit("job_oldest_due", "How long the oldest due job has waited", Unit::Seconds, oldest);
    let paused: Gauge = Gauge::default();
    paused.set(queue.paused.into());
    registry.register("jobs_paused", "Whether an operator has paused all jobs", paused);
    let worked: Counter = Counter::default();
    worked.inc_by(u64::try_from(queue.spent_seconds).unwrap_or_default());
    let help = "What indexers have worked since midnight UTC";
    registry.register_with_unit("indexer_worked", help, Unit::Seconds, worked);
    if let Some(ended) = queue.last_sweep {
        let sweep: Gauge = Gauge::default();
        sweep.set(ended.unix_timestamp());
        registry.register_with_unit("last_sweep_timestamp", "When the last sweep ended", Unit::Seconds, sweep);
    }
}

fn ends(registry: &mut Registry, totals: &[JobTotal]) {
    let ended = Family::<Labels, Counter>::default();
    for JobTotal { outcome, class, jobs } in totals {
        let labels = vec![("outcome", outcome.clone()), ("class", class.clone())];
        ended.get_or_create(&labels).inc_by(u64::try_from(*jobs).unwrap_or_default());
    }
    let help = "Ends of jobs, and tries that failed and were made again, by class of their error";
    registry.register("jobs_ended", help, ended);
}
