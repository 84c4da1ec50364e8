//! What a tenant may use and has used.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::db::tenants::{Gauge, TenantRow};

/// How much of something is used, and how much may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Used {
    /// Used.
    pub used: u64,
    /// How much may be; `null`: any number.
    pub limit: Option<u64>,
}

/// The plan of a tenant, and what it has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// Name of the plan.
    pub plan: String,
    /// Units that each key or member may use in a minute: a search costs 2, another read 1, a write 5. `null`: any number.
    pub units_per_minute: Option<u64>,
    /// Searches of this calendar month (UTC).
    pub searches: Used,
    /// Requests of this calendar month.
    pub requests: u64,
    /// Registered repositories.
    pub repositories: Used,
    /// Bytes in the object store, as the last sweep saw them.
    pub stored_bytes: Used,
    /// When that was.
    pub stored_at: Option<Timestamp>,
    /// API keys that are valid.
    pub keys: Used,
    /// Jobs that run.
    pub running_jobs: Used,
}

impl From<&TenantRow> for Usage {
    fn from(row: &TenantRow) -> Self {
        Self {
            plan: row.plan.clone(),
            units_per_minute: row.units_per_minute.map(|units| number(units.into())),
            searches: row.searches.into(),
            requests: number(row.requests),
            repositories: row.repositories.into(),
            stored_bytes: row.stored_bytes.into(),
            stored_at: row.stored_at.map(Timestamp),
            keys: row.keys.into(),
            running_jobs: row.running_jobs.into(),
        }
    }
}

impl From<Gauge> for Used {
    fn from(gauge: Gauge) -> Self {
        Self { used: number(gauge.used), limit: gauge.limit.map(number) }
    }
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
