//! Health, public and without a key:
//!
//! - `GET /health/live`: 200 as soon as the process serves; no I/O. What a proxy routes by.
//! - `GET /health/ready`: whether requests will be answered; 503 where not.
//! - `GET /health`: the report that people and smoke tests read; 503 (`unhealthy`) after two failed probes or 10 s without
//!   Postgres.

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::http::{Json, OpenApiRouter, PostgresProbe, Probe, Resources, ending, routes};
use kotadb_core::wire::{
    Health, HealthStatus, JobQueue, Readiness, Saas, SaasStatus, SpendGuard, StoreHealth, Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(health)).routes(routes!(live)).routes(routes!(ready))
}

/// The answer of `/health/live`.
#[derive(Debug, Serialize, ToSchema)]
struct Live {
    /// Always `live`.
    status: &'static str,
}

/// Whether the process serves
///
/// Asks nobody: it is what a proxy routes by.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    operation_id = "read_liveness",
    responses((status = 200, description = "It serves.", body = Live))
)]
async fn live() -> Json<Live> {
    Json(Live { status: "live" })
}

/// Whether requests will be answered
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    operation_id = "read_readiness",
    responses(
        (status = 200, description = "They will.", body = Readiness),
        (status = 503, description = "They will not: one of the parts says why.", body = Readiness),
    )
)]
async fn ready(State(resources): State<Resources>) -> (StatusCode, Json<Readiness>) {
    let probe = resources.probe().await;
    let (postgres, store) = (postgres_status(&probe), store_status(&probe));
    let schema_current = probe.is_schema_current();
    let stopping = ending::is_announced();
    let ready = postgres == SaasStatus::Ok && store == SaasStatus::Ok && schema_current && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, stopping, postgres, schema_current, store }))
}

/// How the service is
///
/// What people, smoke tests and deployments read: Postgres, the job queue, the object store.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    operation_id = "read_health",
    responses(
        (status = 200, description = "`healthy`, or `degraded`.", body = Health),
        (status = 503, description = "`unhealthy`: Postgres is away.", body = Health),
    )
)]
async fn health(State(resources): State<Resources>) -> (StatusCode, Json<Health>) {
    let probe = resources.probe().await;
    let health_status = whole(&probe);
    let status = match health_status {
        HealthStatus::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
        HealthStatus::Healthy | HealthStatus::Degraded => StatusCode::OK,
    };
    let (schema_version, last_sweep) = match &probe.postgres {
        PostgresProbe::Answers { schema_version, job_queue, .. } => {
            (schema_version.clone(), job_queue.and_then(|queue| queue.last_sweep))
        }
        _ => (None, None),
    };
    let report = Health {
        status: health_status,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("KOTADB_COMMIT").map(ToOwned::to_owned),
        services_enabled: services(&resources),
        saas: saas(&probe),
        store: StoreHealth { status: store_status(&probe), latency_ms: probe.store.map(milliseconds) },
        last_sweep: last_sweep.map(Timestamp::from),
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
