//! Every route over real Postgres behind pgbouncer and an object store in memory. One binary, because linking is what
//! costs; one module a family.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod app;
mod boot;
mod code;
mod conditional;
mod contract;
mod docs;
mod far_store;
mod guards;
mod health;
mod hostile;
mod idempotency;
mod index;
mod jobs;
mod keys;
#[cfg(feature = "lambda")]
mod lambda;
mod mcp;
mod members;
mod openapi;
mod problems;
mod program;
mod provisioning;
mod registrations;
mod repositories;
mod scip;
mod search;
mod slow_store;
mod statements;
mod stopping;
mod symbols;
mod telemetry;
mod tenants;
mod web;
mod webhooks;
