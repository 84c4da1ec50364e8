//! A query made ready to run: compiled patterns, the condition that remains for one ref of one repository, what it asks
//! of the trigrams, and the verdict on one document.

use std::collections::HashMap;

use super::compile::{self, CompileError, NameOf, Text};
use super::content::Content;
use super::formula::Formula;
use super::lines::{self, LineMatch};
use super::names::Name;
use super::needs::Needs;
use super::patience::Stopped;
use super::pattern::Pattern;
use super::score::Atom;
use super::tree::{Classes, Expr, MAX_QUERY_BYTES, NamePattern, Query, ResultType, TextPattern};
use crate::text::{Language, Sketch};

/// A compiled query; shared by all threads that answer it.
#[derive(Clone, Debug)]
pub struct Plan {
    root: Node,
    texts: Vec<Text>,
    names: Vec<Name>,
    /// Matches what any positive term matches; `None`: the query lists files.
    lines: Option<Pattern>,
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

/// What a snapshot says of a document.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Path in the commit.
    pub path: &'a [u8],
    /// Language of the entry.
    pub language: Language,
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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Is(bool),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Index into `Plan::texts`.
    Text(usize),
    /// Index into `Plan::names`.
    Path(usize),
    Language(Language),
    Repository(usize),
    Ref(usize),
}

impl Plan {
    /// Compiles `query`.
    pub fn new(query: &Query) -> Result<Self, CompileError> {
        let mut compiler = Compiler::default();
        let root = compiler.node(&query.expr, true)?;
        let lines = if query.result_type == ResultType::Lines { compiler.lines()? } else { None };
        Ok(Self {
            root,
            lines,
            atoms: compiler.atoms(),
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
        self.lines.is_none()
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
            Some(true) if self.lines.is_none() => Verdict::Yes,
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
        let collect = || self.lines.as_ref().map(|lines| lines::collect(lines, content, limit)).unwrap_or_default();
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
        let count = || self.lines.as_ref().map_or(Ok(0), |lines| lines.count_while(content, go_on));
        if self.lines_decide(scope) {
            return Ok(Some(count()?).filter(|count| *count > 0));
        }
        if self.matches_while(scope, entry, content, go_on)? { count().map(Some) } else { Ok(None) }
    }

    /// Whether a document matches just if it has a line to show.
    fn lines_decide(&self, scope: &Scope) -> bool {
        self.lines.is_some() && matches!(scope.node, Node::Text(_)) && self.texts.len() == 1
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
            _ => None,
        }
    }

    /// Paths and languages are facts of entries, so documents know nothing of them; what a negated term rules out is
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

impl Scope {
    /// What documents must satisfy to be able to match.
    pub fn formula(&self) -> &Formula {
        &self.formula
    }
}

impl Node {
    fn asks_paths(&self) -> bool {
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().any(Self::asks_paths),
            Self::Not(node) => node.asks_paths(),
            Self::Path(_) => true,
            _ => false,
        }
    }

    /// Replaces the atoms that `fact` knows and drops what no longer matters. Negation is pushed to the atoms.
    fn decide(&self, fact: &dyn Fn(&Self) -> Option<bool>) -> Self {
        match self {
            Self::Is(_) => self.clone(),
            Self::And(parts) => join(parts.iter().map(|part| part.decide(fact)), false, Self::And),
            Self::Or(parts) => join(parts.iter().map(|part| part.decide(fact)), true, Self::Or),
            Self::Not(part) => part.decide(fact).negated(),
            atom => fact(atom).map_or_else(|| atom.clone(), Self::Is),
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Is(value) => Self::Is(!value),
            Self::Not(part) => *part,
            Self::And(parts) => join(parts.into_iter().map(Self::negated), true, Self::Or),
            Self::Or(parts) => join(parts.into_iter().map(Self::negated), false, Self::And),
            atom => Self::Not(Box::new(atom)),
        }
    }

    /// Three-valued truth, asking as few atoms as possible from the left.
    fn eval(&self, fact: &mut dyn FnMut(&Self) -> Option<bool>) -> Option<bool> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Not(part) => part.eval(fact).map(|value| !value),
            Self::And(parts) => eval_until(parts, false, fact),
            Self::Or(parts) => eval_until(parts, true, fact),
            atom => fact(atom),
        }
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

/// A conjunction is false as soon as one part is, a disjunction true as soon as one is: `stop` says which.
fn eval_until(parts: &[Node], stop: bool, fact: &mut dyn FnMut(&Node) -> Option<bool>) -> Option<bool> {
    let mut result = Some(!stop);
    for part in parts {
        match part.eval(fact) {
            Some(value) if value == stop => return Some(stop),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

fn join(parts: impl Iterator<Item = Node>, stop: bool, wrap: fn(Vec<Node>) -> Node) -> Node {
    let mut left = Vec::new();
    for part in parts {
        match part {
            Node::Is(value) if value == stop => return Node::Is(stop),
            Node::Is(_) => {}
            other => left.push(other),
        }
    }
    match left.len() {
        0 => Node::Is(!stop),
        1 => left.swap_remove(0),
        _ => wrap(left),
    }
}

/// Collects the patterns of a query, each distinct text once.
#[derive(Default)]
struct Compiler<'a> {
    texts: Vec<Text>,
    names: Vec<Name>,
    positive: Vec<&'a TextPattern>,
    seen: HashMap<&'a TextPattern, usize>,
}

impl<'a> Compiler<'a> {
    fn node(&mut self, expr: &'a Expr, positive: bool) -> Result<Node, CompileError> {
        Ok(match expr {
            Expr::And(parts) => Node::And(self.nodes(parts, positive)?),
            Expr::Or(parts) => Node::Or(self.nodes(parts, positive)?),
            Expr::Not(part) => Node::Not(Box::new(self.node(part, !positive)?)),
            Expr::Text(pattern) => Node::Text(self.text(pattern, positive)?),
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

    fn atoms(&self) -> Vec<Atom> {
        let positive = self.positive.iter().filter_map(|pattern| Some((pattern, self.seen.get(pattern)?)));
        let atom = |(pattern, text): (&&TextPattern, &usize)| Atom {
            pattern: self.texts[*text].pattern.clone(),
            literal: compile::literal_text(pattern),
        };
        positive.map(atom).collect()
    }

    fn name(&mut self, pattern: &NamePattern, of: NameOf) -> Result<usize, CompileError> {
        self.names.push(Name::compile(pattern, of)?);
        Ok(self.names.len() - 1)
    }
}
