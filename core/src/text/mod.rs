//! Floor 0, pure: bytes and positions. Case folding, trigrams, sketches, the line table, language detection, the binary
//! rule, stems, words and their parts.
//! What is done with them (postings, plans, rendering) belongs to the floors above.

mod binary;
mod changes;
mod fold;
mod language;
mod language_table;
mod line_table;
mod sketch;
mod stem;
mod trigram;
mod word;

pub use self::binary::{BINARY_LOOK, is_binary};
pub use self::changes::changed_lines;
pub use self::fold::{fold, fold_literal};
pub use self::language::Language;
pub use self::line_table::{LineTable, Position};
pub use self::sketch::{Gram, Sketch};
pub use self::stem::stem;
pub use self::trigram::{Trigram, TrigramSet, trigrams_of};
pub use self::word::{folded, subwords, words};

/// Raised whenever folding, trigrams, the binary rule or language detection change: documents built by another
/// version are not held and are rebuilt.
pub const TEXT_VERSION: u32 = 1;
