//! The only writer of indices. One job, in one picture:
//!
//! ```text
//!  claim ──► fetch ──► list ──► plan ──► build ──► upload ──► publish ──► done
//!  runner    remote    tree     plan     build     upload     publish     runner
//!            git       attrib-  held     window    snapshots  (HEAD by    (job row)
//!            fetch     utes               ▲                    swap)
//!                      ignore             └ contents
//! ```
//!
//! [`runner`] takes jobs and keeps their leases; [`job`] runs one; [`pipeline`] turns commits into segments and snapshots
//! and is shared with the local index ([`local`]), which has no job, no database and no network. Reading for people is
//! [`inspect`]. Searching is none of its business.

pub mod admin;
pub mod attributes;
pub mod build;
pub mod classify;
pub mod contents;
pub mod error;
pub mod events;
pub mod facts;
pub mod fail_point;
pub mod fetch;
pub mod folder;
pub mod git;
pub mod halt;
pub mod held;
pub mod ignore_rules;
pub mod inspect;
pub mod job;
pub mod lease;
pub mod limits;
pub mod listing;
pub mod local;
pub mod origin;
pub mod pipeline;
pub mod plan;
pub mod publish;
pub mod remote;
pub mod rules;
pub mod runner;
pub mod scratch;
pub mod snapshots;
pub mod summary;
pub mod tips;
pub mod tree;
pub mod upload;
pub mod window;
