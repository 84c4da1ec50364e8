//! Postgres through pgbouncer in transaction mode, as a login that is neither superuser nor owner.

mod access;
mod churn;
mod cluster;
mod deliveries;
mod fairness;
pub mod fixture;
mod idempotency;
mod job_events;
mod jobs;
mod migrations;
mod operators;
mod plans;
mod repository_events;
mod rights;
mod rows;
mod tick;
mod told;
mod transactions;
