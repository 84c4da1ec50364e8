//! The integration tests of kotadb-core, in one binary because linking is what costs.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod db;
