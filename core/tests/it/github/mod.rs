//! GitHub's API against a GitHub on loopback.

mod client;
