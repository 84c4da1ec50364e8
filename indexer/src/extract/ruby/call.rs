//! Calls: what they use, and those that mean something else: `require`, `include`, `private`, `attr_reader`, `describe`.

use kotadb_core::facts::{Flags, Import, Reference, Relation, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::expression::is_type_path;
use super::{Field, Kind, Later, Open, Ruby, Walk};
use crate::extract::expression::{of_type, with};
use crate::extract::walk;

/// Calls in a class whose symbols name methods that run later.
const HOOKS: &[&str] =
    &["before", "after", "around", "append_", "prepend_", "skip_", "helper_method", "validate", "rescue_from"];

impl<'t> Ruby<'t> {
    pub(super) fn call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let receiver = self.field(node, Field::Receiver);
        let name = self.word(node, Field::MethodName);
        let is_own = |receiver| self.kind(receiver) == Kind::SelfWord || self.text.of(receiver) == "RSpec";
        if receiver.is_none_or(is_own) && self.is_special(node, name, walk) {
            return;
        }
        let n_arguments = self.field(node, Field::Arguments).map_or(0, |arguments| self.n_arguments(arguments));
        match (receiver, self.field(node, Field::MethodName)) {
            (Some(receiver), Some(method)) => self.member_call(receiver, method, n_arguments, walk),
            (Some(receiver), None) => walk.then(receiver),
            (None, Some(method)) => self.bare_call(method, n_arguments),
            (None, None) => {}
        }
        self.sent(node, name);
        walk.then(self.field(node, Field::Arguments));
        self.block_of(node, walk);
    }

    /// `new(…)` in a method of the class makes one of it; other bare names are looked up as they are.
    pub(super) fn bare_call(&mut self, method: Node<'t>, n_arguments: u8) {
        match self.text.of(method) {
            "super" => self.super_call(method, n_arguments),
            "new" if &*self.this() == "Self" => self.used(method, "Self", Role::New, None, n_arguments),
            name => self.called(method, name, n_arguments, None),
        }
    }

    fn member_call(&mut self, receiver: Node<'t>, method: Node<'t>, n_arguments: u8, walk: &mut Walk<'t>) {
        let name = self.text.of(method);
        let value = self.expression(receiver);
        match (name, self.kind(receiver)) {
            ("new", Kind::Constant) => {
                return self.used(receiver, self.text.of(receiver), Role::New, None, n_arguments);
            }
            ("new", Kind::ScopeResolution) => return self.scoped(receiver, Role::New, n_arguments, walk),
            ("new", _) if &*value == "Self" => self.used(method, "Self", Role::New, None, n_arguments),
            _ => self.called(method, name, n_arguments, Some(value)),
        }
        walk.then(receiver);
    }

    /// `super` calls the method of the same name above.
    pub(super) fn super_call(&mut self, node: Node<'t>, n_arguments: u8) {
        if let Some((_, name, _)) = self.open_method() {
            self.used(node, name, Role::Call, Some("super".into()), n_arguments);
        }
    }

    pub(super) fn called(&mut self, at: Node<'t>, name: &str, n_arguments: u8, receiver: Option<Box<str>>) {
        self.used(at, name, Role::Call, receiver, n_arguments);
    }

    pub(super) fn used(&mut self, at: Node<'t>, name: &str, role: Role, receiver: Option<Box<str>>, n_arguments: u8) {
        let start = at.start_byte() as u32;
        self.facts.reference(Reference { name: name.into(), start, role, receiver, n_arguments });
    }

    pub(super) fn n_arguments(&self, arguments: Node<'t>) -> u8 {
        let mut n = 0_u8;
        for argument in walk::named_children(arguments) {
            match self.kind(argument) {
                Kind::Comment | Kind::BlockArgument => {}
                Kind::Pair | Kind::SplatArgument | Kind::HashSplatArgument | Kind::ForwardArgument => {
                    return UNKNOWN_ARITY;
                }
                _ => n = n.saturating_add(1),
            }
        }
        n
    }

    /// Methods that a call names by a symbol: `send(:m)`, `method(:m)`, `map(&:m)`.
    fn sent(&mut self, node: Node<'t>, name: &str) {
        let receiver = self.field(node, Field::Receiver);
        let value = receiver.map(|receiver| self.expression(receiver));
        for argument in self.arguments(node) {
            match self.kind(argument) {
                Kind::SimpleSymbol if matches!(name, "send" | "public_send" | "__send__" | "method") => {
                    let role = if name == "method" { Role::Read } else { Role::Call };
                    self.named_by_symbol(argument, role, value.clone());
                    return;
                }
                Kind::BlockArgument => {
                    let symbol = argument.named_child(0).filter(|inner| self.kind(*inner) == Kind::SimpleSymbol);
                    let element = receiver.map(|receiver| self.each(receiver));
                    symbol.into_iter().for_each(|symbol| self.named_by_symbol(symbol, Role::Call, element.clone()));
                }
                _ => {}
            }
        }
    }

    fn named_by_symbol(&mut self, symbol: Node<'t>, role: Role, receiver: Option<Box<str>>) {
        let name = self.text.of(symbol).trim_start_matches(':');
        self.facts.mention_at(name, symbol.start_byte() + 1, role, receiver);
    }

    pub(super) fn arguments(&self, call: Node<'t>) -> Vec<Node<'t>> {
        self.field(call, Field::Arguments).map(walk::named_children).unwrap_or_default()
    }
}

/// Calls that say something about the file or the type round them.
impl<'t> Ruby<'t> {
    /// Whether a call without receiver has a meaning of its own, which is dealt with here.
    fn is_special(&mut self, node: Node<'t>, name: &'t str, walk: &mut Walk<'t>) -> bool {
        match name {
            "require" | "require_relative" | "load" | "autoload" => self.import(node, name),
            "include" | "extend" | "prepend" if self.open_method().is_none() => self.mixin(node, walk),
            "private" | "public" | "protected" | "module_function" | "private_class_method" | "private_constant" => {
                self.visibility(node, name, walk);
                true
            }
            "describe" | "context" | "feature" => self.described(node, walk),
            "let" | "let!" | "subject" => self.let_name(node, walk),
            "it" | "specify" | "scenario" | "example" | "test" => self.example(node, walk),
            _ if self.open_method().is_none() && self.open_type().is_some() => self.declares(node, name, walk),
            _ => false,
        }
    }

    fn import(&mut self, node: Node<'t>, name: &str) -> bool {
        let arguments = self.arguments(node);
        let Some(string) = arguments.iter().find(|argument| self.kind(**argument) == Kind::String) else {
            return false;
        };
        let path = self.text.of(*string).trim_matches(['"', '\'']);
        if path.is_empty() || path.contains("#{") {
            return true;
        }
        let is_beside = name == "require_relative" && !path.starts_with('.');
        let module = if is_beside { ["./", path].concat() } else { path.to_owned() };
        let constant = arguments.first().filter(|_| name == "autoload");
        let constant = constant.map(|symbol| self.text.of(*symbol).trim_start_matches(':').into());
        let start = string.start_byte() as u32;
        self.facts.import(Import { module: module.into(), name: constant, start, ..Import::default() });
        true
    }

    /// `include A, B`: their members become members of the type.
    fn mixin(&mut self, node: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let Some(ticket) = self.open_type().and_then(|open| open.ticket) else { return false };
        let name = self.facts.at(ticket).name.clone();
        for argument in self.arguments(node) {
            if matches!(self.kind(argument), Kind::Constant | Kind::ScopeResolution) {
                let above = self.expression(argument);
                self.facts.supertype(Some(ticket), &name, &above, Relation::Embeds, argument);
            } else {
                walk.then(argument);
            }
        }
        true
    }

    /// Whether a word alone changes what follows it in a type: `private`.
    pub(super) fn changes_visibility(&mut self, name: &str) -> bool {
        let Some(Open::Type(open)) = self.open.last_mut() else { return false };
        match name {
            "private" | "protected" => open.is_private = true,
            "public" => open.is_private = false,
            "module_function" => open.is_static = true,
            _ => return false,
        }
        true
    }

    /// `private :a, :b`, `private def a`, `private attr_reader :a`.
    fn visibility(&mut self, node: Node<'t>, name: &str, walk: &mut Walk<'t>) {
        let arguments = self.arguments(node);
        if arguments.is_empty() {
            self.changes_visibility(name);
            return;
        }
        let number = self.open_type().map_or(0, |open| open.number);
        for argument in arguments {
            let symbols =
                if self.kind(argument) == Kind::Array { walk::named_children(argument) } else { vec![argument] };
            for symbol in symbols {
                let key = (number, self.text.of(symbol).trim_start_matches(':'));
                let Some(&ticket) = self.seen.get(&key) else { continue };
                let flags = &mut self.facts.symbol_mut(ticket).flags;
                match name {
                    "public" => *flags = flags.with(Flags::EXPORTED),
                    "module_function" => *flags = flags.with(Flags::STATIC),
                    _ => flags.0 &= !Flags::EXPORTED.0,
                }
            }
            if matches!(self.kind(argument), Kind::Method | Kind::SingletonMethod | Kind::Call) {
                self.with_visibility(name, argument, walk);
            }
        }
    }

    /// A definition that its visibility stands before: what follows keeps the one it had.
    fn with_visibility(&mut self, name: &str, definition: Node<'t>, walk: &mut Walk<'t>) {
        let Some(Open::Type(open)) = self.open.last() else { return walk.then(definition) };
        let before = *open;
        self.changes_visibility(if name == "private_class_method" { "private" } else { name });
        match self.kind(definition) {
            Kind::Call => self.call(definition, walk),
            _ => self.method(definition, walk),
        }
        if let Some(Open::Type(open)) = self.open.last_mut() {
            *open = before;
        }
    }

    /// Symbols in calls like `before_action :check` name methods that run later.
    pub(super) fn hooks(&mut self, node: Node<'t>, name: &str) {
        if HOOKS.iter().any(|hook| name.starts_with(hook)) {
            for argument in self.arguments(node) {
                if self.kind(argument) == Kind::SimpleSymbol {
                    self.named_by_symbol(argument, Role::Read, None);
                }
            }
        }
    }
}

/// What tests are written with.
impl<'t> Ruby<'t> {
    /// `describe Pool do`: in it `described_class` is `Pool`, `subject` one of it.
    fn described(&mut self, node: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let arguments = self.arguments(node);
        let Some(block) = self.field(node, Field::Blocks).filter(|_| self.open_method().is_none()) else {
            return false;
        };
        let class = arguments.first().map(|first| self.expression(*first)).filter(|class| is_type_path(class));
        arguments.into_iter().for_each(|argument| walk.then(argument));
        self.scopes.enter();
        self.open.push(Open::Block);
        if let Some(class) = class {
            self.scopes.bind("subject", of_type(&class));
            self.scopes.bind("described_class", class);
        }
        walk.then(self.field(block, Field::Body));
        walk.later(Later::LeaveBlock);
        true
    }

    /// `let(:pool) { Pool.new }` names the value of its block.
    fn let_name(&mut self, node: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let Some(block) = self.field(node, Field::Blocks).filter(|_| self.open_method().is_none()) else {
            return false;
        };
        let name = self.arguments(node).first().map(|name| self.text.of(*name).trim_start_matches(':'));
        let name = name.unwrap_or("subject");
        self.block(block, Vec::new(), walk);
        walk.later(Later::Name(name, block));
        true
    }

    pub(super) fn bind_block_value(&mut self, name: &'t str, block: Node<'t>) {
        let last = self.field(block, Field::Body).and_then(|body| self.last_of(body));
        let known = last.map_or_else(|| "?".into(), |last| self.expression(last));
        self.scopes.bind(name, known);
    }

    /// `it "keeps its size" do`: a test, called by what it says.
    fn example(&mut self, node: Node<'t>, walk: &mut Walk<'t>) -> bool {
        let Some(block) = self.field(node, Field::Blocks).filter(|_| self.open_method().is_none()) else {
            return false;
        };
        let arguments = self.arguments(node);
        let Some(content) =
            arguments.first().filter(|it| self.kind(**it) == Kind::String).and_then(|it| it.named_child(0))
        else {
            return false;
        };
        let symbol = self.example_symbol(node, content);
        let ticket = self.facts.symbol(symbol);
        let name = self.text.of(content);
        self.scopes.enter();
        self.open.push(Open::Method { ticket, name, is_static: false });
        walk.then(self.field(block, Field::Body));
        walk.later(Later::LeaveBlock);
        true
    }

    /// The block or block argument of a call; its parameters are elements of what it is called on, where the method says so.
    fn block_of(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let Some(block) = self.field(node, Field::Blocks) else { return };
        let values = self.block_values(node);
        self.block(block, values, walk);
    }

    /// What a method gives to its block.
    fn block_values(&self, call: Node<'t>) -> Vec<Box<str>> {
        let Some(receiver) = self.field(call, Field::Receiver) else { return Vec::new() };
        let each = self.each(receiver);
        match self.word(call, Field::MethodName) {
            "tap" | "then" | "yield_self" => vec![self.expression(receiver)],
            "new" | "open" | "start" if is_type_path(&self.expression(receiver)) => {
                vec![of_type(&self.expression(receiver))]
            }
            "each_with_object" => {
                vec![each, self.arguments(call).first().map_or_else(|| "?".into(), |it| self.expression(*it))]
            }
            "inject" | "reduce" => vec!["?".into(), each],
            "each_with_index" | "each_slice" | "map" | "flat_map" | "select" | "filter" | "reject" | "find"
            | "detect" | "any?" | "all?" | "none?" | "each" | "sort_by" | "group_by" | "sum" | "min_by" | "max_by"
            | "count" | "partition" | "filter_map" | "find_all" | "each_entry" | "reverse_each" | "collect"
            | "to_h" | "index_by" | "find_each" | "delete_if" | "keep_if" | "find_index" | "take_while"
            | "drop_while" | "cycle" | "uniq" | "with_index" | "map!" | "select!" | "reject!" | "each_value" => {
                vec![each]
            }
            "each_pair" => vec![with(&each, ".0"), with(&each, ".1")],
            _ => Vec::new(),
        }
    }
}
