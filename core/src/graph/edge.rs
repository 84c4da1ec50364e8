//! An edge: that code in one symbol uses another symbol, how sure that is, and why.

use crate::facts::{Relation, Role};

/// What the references of one file lead to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEdges {
    /// Edges, by site; the candidates of one site follow each other, best first.
    pub edges: Vec<Edge>,
    /// References whose name is defined somewhere in the snapshot, but that lead nowhere, by site.
    pub unresolved: Vec<Unresolved>,
    /// Who stands below whom, as far as this file says so, by site.
    pub inheritance: Vec<Inheritance>,
}

/// A type stands below another, or a member overrides that of a type above: both are types, or both are members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inheritance {
    /// What stands below. It may be in another file than the one that says so (`impl Drop for Pool`).
    pub below: Target,
    /// What stands above: a symbol, or an external.
    pub above: Target,
    /// How the types stand to each other.
    pub relation: Relation,
    /// Which rule found the upper type.
    pub tier: Tier,
    /// How sure that is.
    pub confidence: Confidence,
    /// Where the file says so, in bytes: the name of the type above, or that of the overriding member.
    pub site: u32,
}

/// One use of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The innermost symbol of the file round the site, by its number there; `None`: the file itself. With [`Role::Inherit`] the type
    /// below, if this file defines it; with [`Role::Override`] the member below.
    pub source: Option<u32>,
    /// What is used.
    pub target: Target,
    /// How.
    pub role: Role,
    /// Which rule found it.
    pub tier: Tier,
    /// How sure that is.
    pub confidence: Confidence,
    /// Where the name stands in the source, in bytes.
    pub site: u32,
}

/// What an edge leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A symbol: the number of its file in the order of the snapshot's paths, and its number there.
    Symbol {
        /// Number of the file.
        file: u32,
        /// Number of the symbol in that file.
        symbol: u32,
    },
    /// A file as a whole (an import, an include).
    File(u32),
    /// A name of a package outside, by its number in the list of [`External`]s.
    External(u32),
}

/// A name of a package outside of the repository, shown as `external:<package>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct External {
    /// The package: `reqwest`, `@types/node`, `java.util`.
    pub package: Box<str>,
    /// The name in it: `Client.get`; empty: the package itself.
    pub name: Box<str>,
}

/// A reference that leads nowhere, although its name is defined in the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// The innermost symbol of the file round the site; `None`: the file itself.
    pub source: Option<u32>,
    /// The name.
    pub name: Box<str>,
    /// How it is used.
    pub role: Role,
    /// Where it stands, in bytes.
    pub site: u32,
}

/// How sure an edge is, in hundredths: the share of edges like it that are right, as `make accuracy` measures them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Confidence(pub u8);

/// Which rule resolved a reference; the first that holds. Numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// An imported SCIP index says so.
    Precise = 0,
    /// A member of `this`: of the enclosing type or one above.
    Own = 1,
    /// A bare name that the same file defines.
    File = 2,
    /// A name that an import brings.
    Import = 3,
    /// A name behind a type or module.
    Qualified = 4,
    /// A member of a receiver whose type is known.
    Receiver = 5,
    /// A name of the same package.
    Package = 6,
    /// The only one of that name in the repository.
    Unique = 7,
    /// One of several of that name.
    Candidate = 8,
}

impl Tier {
    /// All tiers, by number.
    pub const ALL: [Self; 9] = [
        Self::Precise,
        Self::Own,
        Self::File,
        Self::Import,
        Self::Qualified,
        Self::Receiver,
        Self::Package,
        Self::Unique,
        Self::Candidate,
    ];

    /// As answers write it, in `resolution`.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 9] =
            ["precise", "own", "file", "import", "qualified", "receiver", "package", "unique", "candidate"];
        NAMES[self as usize]
    }
}
