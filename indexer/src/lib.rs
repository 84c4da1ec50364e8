//! The only writer of indices. One job, in one picture:
//!
//! ```text
//!  claim ──► fetch ──► list ──► plan ──► build ──► upload ──► publish ──► done
//!  runner    remote    tree     plan     build     upload     publish     runner
//!            git       attrib-  held     window    snapshots  (HEAD by    (job row)
//!            fetch     utes               ▲        graphs      swap)
//!            partial   ignore             └ contents
//! ```
//!
//! [`runner`] takes jobs, [`attempt`] keeps the lease of one and closes its row, [`child`] gives it a process of its own, and
//! [`job`] runs it; [`pipeline`] turns commits into segments and snapshots,
//! [`graphs`] resolves the names of a tip, and [`advance`] publishes them; these are shared with the local index ([`local`]), which has no job, no database and no
//! network. [`extract`] finds in one text what it says about code. [`upkeep`] calls
//! [`forget`], which takes out of HEAD what was deleted, [`compact`], which merges segments, and [`gc`], which deletes
//! what nothing names any more. [`reconcile`] repairs what deliveries of GitHub should have told. Reading for people is
//! [`inspect`]. Searching is none of its business.

pub mod admin;
pub mod advance;
pub mod askpass;
pub mod assignment;
pub mod attempt;
pub mod attributes;
pub mod build;
pub mod child;
pub mod classify;
pub mod clock;
pub mod compact;
pub mod complaint;
pub mod contents;
pub mod credentials;
pub mod diary;
pub mod disk;
pub mod error;
pub mod extract;
pub mod extractors;
pub mod facts;
pub mod fail_point;
pub mod fetch;
pub mod folder;
pub mod forget;
pub mod gc;
pub mod git;
pub mod git_pattern;
pub mod graphs;
pub mod halt;
pub mod held;
pub mod held_cache;
pub mod ignore_rules;
pub mod inspect;
pub mod job;
pub mod layers;
pub mod lease;
pub mod limits;
pub mod listing;
pub mod local;
pub mod names;
pub mod partial;
pub mod patience;
pub mod pipeline;
pub mod plan;
pub mod prepare;
pub mod publish;
pub mod reach;
pub mod reconcile;
pub mod remote;
pub mod reseal;
pub mod resolve;
pub mod retention;
pub mod rules;
pub mod runner;
pub mod scip;
pub mod scratch;
pub mod scratch_memory;
pub mod shelf;
pub mod snapshots;
pub mod summary;
pub mod sweep;
pub mod tips;
pub mod tree;
pub mod upkeep;
pub mod upload;
pub mod wake_listener;
pub mod wakes;
pub mod watch;
pub mod window;
