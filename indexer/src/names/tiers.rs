//! How sure a resolution is: by the rule that found it, how many it found, and the family of languages. `make accuracy`
//! measures these shares; what it measures is written here.

use kotadb_core::graph::{Confidence, Tier};

use super::family::Family;

/// How sure it is that a type implements an interface whose methods it has.
pub const IMPLICIT: Confidence = Confidence(85);

/// How sure the first of `n` equally good targets is, and each of the others.
pub fn confidence(family: Family, tier: Tier, n: usize) -> (Confidence, Confidence) {
    let sure = share(family, tier);
    let (first, other) = match (tier, n) {
        (Tier::Candidate, n) => (u32::from(sure) / n.max(1) as u32, u32::from(sure) / n.max(1) as u32),
        (_, 0 | 1) => (u32::from(sure), u32::from(sure)),
        // Overloads, or one name for several builds: the first is most often meant.
        (_, n) => (u32::from(sure) * 7 / 10, u32::from(sure) * 3 / 10 / (n as u32 - 1)),
    };
    (Confidence(first.max(1) as u8), Confidence(other.max(1) as u8))
}

/// The share of single targets of a tier that are right, in hundredths.
fn share(family: Family, tier: Tier) -> u8 {
    match (tier, family) {
        (Tier::Precise, _) => 100,
        (Tier::Own | Tier::File, _) => 97,
        (Tier::Import | Tier::Qualified, _) => 95,
        (Tier::Receiver, _) => 90,
        (Tier::Package, _) => 90,
        (Tier::Unique, Family::Python) => 55,
        (Tier::Unique, _) => 65,
        (Tier::Candidate, _) => 40,
    }
}
