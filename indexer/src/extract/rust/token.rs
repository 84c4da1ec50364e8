//! Arguments of macros. They are tokens, not a tree of expressions, so chains of names, dots and brackets are read from
//! them: `assert_eq!(pool.get(1), LIMIT)`.

use kotadb_core::facts::expression::UNKNOWN;
use kotadb_core::facts::{Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::expression::is_type_name;
use super::{Field, Kind, Rust, Walk};
use crate::extract::expression::{member, of_type, unknown, with};
use crate::extract::walk;

impl<'t> Rust<'t> {
    /// `name!(…)`.
    pub(super) fn invocation(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(name) = self.field(node, Field::MacroName) else { return walk.children(node) };
        match self.kind(name) {
            Kind::ScopedIdentifier => self.scoped(name, Role::Macro, walk),
            _ => self.add(name, Role::Macro, None, UNKNOWN_ARITY),
        }
        for tree in self.children_of(node, Kind::TokenTree) {
            self.make(self.text.of(name), tree);
            if self.text.first_byte(tree) == Some(b'{') {
                self.may_hold_items(tree);
            }
            walk.then(tree);
        }
    }

    /// Reads what stands in one pair of brackets; brackets inside come later.
    pub(super) fn tokens(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let tokens = walk::children(node);
        let mut at = 0;
        while at < tokens.len() {
            at = match self.kind(tokens[at]) {
                Kind::TokenTree => {
                    walk.then(tokens[at]);
                    at + 1
                }
                Kind::SelfValue | Kind::Super | Kind::Crate => self.chain(&tokens, at, walk),
                _ if self.begins(&tokens, at) => self.chain(&tokens, at, walk),
                Kind::Pipe => self.closure_names(&tokens, at),
                _ => at + 1,
            };
        }
    }

    /// Names between the signs of `|a, (b, c)|` are local; where an operand stands before the first sign, it is an "or".
    fn closure_names(&mut self, tokens: &[Node<'t>], start: usize) -> usize {
        let before = start.checked_sub(1).map(|at| self.kind(tokens[at]));
        let is_or = matches!(before, Some(Kind::Identifier | Kind::TokenTree | Kind::IntegerLiteral | Kind::SelfValue));
        let close = tokens.iter().skip(start + 1).take(16).position(|token| self.kind(*token) == Kind::Pipe);
        let Some(close) = close.filter(|_| !is_or) else { return start + 1 };
        for token in &tokens[start + 1..start + 1 + close] {
            let inner = if self.kind(*token) == Kind::TokenTree { walk::named_children(*token) } else { vec![*token] };
            for name in inner {
                if self.kind(name) == Kind::Identifier {
                    self.scopes.bind(self.name(name), "?");
                }
            }
        }
        start + 2 + close
    }

    /// Whether a token is a name: among tokens those of primitive types and words that are no keywords everywhere too.
    fn is_name(&self, token: Node<'t>) -> bool {
        matches!(
            self.kind(token),
            Kind::Identifier | Kind::PrimitiveType | Kind::UnionWord | Kind::DefaultWord | Kind::GenWord
        )
    }

    /// Whether a chain begins here: of words that may be names, those that are called.
    fn begins(&self, tokens: &[Node<'t>], at: usize) -> bool {
        let is_called = || tokens.get(at + 1).is_some_and(|next| self.text.first_byte(*next) == Some(b'('));
        match self.kind(tokens[at]) {
            Kind::Identifier => true,
            Kind::PrimitiveType => tokens.get(at + 1).is_some_and(|next| self.kind(*next) == Kind::Colons),
            _ => self.is_name(tokens[at]) && is_called(),
        }
    }

    /// One chain from its first name on; gives where it ends.
    fn chain(&mut self, tokens: &[Node<'t>], start: usize, walk: &mut Walk<'t>) -> usize {
        let kind = |at: usize| tokens.get(at).map(|token| self.kind(*token));
        let before = start.checked_sub(1).and_then(kind);
        if matches!(before, Some(Kind::Let | Kind::Mut | Kind::Ref)) && kind(start) == Some(Kind::Identifier) {
            self.scopes.bind(self.name(tokens[start]), "?");
            return start + 1;
        }
        // `<A as B>::run()`: what stands before is no chain.
        let mut known = match before {
            Some(Kind::Colons) if start > 1 && self.text.of(tokens[start - 2]) == ">" => {
                self.link(tokens, start, UNKNOWN, "::")
            }
            _ => self.first_of_chain(tokens, start),
        };
        let mut at = start + 1;
        loop {
            let kind = |at: usize| {
                let token = tokens.get(at)?;
                Some(if self.is_name(*token) { Kind::Identifier } else { self.kind(*token) })
            };
            let next = (kind(at), kind(at + 1));
            (known, at) = match next {
                (Some(Kind::Dot), Some(Kind::Identifier)) => (self.link(tokens, at + 1, &known, "."), at + 2),
                (Some(Kind::Colons), Some(Kind::Identifier)) => (self.link(tokens, at + 1, &known, "::"), at + 2),
                (Some(Kind::Dot), Some(Kind::Await)) => (with(&known, ".await"), at + 2),
                (Some(Kind::Dot), Some(Kind::IntegerLiteral)) => {
                    (member(&known, ".", self.text.of(tokens[at + 1])), at + 2)
                }
                (Some(Kind::Question), _) => (with(&known, "?"), at + 1),
                (Some(Kind::TokenTree), _) => {
                    walk.then(tokens[at]);
                    match self.text.first_byte(tokens[at]) {
                        Some(b'(') => (self.called(&known), at + 1),
                        Some(b'[') => (with(&known, "[]"), at + 1),
                        _ => return at + 1,
                    }
                }
                _ => return at,
            };
        }
    }

    /// `Pool::Open(x)` is a `Pool`.
    fn called(&self, known: &str) -> Box<str> {
        let is_made = known.rsplit("::").next().is_some_and(is_type_name) && !known.contains(['.', '(', '<']);
        let kind = known.rsplit_once("::").map_or(known, |(before, _)| {
            if before.rsplit("::").next().is_some_and(is_type_name) { before } else { known }
        });
        if is_made { of_type(kind) } else { with(known, "()") }
    }

    fn first_of_chain(&mut self, tokens: &[Node<'t>], at: usize) -> Box<str> {
        let token = tokens[at];
        let follows = tokens.get(at + 1).map(|next| self.kind(*next));
        if !self.is_name(token) || follows == Some(Kind::Colons) {
            if self.kind(token) == Kind::Identifier {
                self.bare(token, if is_type_name(self.text.of(token)) { Role::Type } else { Role::Read });
            }
            return if follows == Some(Kind::Colons) { self.name(token).into() } else { self.expression(token) };
        }
        if follows == Some(Kind::Macro) && tokens.get(at + 2).is_some_and(|it| self.kind(*it) == Kind::TokenTree) {
            self.add(token, Role::Macro, None, UNKNOWN_ARITY);
            return unknown();
        }
        let (role, n_arguments) = self.token_role(tokens, at);
        self.bare_call(token, role, n_arguments);
        self.expression(token)
    }

    /// A name behind `.` or `::`.
    fn link(&mut self, tokens: &[Node<'t>], at: usize, known: &str, sign: &str) -> Box<str> {
        let (role, n_arguments) = self.token_role(tokens, at);
        self.add(tokens[at], role, Some(known.into()), n_arguments);
        member(known, sign, self.name(tokens[at]))
    }

    /// What is done with a name by what follows it.
    fn token_role(&self, tokens: &[Node<'t>], at: usize) -> (Role, u8) {
        let follows = tokens.get(at + 1).filter(|it| self.kind(**it) == Kind::TokenTree);
        let open = follows.and_then(|it| self.text.first_byte(*it));
        let is_type = is_type_name(self.text.of(tokens[at]));
        match (open, follows) {
            (Some(b'('), Some(tree)) => (if is_type { Role::New } else { Role::Call }, self.n_token_arguments(*tree)),
            (Some(b'{'), _) if is_type => (Role::New, UNKNOWN_ARITY),
            _ if is_type && tokens.get(at + 1).is_some_and(|it| self.kind(*it) == Kind::Colons) => {
                (Role::Type, UNKNOWN_ARITY)
            }
            _ => (Role::Read, UNKNOWN_ARITY),
        }
    }

    /// Commas between brackets; `a::<B, C>()` and `|a, b|` count too many, so what has signs of those is unknown.
    fn n_token_arguments(&self, tree: Node<'t>) -> u8 {
        let tokens = walk::children(tree);
        let inside = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or_default();
        let mut n = u8::from(!inside.is_empty());
        for (at, token) in inside.iter().enumerate() {
            match self.text.of(*token) {
                "|" | "<" | "||" => return UNKNOWN_ARITY,
                "," if at + 1 < inside.len() => n = n.saturating_add(1),
                _ => {}
            }
        }
        n
    }
}
