//! The end of a process, announced before it comes: readiness says no and every answer closes its connection, while what comes is
//! still answered. So who sends requests here has time to look elsewhere, and no connection is cut.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::config::{Config, Mode};

/// How long a service goes on after its end was announced.
const NOTICE: Duration = Duration::from_secs(2);

/// A process has one end, so this is a fact of the process.
static ANNOUNCED: AtomicBool = AtomicBool::new(false);

/// Ready when the listener is to close: at `stop`, and in the mode `saas`, where a proxy sends requests, two seconds later.
pub async fn announced(config: &Config, stop: impl Future<Output = ()>) {
    let notice = if config.mode == Mode::Saas { NOTICE } else { Duration::ZERO };
    stop.await;
    ANNOUNCED.store(true, Ordering::Relaxed);
    tracing::info!(notice_ms = notice.as_millis() as u64, "Asked to stop");
    tokio::time::sleep(notice).await;
}

/// Whether the end was announced.
pub fn is_announced() -> bool {
    ANNOUNCED.load(Ordering::Relaxed)
}
