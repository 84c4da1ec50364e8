//! SCIP indexes as compilers' front ends write them, plain or packed by gzip. What they say is laid over our rules by whoever makes a
//! graph; here they are read, and looked through before they are kept.
//!
//! Read by hand, since of the format's many messages few fields matter:
//!
//! ```text
//! Index.documents = 2      Document { relative_path = 1, occurrences = 2, symbols = 3, position_encoding = 6 }
//! Occurrence { range = 1, symbol = 2, symbol_roles = 3 }
//! ```

mod documents;
mod packed;
mod proto;
mod survey;

pub use self::documents::{Document, Occurrence, documents};
pub use self::packed::unpack;
pub use self::proto::{Value, fields};
pub use self::survey::survey;

/// Longest index that is taken over HTTP, in bytes when it is unpacked.
pub const MOST_UNPACKED: u64 = 256 << 20;
/// Longest message of one document that is taken, in bytes.
pub const MOST_DOCUMENT: u64 = 8 << 20;

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
    /// It is packed, and cannot be unpacked.
    #[error("the SCIP index cannot be unpacked: pack it again with gzip, or send it as it is")]
    Unpacking,
    /// It says nothing.
    #[error("the SCIP index has no document: make it in the folder of the project")]
    NoDocument,
    /// It is too long, unpacked.
    #[error("the SCIP index has more than {0} bytes unpacked: make one for each part of the repository")]
    TooLarge(u64),
    /// A document of it is too long.
    #[error("a document of the SCIP index has more than {MOST_DOCUMENT} bytes: leave that file out")]
    LongDocument,
}
