//! `kotadb` as people run it: real processes over real repositories.

#![expect(clippy::unwrap_used, reason = "a helper that fails ends its test, as an assertion does")]

mod code;
mod doctor;
mod fixture;
mod jobs;
mod like_ripgrep;
mod local;
mod mcp;
mod up;
mod working_tree;
