//! What follows from a graph: who calls, what breaks, what is worth knowing. Every question runs on blocks that are there, and
//! says [`super::GraphError::Missing`] once it has noted all that it can: read those and ask again.

mod calls;
mod changes;
mod depend;
mod impact;
mod map;
mod members;
mod namesakes;

#[cfg(test)]
mod tests;

pub use self::calls::{Call, Calls, Direction, Question, Summary, calls, summary};
pub use self::changes::{Change, Changed, changed, parse_diff};
pub use self::depend::{Cycles, Dependency, cycles, dependencies};
pub use self::impact::{Impact, Impacted, Reach, impact};
pub use self::map::{MapEntry, candidates, render};
pub use self::members::{Member, relatives};
pub use self::namesakes::{NAMESAKE, NAMESAKES, Namesake, add_namesakes};

use super::edge::Confidence;
use super::error::GraphError;
use super::view::{NodeId, View};
use crate::facts::Flags;
use crate::segment::Class;

/// From which confidence on an edge is called confirmed; below it is possible.
pub const CONFIRMED: Confidence = Confidence(80);

/// Whether a node is a test, or lies in one.
pub fn is_test(view: &View, node: NodeId) -> Result<bool, GraphError> {
    let in_test = view.file_of(node).is_some_and(|file| view.class(file) == Class::Test);
    Ok(in_test || (!view.is_external(node) && view.node(node)?.flags.has(Flags::TEST)))
}
