//! Each job in a process of its own, so that what a repository does to memory, to the disk or to the C libraries that read
//! it ends that process and nothing else.
//!
//! [`parent`] starts it and judges its end, [`inside`] is its main, [`message`] what they say to each other: a line of JSON
//! each, over its standard input and output. The parent alone has the database; it passes on until when the lease may be
//! trusted. The child ends with its parent, because its standard input does.

pub mod inside;
mod leftovers;
mod message;
mod oom;
pub mod parent;
mod quota;
mod runtime;

pub use self::message::SegmentLine;
