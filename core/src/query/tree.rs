//! The tree of a parsed query. How it is written is `parse`'s business, what it matches is `plan`'s.

use crate::segment::Class;
use crate::text::Language;

/// Longest query, in bytes.
pub const MAX_QUERY_BYTES: usize = 1024;

/// Deepest nesting of parentheses and negations.
pub const MAX_DEPTH: usize = 64;

/// A parsed query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// What must hold of a document.
    pub(super) expr: Expr,
    pub(super) result_type: ResultType,
    pub(super) classes: Classes,
}

/// What an answer is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultType {
    /// Matching lines, by file. A query without text answers files without lines.
    #[default]
    Lines,
    /// Matching files, without their lines.
    Files,
    /// Files whose paths match what is otherwise looked for in the content.
    Paths,
    /// Lines in which symbols are defined that are called what is otherwise looked for in the content.
    Symbols,
}

/// Which classes of files a query is asked of, each ascending. What is in neither list is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Their files are answered.
    pub shown: Vec<Class>,
    /// How many of their files match is said, but which ones is not.
    pub hidden: Vec<Class>,
}

/// A condition on one document: a (path, language, content) of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// All of them hold.
    And(Vec<Self>),
    /// At least one holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A line of the content matches.
    Text(TextPattern),
    /// A symbol of that name is defined.
    Symbol(SymbolPattern),
    /// The path matches.
    Path(NamePattern),
    /// The entry has this language.
    Language(Language),
    /// The repository's `owner/name` matches.
    Repository(NamePattern),
    /// The ref's name matches.
    Ref(NamePattern),
}

/// A regex over one line, or over the whole text. A term or phrase is the regex that matches exactly its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextPattern {
    /// Syntax of the `regex` crate, not wrapped, without flags of ours.
    pub pattern: String,
    /// Whether letters match in either case.
    pub case_insensitive: bool,
    /// Whether a match may go over the end of its line.
    pub multiline: bool,
}

/// A name of symbols.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolPattern {
    /// The name alone, or its beginning.
    pub name: String,
    /// What is to be round it, joined with `.`, in either case; empty: anything.
    pub container: String,
    /// Whether longer names that begin so are meant, too.
    pub is_beginning: bool,
    /// Whether letters match in either case: those of ASCII.
    pub case_insensitive: bool,
}

/// A pattern for a path, a repository or a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    /// How `pattern` is to be read.
    pub kind: NameKind,
    /// The pattern as the user wrote it, without quotes or slashes.
    pub pattern: String,
    /// Whether letters match in either case.
    pub case_insensitive: bool,
}

/// How a [`NamePattern`] is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// No wildcard: a part of a path or repository name, the whole of a ref name.
    Plain,
    /// Wildcards.
    Glob,
    /// A regex, found anywhere in the name.
    Regex,
}

impl Query {
    /// All files, without lines.
    pub fn everything() -> Self {
        let shown = vec![Class::Source, Class::Test, Class::Docs];
        let classes = Classes { shown, hidden: vec![Class::Generated, Class::Vendored] };
        Self { expr: Expr::And(Vec::new()), result_type: ResultType::Files, classes }
    }

    /// The condition.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// What answers are made of.
    pub fn result_type(&self) -> ResultType {
        self.result_type
    }

    /// The classes that are searched.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// Whether anything is searched for that a shown line could match. If not, the query lists files.
    pub fn has_lines(&self) -> bool {
        self.result_type.has_lines() && self.expr.any(true, &|atom, positive| positive && atom.is_within())
    }

    /// Whether it asks for any text or symbol, negated or not.
    pub fn asks_within(&self) -> bool {
        self.expr.any(true, &|atom, _| atom.is_within())
    }

    /// Whether it asks for any symbol, negated or not.
    pub fn asks_symbols(&self) -> bool {
        self.expr.any(true, &|atom, _| matches!(atom, Expr::Symbol(_)))
    }

    /// The same query, answered by files instead of their lines.
    #[must_use]
    pub fn without_lines(self) -> Self {
        match self.result_type {
            ResultType::Lines | ResultType::Symbols => Self { result_type: ResultType::Files, ..self },
            ResultType::Files | ResultType::Paths => self,
        }
    }

    /// The same query, asked of the refs with this name.
    #[must_use]
    pub fn of_ref(self, kind: NameKind, name: &str) -> Self {
        self.and(Expr::Ref(NamePattern { kind, pattern: name.to_owned(), case_insensitive: false }))
    }

    /// The same query, asked of generated and vendored files, too.
    #[must_use]
    pub fn of_every_class(self) -> Self {
        Self { classes: Classes { shown: Class::ALL.to_vec(), hidden: Vec::new() }, ..self }
    }

    /// The same query, asked of files with this text, in this case.
    #[must_use]
    pub fn of_text(self, text: &str) -> Self {
        let pattern = regex_syntax::escape(text);
        self.and(Expr::Text(TextPattern { pattern, case_insensitive: false, multiline: false }))
    }

    /// The same query, asked of no ref with this name.
    #[must_use]
    pub fn not_of_ref(self, kind: NameKind, name: &str) -> Self {
        let name = NamePattern { kind, pattern: name.to_owned(), case_insensitive: false };
        self.and(Expr::Not(Box::new(Expr::Ref(name))))
    }

    fn and(self, other: Expr) -> Self {
        Self { expr: Expr::And(vec![self.expr, other]), ..self }
    }

    /// The names of refs that are asked for without a wildcard, wherever in the query.
    pub fn plain_refs(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.expr.plain_refs(&mut names);
        names
    }

    /// Whether refs are named. If not, only the default ref of each repository is searched.
    pub fn names_refs(&self) -> bool {
        self.expr.any(true, &|atom, _| matches!(atom, Expr::Ref(_)))
    }
}

impl ResultType {
    pub(super) fn has_lines(self) -> bool {
        matches!(self, Self::Lines | Self::Symbols)
    }
}

impl Expr {
    /// Whether it is asked of what is within a document.
    pub(super) fn is_within(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Symbol(_))
    }

    fn plain_refs<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.plain_refs(names)),
            Self::Not(part) => part.plain_refs(names),
            Self::Ref(NamePattern { kind: NameKind::Plain, pattern, .. }) => names.push(pattern),
            _ => {}
        }
    }

    /// Whether `test` holds of any atom; its second argument says whether the atom is under an even number of NOTs.
    pub(super) fn any(&self, positive: bool, test: &dyn Fn(&Self, bool) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.any(positive, test)),
            Self::Not(part) => part.any(!positive, test),
            atom => test(atom, positive),
        }
    }
}
