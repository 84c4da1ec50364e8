//! Floor 2, pure: what is asked, what the index can say about it, and its answer in one document. Which documents are
//! looked at, and in which order, is the business of `search`.
//!
#![doc = include_str!("syntax.md")]

mod combine;
mod compile;
mod formula;
mod lexer;
mod lines;
mod parse;
mod plan;
mod strings;
mod suggest;
mod tree;
mod trigrams;

pub use compile::CompileError;
pub use formula::Formula;
pub use lines::LineMatch;
pub use parse::{ParseError, parse};
pub use plan::{Entry, Plan, Scope, Verdict};
pub use tree::{Expr, NameKind, NamePattern, Query, TextPattern};
