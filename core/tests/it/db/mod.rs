//! Postgres through pgbouncer in transaction mode, as a login that is neither superuser nor owner.

mod access;
mod churn;
mod cluster;
mod fixture;
mod jobs;
mod migrations;
mod repository_events;
mod rows;
mod tick;
mod transactions;
