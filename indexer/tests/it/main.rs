//! The indexer from outside: what a commit's facts are, what a second run changes, what a remote may be, and what is left
//! after a crash at every fail point, and after a crash and an error at every single operation. One binary, because linking is what costs.

#![expect(clippy::unwrap_used, reason = "a helper that fails ends its test, as an assertion does")]

mod admin;
mod attributes;
mod byte_quota;
mod caps;
mod children;
mod churn;
mod cold;
mod compaction;
mod crash;
mod crash_upkeep;
mod credentials;
mod deletion;
mod deletion_in_time;
mod drills;
mod every_operation;
mod facts;
mod fetching;
mod follow_up;
mod graphs;

mod hostile_urls;
mod imports;
mod jobs;
mod layers;
mod local;
mod many;
mod odd_commits;
mod outlines;
mod partial;
mod promises;
mod publishing;
mod reconcile;
mod reconcile_states;
mod reseal;
mod schedules;
mod scratch;
mod settings;
mod support;
mod symbols;
mod traces;
mod wakes;
mod working_tree;
