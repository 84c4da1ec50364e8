//! `kotadb` as people run it: real processes over real repositories.

#![expect(clippy::unwrap_used, reason = "a helper that fails ends its test, as an assertion does")]

mod code;
mod doctor;
mod fixture;
mod like_ripgrep;
mod local;
mod mcp;
mod queue;
mod ready;
mod service;
mod settings;
mod terminal;
mod up;
mod working_tree;
