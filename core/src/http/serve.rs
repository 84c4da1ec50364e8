//! Serves a router over TCP until the process is asked to stop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use super::listener::Closing;

/// How long a connection that was taken last has until its request is there: what has sent nothing by then is closed.
const LAST_REQUESTS: Duration = Duration::from_millis(250);
/// How long open requests may go on after the stop.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until `stop` is ready, then takes what connections there are, closes the listener and finishes the requests that are
/// open, for at most 25 s.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (close, closing) = watch::channel(false);
    let (closed, is_closed) = oneshot::channel();
    let (stopping, stopped) = oneshot::channel();
    let listener = Closing::new(listener, closing, closed)?;
    // An answer is one small write: waiting to send more with it only delays it.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        stop.await;
        tracing::info!("Stopping");
        // The receivers live as long as the server that this future belongs to.
        let _ = (close.send(true), is_closed.await);
        tokio::time::sleep(LAST_REQUESTS).await;
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
