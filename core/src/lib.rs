//! What two KotaDB programs must agree on: the text model, facts about code and their graph, schedules, the index format, the query language, the object store, the
//! job table, the search over many segments, and the shapes that go over the wire.
//!
//! Modules are floors; each may use only those to its left:
//! `{cursor, id, schedule, text} ← {facts, scip} ← segment ← {graph, query} ← {crypto, metrics, operations, trace} ← config ← {telemetry, store, db} ← {github, wake, identity} ← search ← wire ← http`.

pub mod config;
pub mod crypto;
pub mod cursor;
pub mod db;
pub mod facts;
pub mod github;
pub mod graph;
#[cfg(feature = "http")]
pub mod http;
pub mod id;
pub mod identity;
pub mod metrics;
#[cfg(feature = "testing")]
pub mod operations;
pub mod query;
pub mod schedule;
pub mod scip;
pub mod search;
pub mod segment;
pub mod store;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod trace;
pub mod wake;
pub mod wire;
