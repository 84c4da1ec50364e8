//! A TCP proxy that can delay, keep silent, cut, and be led elsewhere: the network between two programs.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// It carries.
    Fine,
    /// Each piece waits so long.
    Slow(Duration),
    /// Nothing arrives, and nobody is told.
    Silent,
    /// Connections end at once, new ones too.
    Cut,
}

/// A proxy on 127.0.0.1; dropped, it ends.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    upstream: Arc<AtomicU16>,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Leads to a port of 127.0.0.1.
    pub async fn start(upstream: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let upstream = Arc::new(AtomicU16::new(upstream));
        let weather = watch::Sender::new(Weather::Fine);
        let task = tokio::spawn(accept(listener, Arc::clone(&upstream), weather.clone()));
        Ok(Self { port, upstream, weather, task })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads new connections elsewhere.
    pub fn lead_to(&self, upstream: u16) {
        self.upstream.store(upstream, Ordering::SeqCst);
    }

    /// Changes what it does, to connections that are open too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, upstream: Arc<AtomicU16>, weather: watch::Sender<Weather>) {
    while let Ok((client, _)) = listener.accept().await {
        let (port, weather) = (upstream.load(Ordering::SeqCst), weather.subscribe());
        tokio::spawn(async move {
            // Either end may break off at any time; both then end.
            let _ended = carry(client, port, weather).await;
        });
    }
}

async fn carry(client: TcpStream, port: u16, weather: watch::Receiver<Weather>) -> io::Result<()> {
    let mut opening = weather.clone();
    pass(&mut opening).await?;
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let (mut client_reads, mut client_writes) = client.into_split();
    let (mut server_reads, mut server_writes) = server.into_split();
    tokio::select! {
        ended = pump(&mut client_reads, &mut server_writes, weather.clone()) => ended,
        ended = pump(&mut server_reads, &mut client_writes, weather.clone()) => ended,
        ended = cut(weather) => ended,
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut piece = vec![0; 64 << 10];
    loop {
        let n = from.read(&mut piece).await?;
        pass(&mut weather).await?;
        if n == 0 {
            return to.shutdown().await;
        }
        to.write_all(&piece[..n]).await?;
    }
}

/// Lets one piece through, when it may pass.
async fn pass(weather: &mut watch::Receiver<Weather>) -> io::Result<()> {
    let now = *weather.wait_for(|weather| *weather != Weather::Silent).await.map_err(io::Error::other)?;
    match now {
        Weather::Cut => Err(io::ErrorKind::ConnectionReset.into()),
        Weather::Slow(pause) => {
            tokio::time::sleep(pause).await;
            Ok(())
        }
        Weather::Fine | Weather::Silent => Ok(()),
    }
}

async fn cut(mut weather: watch::Receiver<Weather>) -> io::Result<()> {
    weather.wait_for(|weather| *weather == Weather::Cut).await.map(drop).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_carries_keeps_silent_and_cuts() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap().port()).await.unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let mut piece = [0; 2];
        client.write_all(b"ab").await.unwrap();
        server.read_exact(&mut piece).await.unwrap();
        assert_eq!(&piece, b"ab");
        proxy.set(Weather::Silent);
        client.write_all(b"cd").await.unwrap();
        assert!(timeout(Duration::from_millis(200), server.read_exact(&mut piece)).await.is_err());
        proxy.set(Weather::Fine);
        timeout(Duration::from_secs(5), server.read_exact(&mut piece)).await.unwrap().unwrap();
        assert_eq!(&piece, b"cd");
        proxy.set(Weather::Cut);
        let read = timeout(Duration::from_secs(5), client.read(&mut piece)).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)));
    }
}
