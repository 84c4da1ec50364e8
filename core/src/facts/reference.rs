//! Where names are used in a file.

/// Number of arguments of what is no call, or of a call that spreads a list.
pub const UNKNOWN_ARITY: u8 = u8::MAX;

/// A use of a name that is not bound locally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name alone: `acquire` of `self.pool.acquire()`.
    pub name: Box<str>,
    /// Where it stands, in bytes; its end is its length later, where the text writes it as it is.
    pub start: u32,
    /// What is done with it.
    pub role: Role,
    /// What stands before it, as in [`super::expression`]: `this.pool`. `None`: nothing, the name is bare. Behind it may be what its
    /// arguments are: see [`super::expression::apart`].
    pub receiver: Option<Box<str>>,
    /// Arguments of a call; [`UNKNOWN_ARITY`] of anything else.
    pub n_arguments: u8,
}

/// What is done with a name. Numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// It is called.
    Call = 0,
    /// An instance is made of it: `new Pool()`, `Pool { … }`.
    New = 1,
    /// It stands where a type stands.
    Type = 2,
    /// A type extends or implements it.
    Inherit = 3,
    /// It is imported.
    Import = 4,
    /// It is read: a value, or a function that is not called here.
    Read = 5,
    /// It is written.
    Write = 6,
    /// It decorates a definition: `@cached`, `#[derive(…)]`.
    Decorate = 7,
    /// It is a macro that is invoked, where the language tells.
    Macro = 8,
    /// A member does what one of a type above asks. No reference in a text: resolution finds it, the site is the name of the member.
    Override = 9,
}

impl Role {
    /// All roles, by number.
    pub const ALL: [Self; 10] = [
        Self::Call,
        Self::New,
        Self::Type,
        Self::Inherit,
        Self::Import,
        Self::Read,
        Self::Write,
        Self::Decorate,
        Self::Macro,
        Self::Override,
    ];

    /// As users write it.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 10] =
            ["call", "new", "type", "inherit", "import", "read", "write", "decorate", "macro", "override"];
        NAMES[self as usize]
    }

    /// Whether the one who uses it so runs it: what callers are.
    pub fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::New | Self::Macro)
    }
}
