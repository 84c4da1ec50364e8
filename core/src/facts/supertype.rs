//! Which type of a file stands below which other.

/// `name` (or the symbol `of`) extends, implements or embeds `supertype`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supertype {
    /// The type below, if it is defined in this file: its number in `Facts::symbols`.
    pub of: Option<u32>,
    /// The type below, as written: `Pool` of `impl Drop for Pool`.
    pub name: Box<str>,
    /// The type above, as in [`super::expression`], without its arguments: `Drop`, `db::Base`.
    pub supertype: Box<str>,
    /// How.
    pub relation: Relation,
    /// Where the type above is named, in bytes.
    pub start: u32,
}

/// How a type stands below another. Numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Relation {
    /// A class below a class, an interface below an interface, a trait below a trait.
    Extends = 0,
    /// A type that does what an interface or trait asks.
    Implements = 1,
    /// A type whose members become its own: Go's embedded fields, Ruby's `include`, PHP's `use`, mixins.
    Embeds = 2,
}

impl Relation {
    /// All relations, by number.
    pub const ALL: [Self; 3] = [Self::Extends, Self::Implements, Self::Embeds];
}
