//! Test support shared by crates: a database of one's own behind pgbouncer, as in production behind Supavisor; and a
//! GitHub of one's own ([`fake_github`]).
//!
//! `scripts/test-services.sh` starts Postgres and pgbouncer once for a whole test run and says where they are by two
//! variables. Without them, the first [`TestDb`] of a process starts both, and the last one stops them.

#[cfg(feature = "http")]
pub mod chance;
pub mod durable;
pub mod fake_github;
#[cfg(feature = "http")]
mod fake_machines;
#[cfg(feature = "http")]
pub mod fake_supabase;
#[cfg(feature = "http")]
mod git_gate;
pub mod hostile_urls;
#[cfg(feature = "http")]
mod lambda_runtime;
#[cfg(feature = "http")]
mod over_tcp;
mod pgbouncer;
mod pooled_load;
#[cfg(feature = "http")]
pub mod s3;
mod services;
mod test_db;

#[cfg(feature = "http")]
pub use self::fake_machines::{FLY_APP, FLY_TOKEN, FakeMachines, Scripted};
#[cfg(feature = "http")]
pub use self::git_gate::GitGate;
#[cfg(feature = "http")]
pub use self::lambda_runtime::{LambdaAnswer, LambdaEvent, LambdaRuntime};
pub use self::pgbouncer::{PgBouncer, PgBouncerOptions};
pub use self::pooled_load::{PooledAnswers, PooledLoad};
pub use self::test_db::TestDb;
