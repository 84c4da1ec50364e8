//! Health, public and without a key:
//!
//! - `GET /health/live`: 200 as soon as the process serves; no I/O. What a proxy routes by.
//! - `GET /health/ready`: whether requests will be answered; 503 where not.
//! - `GET /health`: the report that people and smoke tests read; 503 (`unhealthy`) after two failed probes or 10 s without
//!   Postgres.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use kotadb_core::http::{Json, PostgresProbe, Probe, Resources};
use kotadb_core::wire::{Health, HealthStatus, JobQueue, Readiness, Saas, SaasStatus, SpendGuard, StoreHealth};
use serde::Serialize;

/// The routes of this family.
pub fn routes() -> Router<Resources> {
    Router::new().route("/health", get(health)).route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The answer of `/health/live`.
#[derive(Debug, Serialize)]
struct Live {
    status: &'static str,
}

async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

async fn ready(State(resources): State<Resources>) -> (StatusCode, Json<Readiness>) {
    let probe = resources.probe().await;
    let (postgres, store) = (postgres_status(&probe), store_status(&probe));
    let schema_current = probe.is_schema_current();
    let ready = postgres == SaasStatus::Ok && store == SaasStatus::Ok && schema_current;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, postgres, schema_current, store }))
}

async fn health(State(resources): State<Resources>) -> (StatusCode, Json<Health>) {
    let probe = resources.probe().await;
    let health_status = whole(&probe);
    let status = match health_status {
        HealthStatus::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        HealthStatus::Healthy | HealthStatus::Degraded => StatusCode::OK,
    };
    let schema_version = match &probe.postgres {
        PostgresProbe::Answers { schema_version, .. } => schema_version.clone(),
        _ => None,
    };
    let report = Health {
        status: health_status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("KOTADB_COMMIT").map(ToOwned::to_owned),
        services_enabled: services(&resources),
        saas: saas(&probe),
        store: StoreHealth { status: store_status(&probe), latency_ms: probe.store.map(milliseconds) },
        last_sweep: None,
        schema_version,
    };
    (status, Json(report))
}

fn whole(probe: &Probe) -> HealthStatus {
    if probe.is_down() || probe.postgres == PostgresProbe::NotConfigured {
        HealthStatus::Unhealthy
    } else if probe.postgres == PostgresProbe::Away || probe.store.is_none() || !probe.is_schema_current() {
        HealthStatus::Degraded
    } else {
        HealthStatus::Healthy
    }
}

/// Route families, by what they need of the configuration.
fn services(resources: &Resources) -> Vec<String> {
    let config = resources.config();
    let mut services = vec!["health"];
    if config.database_url.is_some() {
        services.extend(["search", "jobs"]);
        if config.master_key.is_some() {
            services.extend(["repositories", "webhooks"]);
        }
    }
    services.into_iter().map(ToOwned::to_owned).collect()
}

fn saas(probe: &Probe) -> Saas {
    let supabase_status = postgres_status(probe);
    let PostgresProbe::Answers { latency, job_queue, .. } = &probe.postgres else {
        return Saas { supabase_status, supabase_latency_ms: None, job_queue: None };
    };
    let job_queue = job_queue.map(|counts| JobQueue {
        queued: counts.queued,
        in_progress: counts.in_progress,
        failed_recent: counts.failed_recent,
        failed_recent_tenant: counts.failed_recent_tenant,
        oldest_queued_seconds: counts.oldest_queued_seconds,
        paused: counts.paused,
        spend_guard: SpendGuard {
            active: counts.spend_limit_seconds.is_some_and(|limit| counts.spent_seconds >= limit),
            spent_seconds: counts.spent_seconds,
            limit_seconds: counts.spend_limit_seconds,
            tenants_over: counts.tenants_over,
        },
    });
    Saas { supabase_status, supabase_latency_ms: Some(milliseconds(*latency)), job_queue }
}

fn postgres_status(probe: &Probe) -> SaasStatus {
    match probe.postgres {
        PostgresProbe::NotConfigured => SaasStatus::NotConfigured,
        PostgresProbe::Away => SaasStatus::Error,
        PostgresProbe::Answers { .. } => SaasStatus::Ok,
    }
}

fn store_status(probe: &Probe) -> SaasStatus {
    if probe.store.is_some() { SaasStatus::Ok } else { SaasStatus::Error }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
