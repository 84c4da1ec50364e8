//! Where a transaction meets its connection. Tests put something between; otherwise there is nothing.

#[cfg(feature = "testing")]
use std::sync::Arc;

#[cfg(feature = "testing")]
use crate::operations::{Interrupted, Operations};

/// What is between.
#[derive(Clone, Debug, Default)]
pub(super) struct Seam {
    #[cfg(feature = "testing")]
    operations: Option<Arc<Operations>>,
}

impl Seam {
    /// Counts and interrupts.
    #[cfg(feature = "testing")]
    pub(super) fn of(operations: &Arc<Operations>) -> Self {
        Self { operations: Some(Arc::clone(operations)) }
    }

    /// Lets a message through, and its answer.
    #[cfg(feature = "testing")]
    pub(super) async fn through<T>(
        self,
        what: &'static str,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let Some(operations) = self.operations else { return answer.await };
        let lost = |error: Interrupted| sqlx::Error::Io(std::io::Error::other(error));
        let allowed = operations.before(what).await.map_err(lost)?;
        let answer = answer.await;
        operations.after(allowed).await.map_err(lost)?;
        answer
    }

    /// Lets a message through, and its answer.
    #[cfg(not(feature = "testing"))]
    pub(super) async fn through<T>(
        self,
        _: &'static str,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        answer.await
    }
}
