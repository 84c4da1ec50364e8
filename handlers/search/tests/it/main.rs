//! The Lambda answers as the router does. Run with `--features lambda`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod parity;
mod runtime;
