//! A listener that closes without losing anybody: told to close, it first takes every connection that the kernel has ready.

use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// How long accepting pauses when it fails: mostly for want of file descriptors, which come back.
const PAUSE: Duration = Duration::from_millis(100);

/// The listener, until it is closed.
pub(super) struct Closing {
    listener: Option<TcpListener>,
    address: SocketAddr,
    close: watch::Receiver<bool>,
    closed: Option<oneshot::Sender<()>>,
}

impl Closing {
    /// Closes once `close` holds true, and says so through `closed`.
    pub(super) fn new(
        listener: TcpListener,
        close: watch::Receiver<bool>,
        closed: oneshot::Sender<()>,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { listener: Some(listener), address, close, closed: Some(closed) })
    }

    /// What is ready, or the end of the listener: between the last look and the end nothing is waited for.
    async fn last(&mut self) -> Option<io::Result<(TcpStream, SocketAddr)>> {
        let listener = self.listener.as_ref()?;
        let ready = poll_fn(|context| match listener.poll_accept(context) {
            Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
            Poll::Pending => Poll::Ready(None),
        });
        let accepted = ready.await;
        if accepted.is_none() {
            self.listener = None;
            // Whoever waited for this has gone.
            let _ = self.closed.take().map(|closed| closed.send(()));
        }
        accepted
    }

    async fn next(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        if !*self.close.borrow()
            && let Some(listener) = &self.listener
        {
            tokio::select! {
                accepted = listener.accept() => return accepted,
                // An error says that nobody can close it any more.
                changed = self.close.changed() => if changed.is_err() { return listener.accept().await },
            }
        }
        match self.last().await {
            Some(accepted) => accepted,
            None => pending().await,
        }
    }
}

impl Listener for Closing {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.next().await {
                Ok(accepted) => return accepted,
                Err(error) => {
                    tracing::warn!(%error, "Cannot accept a connection: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
