//! Floor 2, pure: what is asked, what the index can say about it, and its answer in one document. Which documents are
//! looked at, and in which order, is the business of `search`.
//!
#![doc = include_str!("syntax.md")]

mod bind;
mod combine;
mod compile;
mod content;
mod defining_lines;
mod definition;
mod evaluate;
mod finder;
mod folded;
mod formula;
mod lexer;
mod lines;
mod names;
mod needs;
mod node;
mod options;
mod parse;
mod patience;
mod pattern;
mod plan;
mod required;
mod score;
mod spanning;
mod strings;
mod suggest;
mod symbol;
mod tree;
mod trigrams;

pub use compile::CompileError;
pub use content::Content;
pub use formula::Formula;
pub use lines::LineMatch;
pub use parse::{ParseError, parse, parse_filter};
pub use patience::Stopped;
pub use plan::{Entry, Plan, Scope, Verdict};
pub use score::{Score, Signal};
pub use suggest::near as near_names;
pub use symbol::{Defined, Definitions, SymbolName};
pub use tree::{Classes, Expr, NameKind, NamePattern, Query, ResultType, SymbolPattern, TextPattern};

pub(crate) use symbol::is_sought;
