//! Imported SCIP indexes: what a compiler says of names outranks what our rules say. Only files that are the same as when the
//! index was made are taken; of these every reference that the index resolves leads where it says, with confidence 1.
//!
//! Read by hand, since of the format's many messages few fields matter:
//!
//! ```text
//! Index.documents = 2      Document { relative_path = 1, occurrences = 2, symbols = 3, position_encoding = 6 }
//! Occurrence { range = 1, symbol = 2, symbol_roles = 3 }
//! ```

mod documents;
mod precise;
mod proto;
#[cfg(test)]
mod tests;

pub use self::documents::{Document, Occurrence, documents};
pub use self::precise::{HeldFile, Precise};
pub use self::proto::{Value, fields};

/// Why an SCIP index cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScipError {
    /// It ends within a field.
    #[error("the SCIP index ends within a field: make or copy it again")]
    Cut,
    /// A field is not what the format says.
    #[error("the SCIP index has a field of another kind than the format says: give a file that `scip` can print")]
    WrongKind,
    /// A path or symbol is no UTF-8.
    #[error("the SCIP index has a text that is no UTF-8: give a file that `scip` can print")]
    NoText,
}
