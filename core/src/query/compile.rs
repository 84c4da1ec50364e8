//! From patterns to matchers: exactly the matcher that ripgrep builds for a line-oriented search, within our limits.

use grep_matcher::Matcher as _;
use grep_regex::{ErrorKind, RegexMatcher, RegexMatcherBuilder};
use regex_syntax::hir::{Hir, HirKind, Repetition};

use super::finder::Finder;
use super::folded::FoldedLiteral;
use super::formula::Formula;
use super::needs::Needs;
use super::patience::{self, Steps};
use super::pattern::Pattern;
use super::required::Required;
use super::tree::{NameKind, NamePattern, TextPattern};
use super::trigrams;

/// Most memory of one compiled regex, and of its lazily built automaton, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// Deepest nesting inside a regex; as in ripgrep.
const NEST_LIMIT: u32 = 250;

/// Why a pattern cannot be searched for. The message is for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// No regex of the `regex` crate, for its own reason; `at` counts code points from the pattern's start, if known.
    #[error("invalid regex: {reason}")]
    Syntax {
        /// The regex crate's words.
        reason: String,
        /// Where in the pattern.
        at: usize,
    },
    /// The compiled form passes the limit.
    #[error("the regex is larger than {REGEX_LIMIT} bytes when compiled")]
    TooLarge,
    /// Asks for a line end, which no line contains.
    #[error("the pattern can only match across lines, but a match lies within one line")]
    CrossesLines,
    /// No glob, for the reason given.
    #[error("invalid glob: {0}")]
    Glob(String),
}

/// About as many states as a regex has when it is compiled.
pub(super) fn weight(pattern: &str, case_insensitive: bool) -> Result<usize, CompileError> {
    let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive, multiline: false };
    parse_regex(&pattern).map(|hir| patience::weight(&hir))
}

/// A text pattern, ready to be searched for.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) pattern: Pattern,
    pub(super) formula: Formula,
}

impl Text {
    pub(super) fn compile(pattern: &TextPattern) -> Result<Self, CompileError> {
        let hir = parse_regex(pattern)?;
        let finder = match literal_finder(pattern, &hir) {
            Some(finder) => finder,
            None => {
                let Embedded { syntax, case_insensitive } = embedded(pattern)?;
                let engine = Engine { case_insensitive, multiline: pattern.multiline, limit: REGEX_LIMIT };
                engine.finder(&syntax, Steps::new(hir.clone()))?.requiring(Required::of(&hir))
            }
        };
        Ok(Self { pattern: Pattern { finder, needs: Needs::of(&hir) }, formula: trigrams::formula(&hir) })
    }
}

/// What finds a pattern without a regex: one literal within a line, exactly or in either case.
fn literal_finder(pattern: &TextPattern, hir: &Hir) -> Option<Finder> {
    if let Some(literal) = literal(hir) {
        return Some(Finder::literal(literal));
    }
    // Exactly, it is a literal; and in either case nothing but that literal in either case.
    let exact = parse_regex(&TextPattern { case_insensitive: false, ..pattern.clone() }).ok()?;
    let plain = |text: &str| TextPattern { pattern: regex_syntax::escape(text), ..pattern.clone() };
    let literal = literal(&exact)?;
    let folded = parse_regex(&plain(std::str::from_utf8(literal).ok()?)).ok()?;
    if folded != *hir { None } else { FoldedLiteral::new(literal).map(Finder::Folded) }
}

/// The text that a pattern stands for in one of the cases of its letters, where it is a literal.
pub(super) fn literal_text(pattern: &TextPattern) -> Option<String> {
    let exact = parse_regex(&TextPattern { case_insensitive: false, ..pattern.clone() }).ok()?;
    String::from_utf8(literal(&exact)?.to_vec()).ok()
}

fn literal(hir: &Hir) -> Option<&[u8]> {
    match hir.kind() {
        HirKind::Literal(literal) if !literal.0.contains(&b'\n') => Some(&literal.0),
        _ => None,
    }
}

/// The matcher that ripgrep builds for `pattern`.
#[cfg(test)]
pub(super) fn matcher(pattern: &TextPattern) -> Result<RegexMatcher, CompileError> {
    let Embedded { syntax, case_insensitive } = embedded(pattern)?;
    Engine { case_insensitive, multiline: false, limit: REGEX_LIMIT }.matcher(&syntax)
}

/// One finder for the lines that any of `patterns` matches, two or more.
pub(super) fn any_of(patterns: &[&TextPattern]) -> Result<Finder, CompileError> {
    let group = |pattern: &&TextPattern| {
        let Embedded { syntax, case_insensitive } = embedded(pattern)?;
        let flags = if case_insensitive { "i" } else { "" };
        Ok(format!("(?{flags}:{syntax})"))
    };
    let alternation = patterns.iter().map(group).collect::<Result<Vec<_>, CompileError>>()?.join("|");
    let multiline = patterns.iter().any(|pattern| pattern.multiline);
    let hirs = patterns.iter().map(|pattern| parse_regex(pattern)).collect::<Result<Vec<_>, _>>()?;
    let engine = Engine { case_insensitive: false, multiline, limit: REGEX_LIMIT * patterns.len() };
    engine.finder(&alternation, Steps::new(Hir::alternation(hirs)))
}

/// A pattern that means the same inside a group beside others.
struct Embedded {
    syntax: String,
    case_insensitive: bool,
}

/// A comment of `(?x)` would swallow the parenthesis that closes the group, and two groups must not share a name: such
/// patterns are written anew from their tree.
fn embedded(pattern: &TextPattern) -> Result<Embedded, CompileError> {
    let text = &pattern.pattern;
    if !text.contains("(?") || !text.contains(['#', '<']) {
        return Ok(Embedded { syntax: text.clone(), case_insensitive: pattern.case_insensitive });
    }
    Ok(Embedded { syntax: without_captures(&parse_regex(pattern)?).to_string(), case_insensitive: false })
}

fn without_captures(hir: &Hir) -> Hir {
    let each = |parts: &[Hir]| parts.iter().map(without_captures).collect();
    match hir.kind() {
        HirKind::Capture(capture) => without_captures(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(each(parts)),
        HirKind::Alternation(parts) => Hir::alternation(each(parts)),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(without_captures(&repetition.sub));
            Hir::repetition(Repetition { sub, ..repetition.clone() })
        }
        _ => hir.clone(),
    }
}

/// How a regex is compiled.
#[derive(Clone, Copy)]
struct Engine {
    case_insensitive: bool,
    multiline: bool,
    /// Most bytes of the compiled form.
    limit: usize,
}

impl Engine {
    fn finder(self, pattern: &str, steps: Steps) -> Result<Finder, CompileError> {
        if !self.multiline {
            return Ok(Finder::regex(self.matcher(pattern)?, steps));
        }
        let matcher = self.matcher(pattern)?;
        if matcher.non_matching_bytes().is_some_and(|bytes| bytes.contains(b'\n')) {
            return Ok(Finder::regex(Self { multiline: false, ..self }.matcher(pattern)?, steps));
        }
        Ok(Finder::Spanning { matcher, steps })
    }

    fn matcher(self, pattern: &str) -> Result<RegexMatcher, CompileError> {
        RegexMatcherBuilder::new()
            .multi_line(true)
            .case_insensitive(self.case_insensitive)
            .line_terminator((!self.multiline).then_some(b'\n'))
            .size_limit(self.limit)
            .dfa_size_limit(self.limit)
            .nest_limit(NEST_LIMIT)
            .build(pattern)
            .map_err(|error| match error.kind() {
                ErrorKind::NotAllowed(_) => CompileError::CrossesLines,
                ErrorKind::Regex(reason) if reason.contains("size limit") => CompileError::TooLarge,
                _ => CompileError::Syntax { reason: error.to_string(), at: 0 },
            })
    }
}

/// Parses with the flags that grep-regex gives its own parser, but unwrapped: a stray parenthesis must not close the
/// group that grep-regex wraps around it.
fn parse_regex(pattern: &TextPattern) -> Result<Hir, CompileError> {
    let mut builder = regex_syntax::ParserBuilder::new();
    builder.utf8(false).multi_line(true).nest_limit(NEST_LIMIT).case_insensitive(pattern.case_insensitive);
    builder.build().parse(&pattern.pattern).map_err(|error| {
        let (reason, offset) = match &error {
            regex_syntax::Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
            regex_syntax::Error::Translate(error) => (error.kind().to_string(), error.span().start.offset),
            other => (other.to_string(), 0),
        };
        let at = pattern.pattern.get(..offset).map_or(0, |before| before.chars().count());
        CompileError::Syntax { reason, at }
    })
}

/// Whether a regex holds an upper-case letter that stands for itself (`\S`, `\W`, `\p{Lu}` do not).
pub(super) fn has_upper_case_literal(pattern: &str) -> bool {
    use regex_syntax::ast;

    struct Finder(bool);

    impl ast::Visitor for Finder {
        type Output = bool;
        type Err = std::convert::Infallible;

        fn finish(self) -> Result<bool, Self::Err> {
            Ok(self.0)
        }

        fn visit_pre(&mut self, node: &ast::Ast) -> Result<(), Self::Err> {
            if let ast::Ast::Literal(literal) = node {
                self.0 |= literal.c.is_uppercase();
            }
            Ok(())
        }

        fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Self::Err> {
            match item {
                ast::ClassSetItem::Literal(literal) => self.0 |= literal.c.is_uppercase(),
                ast::ClassSetItem::Range(range) => {
                    self.0 |= range.start.c.is_uppercase() || range.end.c.is_uppercase();
                }
                _ => {}
            }
            Ok(())
        }
    }

    let parsed = ast::parse::ParserBuilder::new().nest_limit(NEST_LIMIT).build().parse(pattern);
    parsed.is_ok_and(|tree| ast::visit(&tree, Finder(false)).is_ok_and(|found| found))
}

/// Which kind of name a [`NamePattern`] is for; each reads plain words and wildcards in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    Path,
    Repository,
    Ref,
}

/// A pattern for paths, repositories or refs as one regex over the name's bytes.
pub(super) fn name_regex(pattern: &NamePattern, of: NameOf) -> Result<regex::bytes::Regex, CompileError> {
    let text = pattern.pattern.as_str();
    let syntax = match pattern.kind {
        NameKind::Regex => {
            let case_insensitive = pattern.case_insensitive;
            let probe = TextPattern { pattern: text.to_owned(), case_insensitive, multiline: false };
            parse_regex(&probe)?;
            text.to_owned()
        }
        NameKind::Plain => plain_syntax(text, of),
        NameKind::Glob => glob_syntax(text, of)?,
    };
    regex::bytes::RegexBuilder::new(&syntax)
        .case_insensitive(pattern.case_insensitive)
        .size_limit(REGEX_LIMIT)
        .dfa_size_limit(REGEX_LIMIT)
        .dot_matches_new_line(pattern.kind == NameKind::Glob)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => CompileError::TooLarge,
            other => CompileError::Syntax { reason: other.to_string(), at: 0 },
        })
}

fn plain_syntax(text: &str, of: NameOf) -> String {
    match (of, text.strip_prefix('/')) {
        (NameOf::Ref, _) => format!("^(?:refs/(?:heads/|tags/|remotes/)?)?{}$", regex::escape(text)),
        (NameOf::Path, Some(anchored)) => format!("^{}", regex::escape(anchored)),
        _ => regex::escape(text),
    }
}

fn glob_syntax(text: &str, of: NameOf) -> Result<String, CompileError> {
    let rest = text.strip_prefix('/').unwrap_or(text);
    let below = if rest.ends_with('/') { "**" } else { "" };
    let anchored = of == NameOf::Ref || rest.len() < text.len() || rest.starts_with("**/");
    let front = if anchored { "" } else { "**/" };
    let glob = globset::GlobBuilder::new(&format!("{front}{rest}{below}"))
        .literal_separator(of != NameOf::Ref)
        .backslash_escape(true)
        .build()
        .map_err(|error| CompileError::Glob(error.kind().to_string()))?;
    if of != NameOf::Ref {
        return Ok(glob.regex().to_owned());
    }
    let whole = glob.regex().trim_start_matches("(?-u)").trim_start_matches('^').trim_end_matches('$');
    Ok(format!("(?-u)^(?:refs/(?:heads/|tags/|remotes/)?)?{whole}$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(kind: NameKind, pattern: &str, of: NameOf, name: &str) -> bool {
        let pattern = NamePattern { kind, pattern: pattern.to_owned(), case_insensitive: false };
        name_regex(&pattern, of).expect("the pattern compiles").is_match(name.as_bytes())
    }

    #[test]
    fn path_patterns_follow_the_syntax_page() {
        let glob = |pattern, name| matches(NameKind::Glob, pattern, NameOf::Path, name);
        let plain = |pattern, name| matches(NameKind::Plain, pattern, NameOf::Path, name);
        assert!(glob("*.rs", "a/b/c.rs") && glob("*.rs", "c.rs") && !glob("*.rs", "c.rs.txt"));
        assert!(glob("net/*.c", "drivers/net/a.c") && glob("net/*.c", "net/a.c"));
        assert!(!glob("net/*.c", "subnet/a.c") && !glob("net/*.c", "net/x/a.c"));
        assert!(glob("net/**/*.c", "net/x/y/a.c") && glob("net/**/*.c", "net/a.c") && glob("src/**", "a/src/x/y"));
        assert!(glob("/src/*.c", "src/a.c") && !glob("/src/*.c", "x/src/a.c"));
        assert!(glob("v*/", "a/vendor/x/y.c") && !glob("v*/", "vendor"));
        assert!(glob("{a,b}.[ch]", "x/a.c") && glob("?.c", "a.c") && !glob("?.c", "ab.c"));
        assert!(plain("drivers/net", "x/drivers/network/a") && !plain("drivers/net", "drivers"));
        assert!(plain("/drivers", "drivers/a") && !plain("/drivers", "x/drivers/a"));
    }

    #[test]
    fn ref_patterns_take_short_and_full_names() {
        let glob = |pattern, name| matches(NameKind::Glob, pattern, NameOf::Ref, name);
        let plain = |pattern, name| matches(NameKind::Plain, pattern, NameOf::Ref, name);
        assert!(plain("main", "refs/heads/main") && plain("refs/heads/main", "refs/heads/main"));
        assert!(plain("heads/main", "refs/heads/main") && !plain("main", "refs/heads/maintenance"));
        assert!(plain("v1", "refs/tags/v1") && !plain("x", "refs/heads/feature/x"));
        assert!(glob("*", "refs/heads/feature/x") && glob("feature/*", "refs/heads/feature/x"));
        assert!(glob("refs/tags/*", "refs/tags/v1") && !glob("refs/tags/*", "refs/heads/v1"));
    }

    #[test]
    fn upper_case_means_letters_that_stand_for_themselves() {
        for pattern in ["Foo", "fo[A-Z]", "[^X]", r"\x4a", "É"] {
            assert!(has_upper_case_literal(pattern), "{pattern}");
        }
        for pattern in [r"\S\W\D\B\A", r"\p{Lu}", "[[:upper:]]", "foo", "(?P<Name>x)"] {
            assert!(!has_upper_case_literal(pattern), "{pattern}");
        }
    }

    #[test]
    fn patterns_beside_others_keep_their_meaning() {
        let pattern =
            |pattern: &str| TextPattern { pattern: pattern.to_owned(), case_insensitive: true, multiline: false };
        let matches = |finder: &Finder, text: &str| finder.any(text.as_bytes());
        let comment = pattern("(?x) f o{2} # one");
        assert!(matches(&Text::compile(&comment).expect("it is a regex").pattern.finder, "xFOO"));
        let named = pattern("(?P<n>b)a(?<m>r)");
        let any = any_of(&[&comment, &named, &pattern("(?<n>z)\\b#")]).expect("all are regexes");
        assert!(matches(&any, "Foo") && matches(&any, "BAR") && matches(&any, "z#") && !matches(&any, "fo ba z"));
    }

    #[test]
    fn refuses_what_cannot_run() {
        let compile = |pattern: &str| {
            let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive: false, multiline: false };
            Text::compile(&pattern).map(|_| ())
        };
        assert_eq!(compile(r"a\nb"), Err(CompileError::CrossesLines));
        assert_eq!(compile(r"[\n]"), Err(CompileError::CrossesLines));
        assert_eq!(compile(r"\w{1000}"), Err(CompileError::TooLarge));
        assert!(matches!(compile("a)|(b"), Err(CompileError::Syntax { at: 1, .. })));
        assert_eq!(compile(r"a[^b]\s$"), Ok(()));
    }
}
