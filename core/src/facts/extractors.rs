//! Which languages have extractors, and of which version: what readers must know to say that symbols of a document are still
//! to come. The extractors themselves are in the indexer, whose tests hold this list against them.

use crate::text::Language;

/// Version of each extractor, by the name of its language.
const EXTRACTORS: &[(&str, u32)] = &[
    ("rust", 4),
    ("python", 3),
    ("typescript", 3),
    ("javascript", 3),
    ("go", 2),
    ("java", 3),
    ("c", 4),
    ("c++", 4),
    ("c#", 1),
    ("bash", 1),
    ("kotlin", 1),
    ("lua", 1),
    ("markdown", 1),
    ("php", 2),
    ("ruby", 1),
    ("scala", 1),
    ("swift", 1),
];

/// Version of the extractor of a language; `None`: it has none.
pub fn extractor_version(language: Language) -> Option<u32> {
    let name = language.name();
    EXTRACTORS.iter().find(|(other, _)| *other == name).map(|(_, version)| *version)
}
