//! A query made ready to run: compiled patterns, the condition that remains for one ref of one repository, what it asks
//! of the trigrams, and the verdict on one document.

use std::collections::HashMap;

use super::compile::{self, CompileError, NameOf, Text};
use super::content::Content;
use super::defining_lines::with_definitions;
use super::formula::Formula;
use super::lines::{self, LineMatch};
use super::names::Name;
use super::needs::Needs;
use super::node::Node;
use super::patience::Stopped;
use super::pattern::Pattern;
use super::score::Atom;
use super::symbol::{Defined, SymbolName};
use super::tree::{Classes, Expr, MAX_QUERY_BYTES, NamePattern, Query, ResultType, SymbolPattern, TextPattern};
use crate::segment::NameRow;
use crate::text::{Language, Sketch};

/// Words of a query that are looked up as names of symbols, to rank by them.
const MAX_NAMES: usize = 4;

/// A compiled query; shared by all threads that answer it.
#[derive(Clone, Debug)]
pub struct Plan {
    root: Node,
    texts: Vec<Text>,
    names: Vec<Name>,
    /// Matches what any positive term of text matches; `None`: there is none, or lines are not asked for.
    lines: Option<Pattern>,
    /// Names of symbols: those that the query asks for, then those that its words may be.
    symbols: Vec<SymbolName>,
    /// How many of them the query asks for.
    n_asked: usize,
    /// Those of them that are not negated.
    wanted: Vec<usize>,
    /// Where lines are asked for, the same: those that define one are shown.
    shown: Vec<usize>,
    names_refs: bool,
    result_type: ResultType,
    classes: Classes,
    atoms: Vec<Atom>,
}

/// What is left of a query for one ref of one repository, with `repo:` and `ref:` decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    node: Node,
    formula: Formula,
}

/// What is known of a document without its content.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Path in the commit.
    pub path: &'a [u8],
    /// Language of the entry.
    pub language: Language,
    /// What it defines of the names that the plan asks for.
    pub defined: Defined<'a>,
}

/// What an [`Entry`] alone says about a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It cannot match.
    No,
    /// It matches, and there are no lines to show.
    Yes,
    /// The content decides, or has the lines.
    Read,
}

impl Plan {
    /// Compiles `query`.
    pub fn new(query: &Query) -> Result<Self, CompileError> {
        let mut compiler = Compiler::default();
        let root = compiler.node(&query.expr, true)?;
        let has_lines = query.result_type.has_lines();
        let lines = if has_lines { compiler.lines()? } else { None };
        let (n_asked, atoms) = (compiler.symbols.len(), compiler.atoms());
        Ok(Self {
            root,
            lines,
            atoms,
            n_asked,
            shown: if has_lines { compiler.wanted.clone() } else { Vec::new() },
            wanted: compiler.wanted,
            symbols: compiler.symbols,
            texts: compiler.texts,
            names: compiler.names,
            names_refs: query.names_refs(),
            result_type: query.result_type,
            classes: query.classes.clone(),
        })
    }

    /// Whether other refs than a repository's default are searched.
    pub fn names_refs(&self) -> bool {
        self.names_refs
    }

    /// What answers are made of.
    pub fn result_type(&self) -> ResultType {
        self.result_type
    }

    /// Which classes are answered and which are only counted.
    pub fn classes(&self) -> &Classes {
        &self.classes
    }

    /// The terms that are not negated, as far as scoring asks.
    pub(super) fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Whether the query says where files are.
    pub(crate) fn asks_paths(&self) -> bool {
        self.root.asks_paths()
    }

    /// Whether answers are files without lines.
    pub fn lists_files(&self) -> bool {
        self.lines.is_none() && self.shown.is_empty()
    }

    /// The names of symbols that say whether a document matches, then those that only rank it.
    pub fn symbols(&self) -> &[SymbolName] {
        &self.symbols
    }

    /// How many of [`Self::symbols`] say whether a document matches.
    pub fn n_asked_symbols(&self) -> usize {
        self.n_asked
    }

    /// Names of symbols of which every match of a scope defines one; `None`: there need not be one.
    pub fn required_symbols(&self, scope: &Scope) -> Option<Vec<usize>> {
        scope.node.required_symbols()
    }

    /// Words of the query that may be names of symbols, by their numbers.
    pub(crate) fn words_as_symbols(&self) -> Vec<usize> {
        self.atoms.iter().filter_map(|atom| atom.symbol).collect()
    }

    /// The names of symbols that are asked for and not negated, with their numbers.
    pub(crate) fn wanted_symbols(&self) -> impl Iterator<Item = (usize, &SymbolName)> {
        self.wanted.iter().map(|nth| (*nth, &self.symbols[*nth]))
    }

    /// What an entry defines of what the lines of an answer show.
    pub(crate) fn shown_symbols<'a>(&self, entry: Entry<'a>) -> Vec<&'a NameRow> {
        self.shown.iter().flat_map(|name| entry.defined.of(*name)).collect()
    }

    /// What is left of the query for a ref; `None`: nothing there can match. The default ref is also called `HEAD`.
    pub fn scope(&self, repository: &str, ref_name: &str, is_default: bool) -> Option<Scope> {
        let node = self.root.decide(&|node| match node {
            Node::Repository(name) => Some(self.names[*name].is_match(repository.as_bytes())),
            Node::Ref(name) => {
                let name = &self.names[*name];
                Some(name.is_match(ref_name.as_bytes()) || (is_default && name.is_match(b"HEAD")))
            }
            _ => None,
        });
        let formula = self.formula(&node);
        (node != Node::Is(false) && formula != Formula::Nothing).then_some(Scope { node, formula })
    }

    /// Whether sketches can say anything of a text.
    pub fn asks_sketches(&self) -> bool {
        self.texts.iter().any(|text| text.pattern.needs.are_known())
    }

    /// A literal that the path of every match holds, if one is known: the longest.
    pub fn path_literal(&self, scope: &Scope) -> Option<&[u8]> {
        let required = match &scope.node {
            Node::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let held = required.iter().filter_map(|node| match node {
            Node::Path(name) => self.names[*name].held(),
            _ => None,
        });
        held.max_by_key(|literal| literal.len())
    }

    /// What the path and language of `entry` say, and the sketch of its text if there is one: that may only say no, so that
    /// what is found does not depend on which texts have one.
    pub fn admits(&self, scope: &Scope, entry: Entry<'_>, sketch: Option<&Sketch>) -> Verdict {
        match scope.node.eval(&mut |node| self.fact(node, entry)) {
            Some(false) => Verdict::No,
            Some(true) if self.lists_files() => Verdict::Yes,
            _ if sketch.is_some_and(|sketch| self.rules_out(scope, entry, sketch)) => Verdict::No,
            _ => Verdict::Read,
        }
    }

    fn rules_out(&self, scope: &Scope, entry: Entry<'_>, sketch: &Sketch) -> bool {
        let fact = &mut |node: &Node| match node {
            Node::Text(text) => (!self.texts[*text].pattern.may_match(sketch)).then_some(false),
            other => self.fact(other, entry),
        };
        scope.node.eval(fact) == Some(false)
    }

    /// Whether a document matches and, if so, those of its lines that any positive term matches, at most `limit`.
    pub fn evaluate<'c>(
        &self,
        scope: &Scope,
        entry: Entry<'_>,
        content: impl Into<Content<'c>>,
        limit: usize,
    ) -> Option<Vec<LineMatch>> {
        let content = content.into();
        let collect = || self.collect(entry, content, limit);
        if self.lines_decide(scope) {
            let lines = collect();
            return (!lines.is_empty()).then_some(lines);
        }
        self.matches(scope, entry, content).then(collect)
    }

    /// Whether a document matches and, if so, how many of its lines any positive term matches. Keeps nothing.
    pub fn count<'c>(&self, scope: &Scope, entry: Entry<'_>, content: impl Into<Content<'c>>) -> Option<u64> {
        self.count_while(scope, entry, content, &|| true).unwrap_or_default()
    }

    /// The same, as long as `go_on` says so: it is asked several times a second.
    pub fn count_while<'c>(
        &self,
        scope: &Scope,
        entry: Entry<'_>,
        content: impl Into<Content<'c>>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<u64>, Stopped> {
        let content = content.into();
        let count = || {
            let count = self.lines.as_ref().map_or(Ok(0), |lines| lines.count_while(content, go_on))?;
            let defines = !self.shown_symbols(entry).is_empty();
            Ok(if defines { self.collect(entry, content, usize::MAX).len() as u64 } else { count })
        };
        if self.lines_decide(scope) {
            return Ok(Some(count()?).filter(|count| *count > 0));
        }
        if self.matches_while(scope, entry, content, go_on)? { count().map(Some) } else { Ok(None) }
    }

    /// The lines to show of a document that matches.
    fn collect(&self, entry: Entry<'_>, content: Content<'_>, limit: usize) -> Vec<LineMatch> {
        let lines = self.lines.as_ref().map(|lines| lines::collect(lines, content, limit)).unwrap_or_default();
        let defined = self.shown_symbols(entry);
        if defined.is_empty() { lines } else { with_definitions(lines, defined, content.text, limit) }
    }

    /// Whether a document matches just if it has a line to show.
    fn lines_decide(&self, scope: &Scope) -> bool {
        self.lines.is_some() && self.n_asked == 0 && matches!(scope.node, Node::Text(_)) && self.texts.len() == 1
    }

    fn matches(&self, scope: &Scope, entry: Entry<'_>, content: Content<'_>) -> bool {
        self.matches_while(scope, entry, content, &|| true).unwrap_or_default()
    }

    fn matches_while(
        &self,
        scope: &Scope,
        entry: Entry<'_>,
        content: Content<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<bool, Stopped> {
        let mut known = Known::default();
        let mut stopped = None;
        let mut ask = |text: usize| match stopped {
            None => self.texts[text].pattern.any_while(content, go_on).unwrap_or_else(|stop| {
                stopped = Some(stop);
                false
            }),
            Some(_) => false,
        };
        let matches = scope.node.eval(&mut |node| match node {
            Node::Text(text) => Some(known.get_or_ask(*text, || ask(*text))),
            other => self.fact(other, entry),
        });
        stopped.map_or(Ok(matches == Some(true)), Err)
    }

    fn fact(&self, node: &Node, entry: Entry<'_>) -> Option<bool> {
        match node {
            Node::Path(name) => Some(self.names[*name].is_match(entry.path)),
            Node::Language(language) => Some(*language == entry.language),
            Node::Symbol(name) => Some(!entry.defined.of(*name).is_empty()),
            _ => None,
        }
    }

    /// Paths and languages are facts of entries, and names of symbols need not stand in texts, so trigrams know nothing of them; what a negated term rules out is
    /// for verification to say, since trigrams never prove a match.
    fn formula(&self, node: &Node) -> Formula {
        match node {
            Node::Is(true) => Formula::All,
            Node::Is(false) => Formula::Nothing,
            Node::And(parts) => Formula::and(parts.iter().map(|part| self.formula(part))),
            Node::Or(parts) => Formula::or(parts.iter().map(|part| self.formula(part))),
            Node::Text(text) => self.texts[*text].formula.clone(),
            _ => Formula::All,
        }
    }
}

impl<'a> Entry<'a> {
    /// One of which nothing is known that it defines.
    pub const fn new(path: &'a [u8], language: Language) -> Self {
        Self { path, language, defined: Defined::NOTHING }
    }
}

impl Scope {
    /// What documents must satisfy to be able to match.
    pub fn formula(&self) -> &Formula {
        &self.formula
    }
}

/// Which texts are known to be in a document, or not to be. A text takes two bytes of a query, its space included.
#[derive(Default)]
struct Known {
    asked: [u64; MAX_TEXTS / 64],
    found: [u64; MAX_TEXTS / 64],
}

const MAX_TEXTS: usize = MAX_QUERY_BYTES / 2;

impl Known {
    fn get_or_ask(&mut self, text: usize, ask: impl FnOnce() -> bool) -> bool {
        let (word, bit) = (text / 64, 1 << (text % 64));
        if self.asked[word] & bit == 0 {
            self.asked[word] |= bit;
            self.found[word] |= if ask() { bit } else { 0 };
        }
        self.found[word] & bit != 0
    }
}

/// Collects the patterns of a query, each distinct text once.
#[derive(Default)]
struct Compiler<'a> {
    texts: Vec<Text>,
    names: Vec<Name>,
    positive: Vec<&'a TextPattern>,
    seen: HashMap<&'a TextPattern, usize>,
    symbols: Vec<SymbolName>,
    /// Those of `symbols` that are asked for and not negated.
    wanted: Vec<usize>,
}

impl<'a> Compiler<'a> {
    fn node(&mut self, expr: &'a Expr, positive: bool) -> Result<Node, CompileError> {
        Ok(match expr {
            Expr::And(parts) => Node::And(self.nodes(parts, positive)?),
            Expr::Or(parts) => Node::Or(self.nodes(parts, positive)?),
            Expr::Not(part) => Node::Not(Box::new(self.node(part, !positive)?)),
            Expr::Text(pattern) => Node::Text(self.text(pattern, positive)?),
            Expr::Symbol(pattern) => Node::Symbol(self.asked(pattern, positive)),
            Expr::Path(pattern) => Node::Path(self.name(pattern, NameOf::Path)?),
            Expr::Repository(pattern) => Node::Repository(self.name(pattern, NameOf::Repository)?),
            Expr::Ref(pattern) => Node::Ref(self.name(pattern, NameOf::Ref)?),
            Expr::Language(language) => Node::Language(*language),
        })
    }

    fn nodes(&mut self, parts: &'a [Expr], positive: bool) -> Result<Vec<Node>, CompileError> {
        parts.iter().map(|part| self.node(part, positive)).collect()
    }

    fn text(&mut self, pattern: &'a TextPattern, positive: bool) -> Result<usize, CompileError> {
        if positive && !self.positive.contains(&pattern) {
            self.positive.push(pattern);
        }
        if let Some(&text) = self.seen.get(pattern) {
            return Ok(text);
        }
        self.texts.push(Text::compile(pattern)?);
        self.seen.insert(pattern, self.texts.len() - 1);
        Ok(self.texts.len() - 1)
    }

    fn asked(&mut self, pattern: &SymbolPattern, positive: bool) -> usize {
        let name = self.symbol(pattern.clone());
        if positive && !self.wanted.contains(&name) {
            self.wanted.push(name);
        }
        name
    }

    fn symbol(&mut self, pattern: SymbolPattern) -> usize {
        let name = SymbolName::new(pattern);
        self.symbols.iter().position(|other| *other == name).unwrap_or_else(|| {
            self.symbols.push(name);
            self.symbols.len() - 1
        })
    }

    /// What finds the lines of the terms that are not negated.
    fn lines(&self) -> Result<Option<Pattern>, CompileError> {
        let of = |pattern: &&TextPattern| self.seen.get(pattern).map(|text| &self.texts[*text].pattern);
        Ok(match self.positive.as_slice() {
            [] => None,
            [one] => of(one).cloned(),
            several => {
                let needs = several.iter().filter_map(of).map(|pattern| pattern.needs.clone()).collect();
                Some(Pattern { finder: compile::any_of(several)?, needs: Needs::any(needs) })
            }
        })
    }

    /// The terms that are not negated. The first few that may be names are looked up as such.
    fn atoms(&mut self) -> Vec<Atom> {
        let mut atoms = Vec::new();
        let mut n_names = 0;
        for text in self.positive.clone() {
            let Some(nth) = self.seen.get(text) else { continue };
            let pattern = self.texts[*nth].pattern.clone();
            let mut atom = Atom { pattern, literal: compile::literal_text(text), symbol: None };
            if let Some(name) = atom.name().filter(|_| n_names < MAX_NAMES) {
                let (name, case_insensitive) = (name.to_owned(), text.case_insensitive);
                let pattern = SymbolPattern { name, container: String::new(), is_beginning: false, case_insensitive };
                atom.symbol = Some(self.symbol(pattern));
                n_names += 1;
            }
            atoms.push(atom);
        }
        atoms
    }

    fn name(&mut self, pattern: &NamePattern, of: NameOf) -> Result<usize, CompileError> {
        self.names.push(Name::compile(pattern, of)?);
        Ok(self.names.len() - 1)
    }
}
