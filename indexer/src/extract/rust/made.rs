//! What macros of a file define: where `macro_rules!` shows `fn $name`, a call of the macro defines a function, called by what
//! stands in the place of `$name`. Arguments are matched as far as that needs it; macros of other files are not seen.

use std::ops::Range;

use kotadb_core::facts::{Flags, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{Field, Kind, Place, Rust};
use crate::extract::text::{span, to_span};
use crate::extract::walk;

/// Most rules of a macro that are tried.
const MAX_RULES: usize = 32;
/// Deepest brackets of a rule that are looked into.
const MAX_DEPTH: u32 = 16;
/// Where types, expressions and such end if nothing else tells.
const ENDS: &[&str] = &[",", ";", "=>"];

/// A rule of a macro.
#[derive(Clone)]
pub(super) struct Making<'t> {
    pattern: Node<'t>,
    /// What it defines, by the metavariable that names it.
    made: Vec<Made<'t>>,
}

#[derive(Clone, Copy)]
struct Made<'t> {
    variable: &'t str,
    kind: SymbolKind,
    flags: Flags,
}

/// What stands in the place of a metavariable, and round it: one turn of a repetition.
struct Bound<'t> {
    variable: &'t str,
    token: Node<'t>,
    round: Option<Range<usize>>,
}

/// Arguments that are being matched.
struct Arguments<'a, 't> {
    tokens: &'a [Node<'t>],
    /// What follows the last part of the pattern.
    end: Option<&'t str>,
    depth: u32,
}

impl<'t> Rust<'t> {
    /// Remembers the rules of a macro that defines something.
    pub(super) fn makings(&mut self, node: Node<'t>) {
        let rules = self.children_of(node, Kind::MacroRule).into_iter().take(MAX_RULES);
        let making = |rule| {
            let (pattern, body) = (self.field(rule, Field::Left)?, self.field(rule, Field::Right)?);
            Some(Making { pattern, made: self.made_in(body) })
        };
        let rules: Vec<_> = rules.filter_map(making).collect();
        if rules.iter().any(|rule| !rule.made.is_empty()) {
            self.makings.insert(self.word(node, Field::Name), rules);
        }
    }

    /// Metavariables behind words that define.
    fn made_in(&self, body: Node<'t>) -> Vec<Made<'t>> {
        let (mut made, mut before, mut is_test) = (Vec::new(), "", false);
        let mut open = vec![body];
        while let Some(node) = open.pop() {
            let text = self.text.short(node);
            match self.kind(node) {
                Kind::TokenTree | Kind::TokenRepetition => {
                    is_test |= text.starts_with('[') && text.ends_with("test]");
                    open.extend(walk::children(node).into_iter().rev());
                }
                Kind::Metavariable => {
                    if let Some(kind) = defined_by(before) {
                        let flags = if is_test { Flags::TEST } else { Flags::default() };
                        made.push(Made { variable: text, kind, flags });
                        is_test = false;
                    }
                }
                _ => {}
            }
            before = text;
        }
        made
    }

    /// Symbols that a call of a macro of this file defines, by the first rule that its arguments match.
    pub(super) fn make(&mut self, name: &str, tree: Node<'t>) {
        if matches!(self.context.place, Place::Function | Place::Type { .. }) {
            return;
        }
        let Some(rules) = self.makings.get(name).cloned() else { return };
        for rule in rules {
            let mut bound = Vec::new();
            if self.matches(rule.pattern, tree, MAX_DEPTH, &mut bound) {
                return self.define(&rule, bound, tree.byte_range());
            }
        }
    }

    fn define(&mut self, rule: &Making<'t>, bound: Vec<Bound<'t>>, whole: Range<usize>) {
        let mut rounds: Vec<Range<usize>> = Vec::new();
        for Bound { variable, token, round } in bound {
            let Some(made) = rule.made.iter().find(|made| made.variable == variable) else { continue };
            let round = round.unwrap_or_else(|| whole.clone());
            // What one turn defines lies side by side: the first has all of it.
            let is_first = !rounds.contains(&round);
            let range = if is_first { round.clone() } else { token.byte_range() };
            rounds.push(round.clone());
            let is_member = matches!(self.context.place, Place::Impl { .. } | Place::Trait);
            let kind = if is_member && made.kind == SymbolKind::Function { SymbolKind::Method } else { made.kind };
            let mut symbol = Symbol::new(kind);
            (symbol.name, symbol.name_span) = (self.name(token).into(), span(token));
            symbol.range = to_span(range.start, range.end);
            symbol.signature = self.text.row(round.start, round.end);
            symbol.flags = made.flags.with(self.context.flags);
            if let Place::Impl { of, interface } = &self.context.place {
                (symbol.qualifier, symbol.interface) = (Some(of.clone()), interface.clone());
            }
            self.facts.symbol(symbol);
            self.made.insert(token.start_byte());
        }
    }

    /// Whether what stands in brackets matches a pattern in brackets.
    fn matches(&self, pattern: Node<'t>, tree: Node<'t>, depth: u32, bound: &mut Vec<Bound<'t>>) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let (parts, tokens) = (self.inside(pattern), self.inside(tree));
        let arguments = Arguments { tokens: &tokens, end: None, depth };
        self.all(&parts, &arguments, 0, bound) == Some(tokens.len())
    }

    /// What stands between brackets, without comments.
    fn inside(&self, node: Node<'t>) -> Vec<Node<'t>> {
        let mut children = walk::children(node);
        children.pop();
        let mut inside: Vec<_> = children.into_iter().skip(1).collect();
        inside.retain(|it| !matches!(self.kind(*it), Kind::LineComment | Kind::BlockComment));
        inside
    }

    /// Where what matches all parts ends.
    fn all(&self, parts: &[Node<'t>], of: &Arguments<'_, 't>, at: usize, bound: &mut Vec<Bound<'t>>) -> Option<usize> {
        let mut at = at;
        for (nth, &part) in parts.iter().enumerate() {
            let follows = parts.get(nth + 1).map_or(of.end, |next| self.sign(*next));
            at = match self.kind(part) {
                Kind::TreePattern => {
                    let tree = *of.tokens.get(at)?;
                    let is_alike = self.text.first_byte(tree) == self.text.first_byte(part);
                    let is_match = is_alike && self.kind(tree) == Kind::TokenTree;
                    (is_match && self.matches(part, tree, of.depth, bound)).then_some(at + 1)?
                }
                Kind::RepetitionPattern => self.repeated(part, of, at, bound)?,
                Kind::BindingPattern => {
                    let fragment = self.word(part, Field::TypeOf);
                    let end = self.fragment(fragment, follows, of.tokens, at)?;
                    if end == at + 1 && matches!(fragment, "ident" | "tt") {
                        let (variable, token) = (self.word(part, Field::Name), of.tokens[at]);
                        bound.push(Bound { variable, token, round: None });
                    }
                    end
                }
                _ => (self.text.short(*of.tokens.get(at)?) == self.text.short(part)).then_some(at + 1)?,
            };
        }
        Some(at)
    }

    /// Of a part of a pattern the sign that it begins with, if it is one.
    fn sign(&self, part: Node<'t>) -> Option<&'t str> {
        match self.kind(part) {
            Kind::RepetitionPattern | Kind::BindingPattern | Kind::Metavariable => None,
            Kind::TreePattern => self.text.short(part).get(..1),
            _ => Some(self.text.short(part)),
        }
    }

    /// Where `$(…) sign *` ends.
    fn repeated(&self, part: Node<'t>, of: &Arguments<'_, 't>, at: usize, bound: &mut Vec<Bound<'t>>) -> Option<usize> {
        let children = walk::children(part);
        let close = children.iter().rposition(|it| self.text.short(*it) == ")")?;
        let (inner, operator) = (children.get(2..close)?, *children.last()?);
        let separator = self.text.slice(children[close].end_byte(), operator.start_byte()).trim();
        let end = if separator.is_empty() { inner.first().and_then(|it| self.sign(*it)) } else { Some(separator) };
        let turn = Arguments { tokens: of.tokens, end, depth: of.depth.checked_sub(1)? };
        let (mut at, mut n_turns) = (at, 0);
        while n_turns == 0 || self.text.short(operator) != "?" {
            let has_separator = n_turns > 0 && !separator.is_empty();
            if has_separator && of.tokens.get(at).is_none_or(|it| self.text.short(*it) != separator) {
                break;
            }
            let start = at + usize::from(has_separator);
            let known = bound.len();
            let found = if start < of.tokens.len() { self.all(inner, &turn, start, bound) } else { None };
            let Some(end) = found.filter(|end| *end > start) else {
                bound.truncate(known);
                break;
            };
            let round = of.tokens[start].start_byte()..of.tokens[end - 1].end_byte();
            bound[known..].iter_mut().for_each(|one| _ = one.round.get_or_insert_with(|| round.clone()));
            (at, n_turns) = (end, n_turns + 1);
        }
        (n_turns > 0 || self.text.short(operator) != "+").then_some(at)
    }

    /// Where a fragment that begins at a token ends.
    fn fragment(&self, kind: &str, follows: Option<&str>, tokens: &[Node<'t>], at: usize) -> Option<usize> {
        let text = |at: usize| tokens.get(at).map_or("", |it| self.text.short(*it));
        let first = tokens.get(at).map(|it| self.kind(*it));
        match kind {
            "vis" if text(at) != "pub" => Some(at),
            "vis" => Some(at + 1 + usize::from(text(at + 1).starts_with('('))),
            "ident" => (first? == Kind::Identifier).then_some(at + 1),
            "tt" => first.map(|_| at + 1),
            "block" => (first? == Kind::TokenTree && text(at).starts_with('{')).then_some(at + 1),
            "lifetime" => (text(at) == "'").then_some(at + 2),
            "literal" => {
                let at = at + usize::from(text(at) == "-");
                tokens.get(at)?.kind().ends_with("_literal").then_some(at + 1)
            }
            _ => {
                let ends = |it: &&Node<'t>| match follows {
                    Some(sign) if self.kind(**it) == Kind::TokenTree => self.text.short(**it).get(..1) == Some(sign),
                    Some(sign) => self.text.short(**it) == sign,
                    None => ENDS.contains(&self.text.short(**it)),
                };
                let n = tokens.iter().skip(at).take_while(|it| !ends(it)).count();
                (n > 0).then_some(at + n)
            }
        }
    }
}

fn defined_by(word: &str) -> Option<SymbolKind> {
    Some(match word {
        "fn" => SymbolKind::Function,
        "struct" => SymbolKind::Struct,
        "enum" => SymbolKind::Enum,
        "union" => SymbolKind::Union,
        "trait" => SymbolKind::Trait,
        "type" => SymbolKind::TypeAlias,
        "const" | "static" => SymbolKind::Constant,
        "mod" => SymbolKind::Module,
        _ => return None,
    })
}
