//! Postgres through pgbouncer in transaction mode, as a login that is neither superuser nor owner.

mod transactions;
