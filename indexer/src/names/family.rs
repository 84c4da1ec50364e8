//! Languages that share names: what is defined in one of a family can be used in the others.

use kotadb_core::text::Language;

/// A family of languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// TypeScript and JavaScript.
    Script,
    /// Go.
    Go,
    /// Java, Kotlin, Scala.
    Jvm,
    /// C#.
    CSharp,
    /// C and C++.
    C,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Bash.
    Bash,
    /// Swift.
    Swift,
    /// Lua.
    Lua,
    /// What has no references.
    Other,
}

impl Family {
    /// The family of a language.
    pub fn of(language: Language) -> Self {
        match language.name() {
            "rust" => Self::Rust,
            "python" => Self::Python,
            "typescript" | "javascript" => Self::Script,
            "go" => Self::Go,
            "java" | "kotlin" | "scala" => Self::Jvm,
            "c#" => Self::CSharp,
            "c" | "c++" => Self::C,
            "ruby" => Self::Ruby,
            "php" => Self::Php,
            "bash" => Self::Bash,
            "swift" => Self::Swift,
            "lua" => Self::Lua,
            _ => Self::Other,
        }
    }

    /// Whether a bare name may be a member of the type round it.
    pub fn has_bare_members(self) -> bool {
        matches!(self, Self::Jvm | Self::CSharp | Self::C | Self::Ruby | Self::Swift)
    }

    /// Whether a thing of type `object` may be anything.
    pub fn has_object(self) -> bool {
        matches!(self, Self::Python | Self::Script | Self::Php | Self::CSharp)
    }

    /// Whether all files that declare one package share its names without imports. A single package holds all of Ruby and Swift.
    pub fn has_packages(self) -> bool {
        matches!(self, Self::Go | Self::Jvm | Self::CSharp | Self::Php | Self::Ruby | Self::Swift)
    }

    /// What stands before the names of its packages, so that families do not share them.
    pub fn mark(self) -> char {
        match self {
            Self::Go => 'g',
            Self::Jvm => 'j',
            Self::CSharp => 'c',
            Self::Php => 'p',
            Self::Ruby => 'r',
            Self::Swift => 's',
            _ => 'x',
        }
    }

    /// What stands between the words of a package's name.
    pub fn separator(self) -> char {
        if self == Self::Php { '\\' } else { '.' }
    }
}
