//! What a name may mean beside a symbol, and which meanings fit which use.

use kotadb_core::facts::{Role, SymbolKind};

use super::words::Word;

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A file as a module.
    File(u32),
    /// A folder as a package of Python.
    Folder(u32),
    /// A symbol: a type, an inline module, a function, a value.
    Symbol(u32),
    /// A package.
    Package(Word),
    /// A module outside of the repository, and a name in it, which may be none.
    Outside(Word, Word),
    /// It should be in the repository, and is not.
    Nowhere,
}

impl Place {
    /// The symbol, if it is one.
    pub fn symbol(self) -> Option<u32> {
        if let Self::Symbol(symbol) = self { Some(symbol) } else { None }
    }

    /// Whether it is something that can be used.
    pub fn is_somewhere(self) -> bool {
        self != Self::Nowhere
    }
}

/// What a use asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Want {
    /// Whatever it is.
    Any,
    /// A type.
    Type,
    /// A type, module or value that other names are behind.
    Head,
    /// What can be called.
    Call,
    /// What an instance is made of.
    New,
    /// A macro.
    Macro,
    /// What is read or written.
    Value,
}

impl Want {
    /// What a role asks for.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Call => Self::Call,
            Role::New => Self::New,
            Role::Type | Role::Inherit => Self::Type,
            Role::Macro => Self::Macro,
            Role::Read | Role::Write => Self::Value,
            Role::Import | Role::Decorate | Role::Override => Self::Any,
        }
    }

    /// How well a kind fits: less is better; `None`: not at all.
    pub fn fit(self, kind: SymbolKind) -> Option<u8> {
        use SymbolKind as K;
        let is_value = matches!(kind, K::Field | K::Property | K::Constant | K::Variable | K::Variant);
        let fits = match self {
            Self::Any => 0,
            Self::Type if kind.is_type() => 0,
            Self::Type if matches!(kind, K::Module | K::Variant) => 2,
            Self::Head if kind.is_type() || kind == K::Module => 0,
            Self::Head if is_value => 1,
            // In its class a constructor has the name of the class, which is what names are behind.
            Self::Head if kind == K::Constructor => return None,
            Self::Head if kind.is_callable() => 2,
            Self::Call if kind.is_callable() => 0,
            Self::Call if kind.is_type() || kind == K::Variant => 1,
            Self::Call if is_value => 2,
            Self::New if kind.is_type() || matches!(kind, K::Constructor | K::Variant) => 0,
            Self::New if matches!(kind, K::Function | K::Variable | K::Constant) => 2,
            Self::Macro if kind == K::Macro => 0,
            Self::Value if is_value => 0,
            Self::Value if kind != K::Section => 1,
            _ => return None,
        };
        Some(fits)
    }
}
