//! Which extractors a run has, and of which versions: what documents must have been seen by to be held.

use std::time::Duration;

use kotadb_core::facts::Facts;
use kotadb_core::text::Language;

use crate::extract;

/// The extractors of a run. Others than those of this program are for tests.
#[derive(Clone, Copy, Debug)]
pub struct Extractors {
    /// Version of the extractor of a language; `None`: it has none.
    pub version: fn(Language) -> Option<u32>,
    /// The facts of a text within a time; `None`: the language has no extractor.
    pub extract: fn(Language, &[u8], Duration) -> Option<Facts>,
}

impl Default for Extractors {
    fn default() -> Self {
        Self { version: extract::version, extract: extract::extract }
    }
}

impl Extractors {
    /// Whether what the extractor of this version (0: none) has seen need not be seen again.
    pub fn are_satisfied(self, language: Language, extractor: u32) -> bool {
        (self.version)(language).is_none_or(|required| required == extractor)
    }
}
