//! How sure a resolution is: by the rule that found it, how many it found, and the family of languages. `make accuracy`
//! measures these shares (rows `edges: right, TIER, …`, ACCURACY.md); what it measured of the tuned repositories is written
//! here. Families without a repository of their own take what was measured of the others.

use kotadb_core::graph::{Confidence, Tier};

use super::builtins::Renown;
use super::family::Family;

/// How sure it is that a type implements an interface whose methods it has.
pub const IMPLICIT: Confidence = Confidence(85);

/// How sure each of those few is that have the name of what seems to be outside.
pub const HARDLY: Confidence = Confidence(2);

/// How sure each of those is that are written for the trait from outside by which the receiver is bound.
pub const BOUND: Confidence = Confidence(78);

/// How sure each of `n` is that have the name, where what is known of the receiver speaks against them.
pub fn unlikely(family: Family, n: usize) -> Confidence {
    match (family, n) {
        (Family::Script, _) => Confidence(20),
        (Family::Rust, 0 | 1) => Confidence(22),
        (Family::Rust, 2 | 3) => Confidence(7),
        (Family::Rust, _) => Confidence(2),
        _ => Confidence(3),
    }
}

/// How sure the first of `n` equally good targets is, and each of the others.
pub fn confidence(family: Family, tier: Tier, n: usize) -> (Confidence, Confidence) {
    let (first, other) = match (tier, n) {
        (Tier::Candidate, n) => candidate(family, n),
        (_, 0 | 1) => (share(family, tier), 0),
        (tier, n) => several(family, tier, n),
    };
    (Confidence(first), Confidence(other.max(1)))
}

/// How sure each of `n` targets is of which every one may be reached.
pub fn each(family: Family, tier: Tier, n: usize) -> Confidence {
    match (family, tier, n) {
        // A method and what is written for it, where nothing is known of the receiver: of few all, of many what its type has.
        (Family::Rust, Tier::Unique, 2 | 3) => Confidence(96),
        (Family::Rust, Tier::Unique, 4..) => Confidence(60),
        _ => confidence(family, tier, 1).0,
    }
}

/// The share of single targets of a tier that are right, in hundredths.
fn share(family: Family, tier: Tier) -> u8 {
    match (tier, family) {
        (Tier::Precise, _) => 100,
        (Tier::Own | Tier::Receiver | Tier::Qualified, Family::Python) => 98,
        (Tier::Package, family) if !matches!(family, Family::Rust | Family::Go | Family::Jvm | Family::C) => 90,
        (Tier::Own | Tier::File | Tier::Import | Tier::Qualified | Tier::Receiver | Tier::Package, _) => 99,
        (Tier::Unique, Family::Python) => 79,
        (Tier::Unique, Family::Rust) => 79,
        (Tier::Unique, Family::C) => 88,
        (Tier::Unique, Family::Script) => 60,
        (Tier::Unique, _) => 65,
        (Tier::Candidate, _) => candidate(family, 1).0,
    }
}

/// Overloads, or one name for several builds: what is meant is one of them, and not always the first.
fn several(family: Family, tier: Tier, n: usize) -> (u8, u8) {
    match (family, tier, n) {
        // One macro for several builds: the first is for the usual one.
        (Family::Rust, Tier::Package, _) => (97, 3),
        (Family::Jvm, _, 2) => (38, 54),
        (Family::Jvm, _, 3) => (40, 28),
        (Family::Jvm, _, _) => (36, 9),
        (Family::Go, _, n) => (100 / n.max(1) as u8, 100 / n.max(1) as u8),
        (Family::C, _, 2) => (62, 36),
        (Family::C, _, 3) => (18, 41),
        (Family::C, _, _) => (10, 30),
        (family, tier, n) => ((u16::from(share(family, tier)) * 7 / 10) as u8, 30 / (n.clamp(2, 31) - 1) as u8),
    }
}

/// How sure the first of `n` candidates is, and each of the others; in Rust `n` methods, the first of which is written `n_first`
/// times: for so many types that hardly another is meant.
pub fn candidates(family: Family, (n, n_first): (usize, usize), renown: Renown) -> (Confidence, Confidence) {
    let (first, other) = match (family, n, renown) {
        (Family::Rust, 2, _) if n_first > 2 => (79, 10),
        (Family::Rust, 2, Renown::Telling) => (60, 25),
        (Family::Rust, 2, _) => (10, 12),
        (Family::Rust, 3, Renown::Telling) => (65, 30),
        (Family::Rust, 3, _) => (12, 5),
        (Family::Rust, 4.., Renown::Telling) => (15, 30),
        (Family::Rust, 4..=8, _) => (10, 8),
        (Family::Rust, 9.., _) => (5, 2),
        (Family::Script, _, Renown::OfLanguage) => (2, 3),
        (Family::Script, 1, _) => (38, 38),
        (Family::Script, 2, Renown::Telling) => (48, 25),
        (Family::Script, 2, Renown::Common) => (8, 40),
        (Family::Script, 3, Renown::Telling) => (45, 12),
        (Family::Script, 3, Renown::Common) => (9, 38),
        (Family::Script, _, Renown::Telling) => (36, 11),
        (Family::Script, _, Renown::Common) => (20, 9),
        (family, n, _) => candidate(family, n),
    };
    (Confidence(first), Confidence(other.max(1)))
}

/// How sure the first of `n` symbols of C++ in namespaces or types is that a bare name may mean, and each of the others.
pub fn inner_candidates(n: usize) -> (Confidence, Confidence) {
    let (first, other) = match n {
        0..=2 => (78, 78),
        3 => (75, 50),
        _ => (70, 45),
    };
    (Confidence(first), Confidence(other))
}

/// The share of candidates that are right, where there are `n`: of the first, and of each of the others.
fn candidate(family: Family, n: usize) -> (u8, u8) {
    match (family, n) {
        (Family::Rust, _) => (9, 9),
        (Family::Python, 0 | 1) => (45, 45),
        (Family::Python, 2 | 3) => (20, 3),
        (Family::Python, _) => (8, 2),
        (Family::Jvm, _) => (2, 2),
        (Family::C, 2) => (60, 45),
        (Family::C, 3) => (35, 12),
        (Family::C, 4..) => (40, 15),
        (Family::Go, 0 | 1) => (20, 20),
        (Family::Go, _) => (8, 6),
        (_, n) => (40 / n.clamp(1, 40) as u8, 40 / n.clamp(1, 40) as u8),
    }
}
