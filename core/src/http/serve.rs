//! Serves a router over TCP until the process is asked to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long open requests may go on after the stop.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until `stop` is ready, then finishes the requests that are open, for at most 25 s.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("Stopping");
        // The receiver lives as long as the server that this future belongs to.
        let _ = stopping.send(());
    });
    tokio::select! {
        served = server => served,
        () = drained(stopped) => Ok(()),
    }
}

async fn drained(stopped: oneshot::Receiver<()>) {
    if stopped.await.is_err() {
        return std::future::pending().await;
    }
    tokio::time::sleep(DRAIN).await;
    tracing::warn!(waited_ms = DRAIN.as_millis() as u64, "Stopped with requests still open");
}

/// Ready at SIGTERM or SIGINT. The handlers are in place when this returns, not when it is first awaited.
pub fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
    })
}
