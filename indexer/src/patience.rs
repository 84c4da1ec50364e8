//! How long a worker waits for a Postgres that cannot be reached.

use std::time::{Duration, Instant};

use kotadb_core::db::DbError;
use kotadb_core::telemetry::events;
use tracing::warn;

/// How long Postgres may be away before a drain gives up, and before the row of a finished job is left to its rescue.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The same for a job that is given back: whoever asked the process to end waits for it, and the rescue does as well.
pub const RELEASE_PATIENCE: Duration = Duration::from_secs(3);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Tries again while Postgres cannot be reached, for a while.
pub async fn patiently_for<T, F>(patience: Duration, mut call: impl FnMut() -> F) -> Result<T, DbError>
where
    F: Future<Output = Result<T, DbError>>,
{
    let since = Instant::now();
    loop {
        match call().await {
            Err(error @ DbError::Unreachable(_)) if since.elapsed() < patience => {
                warn!(%error, "{}", events::DATABASE_UNREACHABLE);
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}
