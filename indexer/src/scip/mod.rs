//! Imported SCIP indexes: what a compiler says of names outranks what our rules say. Only files that are the same as when the
//! index was made are taken; of these every reference that the index resolves leads where it says, with confidence 1. The format
//! is read in [`kotadb_core::scip`].

mod precise;
#[cfg(test)]
mod tests;

pub use self::precise::{HeldFile, Precise};
pub use kotadb_core::scip::{ScipError, Value, documents, fields};
