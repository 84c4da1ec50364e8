//! Test support shared by crates: a private Postgres behind pgbouncer, in-memory stores, fixture repositories.
