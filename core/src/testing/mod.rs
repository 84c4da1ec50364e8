//! Test support shared by crates: a database of one's own behind pgbouncer, as in production behind Supavisor.
//!
//! `scripts/test-services.sh` starts Postgres and pgbouncer once for a whole test run and says where they are by two
//! variables. Without them, the first [`TestDb`] of a process starts both, and the last one stops them.

mod pgbouncer;
mod services;
mod test_db;

pub use self::pgbouncer::PgBouncer;
pub use self::test_db::TestDb;
