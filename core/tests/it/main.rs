//! Integration tests of the crate, one module a floor. One binary, because linking is what costs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod db;
mod exactness;
mod github;
#[cfg(feature = "http")]
mod identity;
mod store;
mod telemetry;
#[cfg(feature = "http")]
mod wake;
