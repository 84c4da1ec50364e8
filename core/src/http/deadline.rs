//! A deadline shorter than that of the stack, for callers that wait less long.

use std::future::Future;
use std::time::Duration;

use super::error::ApiError;

/// Ends `work` after `limit` with `unavailable`, so that the caller may repeat the request.
pub async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(elapsed) => Err(ApiError::unavailable("the database", elapsed)),
    }
}
