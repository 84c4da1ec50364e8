//! Floor 0, pure: bytes and positions. Case folding, trigrams, the line table, language detection, the binary rule.

/// Raised whenever folding, trigrams, the binary rule or language detection change: documents built by another
/// version are not held and are rebuilt.
pub const TEXT_VERSION: u32 = 1;

/// Three folded bytes, packed big-endian into the low 24 bits so that the order of numbers is the order of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trigram(pub u32);

/// A language, by its stable number (recorded in segments and snapshots; numbers are never reused).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(pub u16);

impl Language {
    /// Plain text, or nothing that we recognise.
    pub const TEXT: Self = Self(0);
    /// From the path (name, extension) and, failing that, the first line (`#!`).
    pub fn detect(_path: &[u8], _content: &[u8]) -> Self {
        unimplemented!()
    }
    /// The name as users write it after `lang:`, lower case: `rust`, `c++`, `typescript`.
    pub fn name(self) -> &'static str {
        unimplemented!()
    }
    /// By name or alias (`rs`, `cpp`, `ts`), any case.
    pub fn from_name(_name: &str) -> Option<Self> {
        unimplemented!()
    }
}

/// git's rule: a NUL within the first 8,000 bytes.
pub fn is_binary(_content: &[u8]) -> bool {
    unimplemented!()
}

/// Folds text for the index: ASCII letters to lower case, U+212A (Kelvin sign) to `k` and U+017F (long s) to `s`; every
/// other byte stays, so grams of what remains are exact. A 1:1 stream but for those two.
pub fn fold(_text: &[u8]) -> Vec<u8> {
    unimplemented!()
}

/// Collects the distinct trigrams of folded text; reusable, so that one allocation serves many documents.
#[derive(Debug, Default)]
pub struct TrigramSet {}

impl TrigramSet {
    /// The distinct trigrams of `text` after folding, ascending.
    pub fn collect(&mut self, _text: &[u8]) -> &[Trigram] {
        unimplemented!()
    }
}
