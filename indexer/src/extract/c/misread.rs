//! Calls that the grammar takes for something else, since it knows neither what names mean nor what macros take.
//!
//! ```text
//! Slice input(key(a));                 an object and its arguments, read as a function and the types of its parameters
//! (cast(int *, p))                     a macro that takes a type, read as the type of a cast
//! getkey(cast(int *, p), &key);        the same in arguments: a declaration with what could not be parsed
//! vmdispatch (GET_OPCODE(i)) { … }     a macro before a block, read as a function
//! typedef enum { LIST(ENTRY) } all;    a macro where none may stand: words and brackets
//! ```

use kotadb_core::facts::{Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::declarator::Declared;
use super::{Family, Field, Kind, Walk};
use crate::extract::expression::unknown;

impl<'t> Family<'t> {
    /// `Slice input(key(a), rest)` in a function of C++: what reads like parameters are arguments.
    pub(super) fn arguments_as_parameters(&mut self, parameters: Node<'t>, walk: &mut Walk<'t>) {
        let mut open = vec![parameters];
        while let Some(list) = open.pop() {
            let mut cursor = list.walk();
            for parameter in list.named_children(&mut cursor) {
                let name = self.field(parameter, Field::TypeOf).filter(|_| self.is_nameless(parameter));
                let list = self.field(parameter, Field::Declarator).and_then(|it| self.field(it, Field::Parameters));
                match name.map(|name| (name, self.kind(name), list)) {
                    Some((name, Kind::TypeIdentifier, Some(list))) => self.call_misread(name, list),
                    Some((name, Kind::TypeIdentifier, None)) if self.text.of(name) == "this" => {}
                    Some((name, Kind::TypeIdentifier, None)) => self.bare(name, Role::Read),
                    Some((name, Kind::QualifiedIdentifier, list)) => {
                        let call = list.map(|list| (Role::Call, self.n_arguments(list)));
                        self.qualified(name, call.or(Some((Role::Read, UNKNOWN_ARITY))), walk);
                    }
                    _ => {
                        walk.then(parameter);
                        continue;
                    }
                }
                open.extend(list);
            }
        }
    }

    /// Whether a parameter is a type alone, or one with brackets behind it.
    fn is_nameless(&self, parameter: Node<'t>) -> bool {
        self.kind(parameter) == Kind::ParameterDeclaration
            && self.field(parameter, Field::Declarator).is_none_or(|it| self.is_list_alone(it))
    }

    /// `(int *, p)` without a declarator of its own: behind a type it declares a function.
    fn is_list_alone(&self, declarator: Node<'t>) -> bool {
        self.kind(declarator) == Kind::AbstractFunctionDeclarator && self.field(declarator, Field::Declarator).is_none()
    }

    fn call_misread(&mut self, name: Node<'t>, list: Node<'t>) {
        let text = self.text.of(name);
        if self.scopes.find(text).is_none() {
            self.refer(text, name, Role::Call, None, self.n_arguments(list));
        }
    }

    /// A cast or `sizeof`: neither the type of the one nor what the other is asked of is a function.
    pub(super) fn cast_or_sizeof(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let known = self.field(node, Field::TypeOf);
        let name =
            known.and_then(|it| self.field(it, Field::TypeOf)).filter(|it| self.kind(*it) == Kind::TypeIdentifier);
        let list = known.and_then(|it| self.field(it, Field::Declarator)).filter(|it| self.is_list_alone(*it));
        let Some((name, list)) = name.zip(list) else { return walk.children(node) };
        let list = self.field(list, Field::Parameters).unwrap_or(list);
        self.call_misread(name, list);
        walk.children(list);
        walk.children_but(node, known);
    }

    /// `getkey(cast(int *, p), &key);`: true if it is a call, so that nothing is declared.
    pub(super) fn call_as_declaration(
        &mut self,
        made: Option<Node<'t>>,
        declarator: Node<'t>,
        walk: &mut Walk<'t>,
    ) -> bool {
        let Some(name) = made.filter(|it| self.kind(*it) == Kind::TypeIdentifier) else { return false };
        let is_bracketed = self.kind(declarator) == Kind::ParenthesizedDeclarator;
        let mut cursor = declarator.walk();
        if !is_bracketed || !declarator.named_children(&mut cursor).any(|child| child.is_error()) {
            return false;
        }
        self.refer(self.text.of(name), name, Role::Call, None, UNKNOWN_ARITY);
        walk.children(declarator);
        true
    }

    /// `vmdispatch (GET_OPCODE(i)) { … }` in a function; false: it is something else.
    pub(super) fn block_of_macro(&mut self, node: Node<'t>, found: &Declared<'t>, walk: &mut Walk<'t>) -> bool {
        let name = self.field(node, Field::TypeOf).filter(|it| self.kind(*it) == Kind::TypeIdentifier);
        let inner = found.function.filter(|_| found.is_bracketed && self.is_local());
        let Some((name, inner)) = name.zip(inner) else { return false };
        self.refer(self.text.of(name), name, Role::Call, None, 1);
        self.misread_function(inner, walk);
        walk.then(self.field(node, Field::Body));
        true
    }

    /// `cast(int *, p)` that reads as a function and its parameters.
    fn misread_function(&mut self, function: Node<'t>, walk: &mut Walk<'t>) {
        let parameters = self.field(function, Field::Parameters);
        let name = self.field(function, Field::Declarator).filter(|it| self.kind(*it) == Kind::Identifier);
        if let Some((name, list)) = name.zip(parameters) {
            self.call_misread(name, list);
        }
        walk.then(parameters);
    }

    /// A part of what could not be parsed, if it is a call.
    pub(super) fn lost_call(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        match self.kind(node) {
            Kind::FunctionDeclarator if self.is_local() && self.is_plain(node) => self.misread_function(node, walk),
            Kind::FunctionDeclarator => walk.then(node),
            Kind::Identifier | Kind::TypeIdentifier | Kind::FieldIdentifier if self.is_before_bracket(node) => {
                let text = self.text.of(node);
                // The tree would look for what stands before from its root.
                let before = self.text.0[..node.start_byte()].trim_ascii_end();
                let is_member = before.ends_with(b".") || before.ends_with(b"->");
                let is_name = !super::preprocessor::is_word_of_language(text) && !super::is_keyword(text);
                // Outside of functions what is lost are declarations, of whose macros the names are loud.
                let is_likely = self.is_local() || !text.bytes().any(|sign| sign.is_ascii_lowercase());
                let is_bound = !is_member && self.scopes.find(text).is_some();
                if is_name && is_likely && !before.ends_with(b"::") && !is_bound {
                    self.facts.mention(text, node, Role::Call, is_member.then(unknown));
                }
            }
            _ => {}
        }
    }

    /// Whether a function is called by a name alone.
    fn is_plain(&self, function: Node<'t>) -> bool {
        self.field(function, Field::Declarator).is_some_and(|it| self.kind(it) == Kind::Identifier)
    }

    fn is_before_bracket(&self, node: Node<'t>) -> bool {
        self.text.0[node.end_byte()..].trim_ascii_start().starts_with(b"(")
    }
}
