//! What macros define, as far as their form tells: there is no list of macros, only of habits.
//!
//! ```text
//! SYSCALL_DEFINE3(read, unsigned int, fd, …) { … }     a call and a block: the function `read`
//! TEST(Suite, name) { … }                              the test `Suite.name`
//! static DEFINE_MUTEX(lock);  LIST_HEAD(head);         a word of making: the variable `lock`
//! module_init(start);                                  a function that others reach: `start` is an entry
//! ```

use std::rc::Rc;

use kotadb_core::facts::{Flags, Reference, Role, Symbol, SymbolKind};
use tree_sitter::Node;

use super::declaration::ANY;
use super::{COMMENTS, Family, Field, Kind, Later, Open, Walk};
use crate::extract::expression::{of_type, type_text};
use crate::extract::text::{span, to_span};

impl<'t> Family<'t> {
    /// A statement; one that only calls may define something.
    pub(super) fn statement(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let call = node.named_child(0).filter(|call| self.kind(*call) == Kind::CallExpression);
        let parts = call.and_then(|call| {
            let callee = self.field(call, Field::Function).filter(|it| self.kind(*it) == Kind::Identifier)?;
            Some((self.text.of(callee), self.field(call, Field::Arguments)?))
        });
        if let Some((callee, arguments)) = parts {
            self.invocation(node, callee, arguments, walk);
        } else {
            walk.children(node);
        }
    }

    fn invocation(&mut self, node: Node<'t>, callee: &'t str, arguments: Node<'t>, walk: &mut Walk<'t>) {
        if self.is_local() {
            if let Some(name) = self.made_by(callee, arguments) {
                self.scopes.bind(self.text.of(name), self.unknown.clone());
            }
            return walk.children(node);
        }
        if let Some(block) = self.block_after(node) {
            self.begin_function(node, block, callee, arguments);
            return;
        }
        if let Some(name) = self.made_by(callee, arguments) {
            self.made_variable(node, callee, name);
            let n_arguments = self.n_arguments(arguments);
            let start = node.start_byte() as u32;
            let (role, name_text) = (Role::Call, callee.into());
            self.facts.reference(Reference { name: name_text, start, role, receiver: None, n_arguments });
            return walk.children_but(arguments, Some(name));
        }
        let is_hook = ["init", "exit", "initcall"].iter().any(|end| callee.ends_with(end));
        if is_hook && arguments.named_child_count() == 1 {
            self.entries.insert(self.text.of(arguments).trim_matches(['(', ')', ' ']));
        }
        walk.children(node);
    }

    /// The block right after a call without a semicolon.
    fn block_after(&self, node: Node<'t>) -> Option<Node<'t>> {
        let last = node.child(node.child_count().checked_sub(1)?)?;
        let is_open = self.kind(last) != Kind::Semicolon || last.is_missing();
        node.next_named_sibling().filter(|next| is_open && self.kind(*next) == Kind::CompoundStatement)
    }

    /// The function that a call and a block make. What the call takes are its parameters: `type, name, type, name`.
    fn begin_function(&mut self, node: Node<'t>, block: Node<'t>, callee: &'t str, arguments: Node<'t>) {
        // C has no functions in others: what is indented stands in one that could not be read.
        if !self.is_plus && node.start_position().column > 0 {
            return self.facts.mention_at(callee, node.start_byte(), Role::Call, None);
        }
        let text = self.text.of(arguments);
        let words: Vec<&'t str> = text.trim_matches(['(', ')']).split(',').map(str::trim).collect();
        let is_test = callee.starts_with("TEST") || words.len() == 2 && names_tests(callee);
        let name = if is_test { words.last() } else { words.first() };
        let Some(name) = name.copied().filter(|name| is_word(name)) else { return };
        let at = arguments.start_byte() + (name.as_ptr() as usize - text.as_ptr() as usize);
        let mut symbol = Symbol { arity: ANY, ..Symbol::new(SymbolKind::Function) };
        (symbol.name, symbol.name_span) = (name.into(), to_span(at, at + name.len()));
        symbol.qualifier = (is_test && words.len() > 1).then(|| words[0].into());
        symbol.range = to_span(node.start_byte(), block.end_byte());
        symbol.signature = self.text.signature(node.start_byte(), block.start_byte());
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.flags = Flags::EXPORTED.with(Flags::ENTRY);
        symbol.flags = if is_test { symbol.flags.with(Flags::TEST) } else { symbol.flags };
        self.facts.symbol(symbol);
        self.facts.mention_at(callee, node.start_byte(), Role::Call, None);
        self.parameters = if is_test { Vec::new() } else { self.pairs(&words[1..]) };
    }

    /// Pairs of type and name; single names, where they come without types.
    fn pairs(&self, words: &[&'t str]) -> Vec<(&'t str, Rc<str>)> {
        if !words.len().is_multiple_of(2) {
            return words.iter().filter(|word| is_word(word)).map(|word| (*word, self.unknown.clone())).collect();
        }
        let idle = &["struct", "const", "__user", "unsigned"];
        let known = |text: &str| of_type(&type_text(text, &['*'], idle)).into();
        words.chunks(2).filter(|pair| is_word(pair[1])).map(|pair| (pair[1], known(pair[0]))).collect()
    }

    /// The name that a macro makes a variable of, if its own name says that it makes one.
    fn made_by(&self, callee: &str, arguments: Node<'t>) -> Option<Node<'t>> {
        if !makes(callee) {
            return None;
        }
        // `DEFINE_PER_CPU(type, name)` is the one habit that names the type first.
        let at = u32::from(callee.contains("PER_CPU"));
        arguments.named_child(at).filter(|name| self.kind(*name) == Kind::Identifier)
    }

    fn made_variable(&mut self, node: Node<'t>, callee: &str, name: Node<'t>) {
        let mut symbol = Symbol::new(SymbolKind::Variable);
        (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(node));
        symbol.signature = self.text.signature(node.start_byte(), node.end_byte());
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        let declares = callee.starts_with("DECLARE") && callee.contains("PER_CPU");
        symbol.flags = Flags::EXPORTED.with(if declares { Flags::DECLARATION } else { Flags::default() });
        self.facts.symbol(symbol);
    }

    /// Whether a function without a type is a macro with its arguments: `TEST(Suite, name) { … }`.
    pub(super) fn is_invocation(&self, function: Node<'t>) -> bool {
        let name = self.word(function, Field::Declarator);
        let is_loud = name.contains('_') || name.len() > 3;
        let is_upper = is_loud && !name.contains(|c: char| c.is_ascii_lowercase() || c == ':');
        let Some(parameters) = self.field(function, Field::Parameters).filter(|_| is_upper) else { return false };
        let mut cursor = parameters.walk();
        let is_name = |it: Node<'t>| self.field(it, Field::Declarator).is_none();
        parameters.named_child_count() > 0 && parameters.named_children(&mut cursor).all(is_name)
    }

    /// The function that such a macro makes.
    pub(super) fn macro_function(
        &mut self,
        node: Node<'t>,
        callee: &'t str,
        arguments: Option<Node<'t>>,
        walk: &mut Walk<'t>,
    ) {
        let body = self.field(node, Field::Body);
        if let (Some(arguments), Some(body)) = (arguments, body) {
            self.begin_function(node, body, callee, arguments);
        }
        self.scopes.enter();
        self.open.push(Open::Function);
        for (name, known) in std::mem::take(&mut self.parameters) {
            self.scopes.bind(name, known);
        }
        walk.then(body);
        walk.later(Later::Close);
    }

    /// `module_init(start)` without a semicolon reads as the type of what follows.
    pub(super) fn macro_type(&mut self, node: Node<'t>) {
        let callee = self.word(node, Field::Name);
        if let Some(name) = self.field(node, Field::Name) {
            self.refer(callee, name, Role::Call, None, 1);
        }
        // `DEFINE_PER_CPU(struct pool, pools)`.
        let mut cursor = node.walk();
        let rest = node.named_children(&mut cursor).find(|child| child.is_error()).and_then(|rest| rest.named_child(0));
        if let Some(name) = rest.filter(|name| makes(callee) && self.kind(*name) == Kind::Identifier) {
            self.made_variable(node, callee, name);
        }
        let inner = self.field(node, Field::TypeOf).and_then(|it| self.field(it, Field::TypeOf));
        if let Some(inner) = inner.filter(|it| self.kind(*it) == Kind::TypeIdentifier) {
            self.bare(inner, Role::Read);
            if callee.ends_with("init") || callee.ends_with("exit") || callee.ends_with("initcall") {
                self.entries.insert(self.text.of(inner));
            }
        }
    }
}

/// Whether the name of a macro says that it makes a variable.
fn makes(callee: &str) -> bool {
    let is_word = |word: &str| matches!(word.trim_end_matches(|c: char| c.is_ascii_digit()), "DEFINE" | "DECLARE");
    callee.split('_').any(is_word) || callee.ends_with("_HEAD")
}

fn is_word(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(is_part) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a macro is called so as those are that make tests: `TEST_F`, `JSONTEST_FIXTURE`.
fn names_tests(callee: &str) -> bool {
    const OTHERS: [&str; 8] = ["LATEST", "FASTEST", "GREATEST", "SHORTEST", "LIGHTEST", "CONTEST", "PROTEST", "ATTEST"];
    callee.split('_').any(|word| word.ends_with("TEST") && !OTHERS.contains(&word))
}
