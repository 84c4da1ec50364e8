//! What is defined in a file.

use super::Span;

/// A definition or declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// The name alone: `acquire`. What has none (a default export) is called as its language calls it: `default`.
    pub name: Box<str>,
    /// What it is.
    pub kind: SymbolKind,
    /// More about it.
    pub flags: Flags,
    /// The symbol of this file that contains it, by its number in `Facts::symbols`.
    pub container: Option<u32>,
    /// The type that it belongs to, where that is no symbol round it: `Pool` of `impl Pool`, `func (p *Pool)`, `Pool::acquire`.
    pub qualifier: Option<Box<str>>,
    /// The trait or interface that it is written for: `Drop` of `impl Drop for Pool`.
    pub interface: Option<Box<str>>,
    /// Where the name stands.
    pub name_span: Span,
    /// Line of the name, from 1; 0: not known. [`super::Facts::number_lines`] sets it, so that graphs and lists of names can tell
    /// a place without a look at the text.
    pub line: u32,
    /// All of the definition, with its attributes and body, without the comment before it.
    pub range: Span,
    /// From the first word of the declaration up to its body: what is shown as its signature.
    pub signature: Span,
    /// The first line of its documentation, without comment signs.
    pub doc: Option<Span>,
    /// What a function takes.
    pub arity: Arity,
    /// Type of a field, constant or variable, what a function returns, or the elements of a tuple struct or variant
    /// (`(Pool,u8)`), as in [`super::expression`]. Without an annotation:
    /// `=` and the expression that it was given, where that tells (`=Pool::new()`).
    pub of_type: Option<Box<str>>,
}

impl Symbol {
    /// One without a name yet, of that kind.
    pub fn new(kind: SymbolKind) -> Self {
        Self {
            name: Box::default(),
            kind,
            flags: Flags::default(),
            container: None,
            qualifier: None,
            interface: None,
            name_span: Span::default(),
            line: 0,
            range: Span::default(),
            signature: Span::default(),
            doc: None,
            arity: Arity::default(),
            of_type: None,
        }
    }
}

/// How many arguments a function takes, its receiver apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arity {
    /// At least.
    pub least: u8,
    /// At most; `u8::MAX`: any number.
    pub most: u8,
}

impl Arity {
    /// Whether a call with that many arguments fits. [`super::UNKNOWN_ARITY`] fits always.
    pub fn fits(self, n_arguments: u8) -> bool {
        n_arguments == super::UNKNOWN_ARITY || (self.least <= n_arguments && n_arguments <= self.most)
    }
}

/// What a symbol is. Numbers are part of the format and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SymbolKind {
    /// Module, namespace, package.
    Module = 0,
    /// Class, object, record.
    Class = 1,
    /// Struct.
    Struct = 2,
    /// Enumeration.
    Enum = 3,
    /// Value of an enumeration.
    Variant = 4,
    /// Union.
    Union = 5,
    /// Trait, protocol.
    Trait = 6,
    /// Interface.
    Interface = 7,
    /// Another name of a type.
    TypeAlias = 8,
    /// Function of no type.
    Function = 9,
    /// Function of a type.
    Method = 10,
    /// Constructor.
    Constructor = 11,
    /// Property with accessors.
    Property = 12,
    /// Field.
    Field = 13,
    /// Constant, static of Rust.
    Constant = 14,
    /// Variable of a module.
    Variable = 15,
    /// Macro.
    Macro = 16,
    /// Heading.
    Section = 17,
}

impl SymbolKind {
    /// All kinds, by number.
    pub const ALL: [Self; 18] = [
        Self::Module,
        Self::Class,
        Self::Struct,
        Self::Enum,
        Self::Variant,
        Self::Union,
        Self::Trait,
        Self::Interface,
        Self::TypeAlias,
        Self::Function,
        Self::Method,
        Self::Constructor,
        Self::Property,
        Self::Field,
        Self::Constant,
        Self::Variable,
        Self::Macro,
        Self::Section,
    ];

    /// As users write it: `type_alias`.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 18] = [
            "module",
            "class",
            "struct",
            "enum",
            "variant",
            "union",
            "trait",
            "interface",
            "type_alias",
            "function",
            "method",
            "constructor",
            "property",
            "field",
            "constant",
            "variable",
            "macro",
            "section",
        ];
        NAMES[self as usize]
    }

    /// Whether it can be called by its name: functions and macros.
    pub fn is_callable(self) -> bool {
        matches!(self, Self::Function | Self::Method | Self::Constructor | Self::Macro)
    }

    /// Whether it is a type, which has members and may have supertypes.
    pub fn is_type(self) -> bool {
        matches!(
            self,
            Self::Class | Self::Struct | Self::Enum | Self::Union | Self::Trait | Self::Interface | Self::TypeAlias
        )
    }
}

/// Facts about a symbol that are true or not. Bits are part of the format and never reused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Others may use it: `pub`, `export`, `public`, not `static` in C, a capital letter in Go, no `_` before it in Python.
    pub const EXPORTED: Self = Self(1);
    /// It is a test, or lies in one (`#[test]`, `test_…`, `TestX`, `@Test`).
    pub const TEST: Self = Self(1 << 1);
    /// It belongs to the type, not to an instance.
    pub const STATIC: Self = Self(1 << 2);
    /// It has no body that others must give.
    pub const ABSTRACT: Self = Self(1 << 3);
    /// It is asynchronous.
    pub const ASYNC: Self = Self(1 << 4);
    /// It is marked as deprecated.
    pub const DEPRECATED: Self = Self(1 << 5);
    /// It is marked as generated.
    pub const GENERATED: Self = Self(1 << 6);
    /// It declares what is defined elsewhere: a prototype, `extern`, `declare`, an overload.
    pub const DECLARATION: Self = Self(1 << 7);
    /// The program starts here, or others reach it by no call in the code: `main`, a route, a command, an exported hook.
    pub const ENTRY: Self = Self(1 << 8);
    /// It gets a value of its type by being read: `@property`, `get x()`.
    pub const ACCESSOR: Self = Self(1 << 9);

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
