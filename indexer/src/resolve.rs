//! Where the host of an origin leads: its name is resolved once, every address is checked, and those are what git is told.
//! So nothing resolves the name again between the check and the connection.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use kotadb_core::github::{Origin, refused_address};

use crate::error::IndexError;

/// Longest time of one look-up.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Most addresses that git is told.
const MOST_ADDRESSES: usize = 8;

/// Turns names into addresses.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// All addresses of a host.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolver for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.map(|address| address.ip()).collect()) })
    }
}

/// Resolves the host and returns the `host:port:address,…` that pins it, as curl's `--resolve` wants it. Literal addresses
/// and `localhost` are on the operator's list as they stand and need no pin; a name must lead to public addresses only.
pub async fn pin(origin: &Origin, resolver: &dyn Resolver) -> Result<Option<String>, IndexError> {
    let Origin { host, port, .. } = origin;
    if host == "localhost" || origin.address().is_some() {
        return Ok(None);
    }
    let resolved = tokio::time::timeout(TIMEOUT, resolver.resolve(host, *port)).await;
    let resolved = resolved.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let addresses = resolved.map_err(IndexError::io(format!("cannot resolve `{host}`")))?;
    if let Some((address, rule)) = addresses.iter().find_map(|&address| Some((address, refused_address(address)?))) {
        return Err(IndexError::AddressRefused { host: host.clone(), address, rule });
    }
    let told: Vec<_> = addresses.into_iter().take(MOST_ADDRESSES).map(bracketed).collect();
    match told.is_empty() {
        true => Err(IndexError::io(format!("cannot resolve `{host}`"))(io::ErrorKind::NotFound.into())),
        false => Ok(Some(format!("{host}:{port}:{}", told.join(",")))),
    }
}

fn bracketed(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
