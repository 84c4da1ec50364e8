//! What a module takes from others and gives to others, in both styles: `import`, `export`; `require`, `module.exports`.

use kotadb_core::facts::Import;
use tree_sitter::Node;

use super::{Export, Field, Kind, Later, Script, Walk};
use crate::extract::walk;

impl<'t> Script<'t> {
    pub(super) fn import(&mut self, node: Node<'t>) {
        let Some(source) = self.field(node, Field::Source).or_else(|| self.required_source(node)) else { return };
        let module = self.unquoted(source);
        let clause = walk::named_children(node)
            .into_iter()
            .find(|it| matches!(self.kind(*it), Kind::ImportClause | Kind::ImportRequire));
        let Some(clause) = clause else {
            return self.brings(module, None, None, source, false);
        };
        for part in walk::named_children(clause) {
            match self.kind(part) {
                Kind::Identifier if self.kind(clause) == Kind::ImportRequire => {
                    self.brings(module, None, Some(self.text.of(part)), part, false);
                }
                Kind::Identifier => self.brings(module, Some("default"), Some(self.text.of(part)), part, false),
                Kind::NamespaceImport => {
                    let alias = part.named_child(0).map(|name| self.text.of(name));
                    self.brings(module, None, alias, part, false);
                }
                Kind::NamedImports => self.specifiers(part, module, false),
                _ => {}
            }
        }
    }

    /// `import a = require("m")`.
    fn required_source(&self, node: Node<'t>) -> Option<Node<'t>> {
        let clause = walk::named_children(node).into_iter().find(|it| self.kind(*it) == Kind::ImportRequire)?;
        self.field(clause, Field::Source)
    }

    /// `{ a, b as c }` of an import, or of an export from elsewhere.
    fn specifiers(&mut self, list: Node<'t>, module: &str, reexported: bool) {
        for item in walk::named_children(list) {
            let Some(name) = self.field(item, Field::Name) else { continue };
            let alias = self.field(item, Field::Alias).map(|alias| self.unquoted(alias));
            self.brings(module, Some(self.unquoted(name)), alias, name, reexported);
        }
    }

    fn brings(&mut self, module: &str, name: Option<&str>, alias: Option<&'t str>, at: Node<'t>, reexported: bool) {
        if let Some(local) = alias.filter(|_| !reexported) {
            self.scopes.share(local);
        }
        let (name, alias) = (name.map(Into::into), alias.map(Into::into));
        let start = at.start_byte() as u32;
        self.facts.import(Import { module: module.into(), name, alias, reexported, start });
    }

    pub(super) fn export(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        let source = self.field(node, Field::Source).map(|source| self.unquoted(source));
        if let Some(module) = source {
            return self.export_from(node, module);
        }
        let decorators = walk::named_children(node).into_iter().take_while(|it| self.kind(*it) == Kind::Decorator);
        let declared = decorators.last().map_or(node.start_byte(), |last| last.end_byte());
        let export = Export { start: node.start_byte(), declared, is_default: self.has_token(node, Kind::Default) };
        for child in walk::named_children(node) {
            match self.kind(child) {
                Kind::Decorator => walk.then(child),
                Kind::ExportClause => self.export_clause(child, walk),
                _ if Some(child) == self.field(node, Field::Declaration) => {
                    self.export = Some(export);
                    if export.is_default && self.field(child, Field::Name).is_some() {
                        self.gives(self.word(child, Field::Name), "default", child);
                    }
                    walk.then(child);
                    walk.later(Later::EndExport);
                }
                // `export default name`, `export = name`.
                Kind::Identifier => {
                    self.gives(self.text.of(child), "default", child);
                    walk.then(child);
                }
                Kind::Comment => {}
                _ => self.default_value(child, Export { is_default: true, ..export }, walk),
            }
        }
    }

    /// `export * from "m"`, `export { a as b } from "m"`.
    fn export_from(&mut self, node: Node<'t>, module: &str) {
        let part = walk::named_children(node)
            .into_iter()
            .find(|it| matches!(self.kind(*it), Kind::ExportClause | Kind::NamespaceExport));
        match part.map(|part| (part, self.kind(part))) {
            Some((part, Kind::ExportClause)) => self.specifiers(part, module, true),
            Some((part, _)) => {
                let alias = part.named_child(0).map(|name| self.text.of(name));
                self.brings(module, None, alias, part, true);
            }
            None => self.brings(module, Some("*"), None, node, true),
        }
    }

    /// `export { a, b as c }`.
    fn export_clause(&mut self, clause: Node<'t>, walk: &mut Walk<'t>) {
        for item in walk::named_children(clause) {
            let Some(name) = self.field(item, Field::Name) else { continue };
            let alias = self.field(item, Field::Alias).map_or("", |alias| self.unquoted(alias));
            self.gives(self.text.of(name), alias, name);
            walk.then(name);
        }
    }

    /// A name of this module that others get, under another name if it has one: an import from the module itself.
    fn gives(&mut self, name: &'t str, alias: &'t str, at: Node<'t>) {
        self.offered.insert(name);
        if !alias.is_empty() && alias != name {
            self.brings("", Some(name), Some(alias), at, true);
        }
    }

    /// `const a = require("m")`, `const { a, b: c } = await import("m")`. False: it is no such thing.
    pub(super) fn requires(&mut self, declarator: Node<'t>) -> bool {
        let (Some(target), Some(mut value)) =
            (self.field(declarator, Field::Name), self.field(declarator, Field::Value))
        else {
            return false;
        };
        if self.kind(value) == Kind::AwaitExpression {
            value = value.named_child(0).unwrap_or(value);
        }
        let Some(module) = self.required_module(value) else { return false };
        match self.kind(target) {
            Kind::Identifier => self.brings(module, None, Some(self.text.of(target)), target, false),
            Kind::ObjectPattern => {
                for part in walk::named_children(target) {
                    let (name, alias) = match self.kind(part) {
                        Kind::ShorthandPattern => (self.text.of(part), self.text.of(part)),
                        Kind::PairPattern => (self.word(part, Field::Key), self.word(part, Field::Value)),
                        _ => continue,
                    };
                    self.brings(module, Some(name), Some(alias), part, false);
                }
            }
            _ => return false,
        }
        true
    }

    /// The module of `require("m")` or `import("m")`.
    fn required_module(&self, call: Node<'t>) -> Option<&'t str> {
        let function = self.field(call, Field::Function)?;
        let is_it = self.kind(function) == Kind::ImportKeyword
            || (self.kind(function) == Kind::Identifier && self.text.of(function) == "require");
        let argument = self.field(call, Field::Arguments).filter(|_| is_it)?.named_child(0)?;
        (self.kind(argument) == Kind::String).then(|| self.unquoted(argument))
    }

    /// A `require` or `import()` whose result has no name.
    pub(super) fn required(&mut self, call: Node<'t>, function: Node<'t>) {
        let may_be = match self.kind(function) {
            Kind::Identifier => self.text.of(function) == "require",
            kind => kind == Kind::ImportKeyword,
        };
        if !may_be {
            return;
        }
        let Some(module) = self.required_module(call) else { return };
        let start = function.start_byte() as u32;
        let module: Box<str> = module.into();
        let is_known = self.facts.imports_mut().iter().rev().take(16).any(|import| import.module == module);
        if !is_known {
            self.facts.import(Import { module, start, ..Import::default() });
        }
    }

    /// `module.exports = …`, `exports.a = …`. False: the assignment is another.
    pub(super) fn exports_by_assignment(
        &mut self,
        node: Node<'t>,
        left: Node<'t>,
        right: Node<'t>,
        walk: &mut Walk<'t>,
    ) -> bool {
        let text = self.text.of(left);
        let is_all = text == "module.exports";
        let is_one = text
            .strip_prefix("module.")
            .unwrap_or(text)
            .strip_prefix("exports.")
            .is_some_and(|it| !it.contains(['.', '[']));
        if (!is_all && !is_one) || self.kind(left) != Kind::MemberExpression || self.scopes.find("exports").is_some() {
            return false;
        }
        match self.kind(right) {
            Kind::Object if is_all => self.exports_object(right, walk),
            Kind::Identifier => {
                let alias = if is_all { "default" } else { self.word(left, Field::Property) };
                self.gives(self.text.of(right), alias, right);
                walk.then(right);
            }
            _ if is_all => {
                let start = node.start_byte();
                self.default_value(right, Export { start, declared: start, is_default: true }, walk);
            }
            // `exports.a = exports.b = …`
            _ => match self.field(left, Field::Property) {
                Some(name) => self.exported_value(node, name, right, walk),
                None => return false,
            },
        }
        true
    }

    /// `module.exports = { a, b: c, d() {} }`.
    fn exports_object(&mut self, object: Node<'t>, walk: &mut Walk<'t>) {
        for member in walk::named_children(object) {
            let key = self.field(member, Field::Key);
            let value = self.field(member, Field::Value);
            match (self.kind(member), key, value) {
                (Kind::Shorthand, ..) => {
                    self.gives(self.text.of(member), "", member);
                    walk.then(member);
                }
                (Kind::Pair, Some(key), Some(value)) if self.kind(value) == Kind::Identifier => {
                    self.gives(self.text.of(value), self.unquoted(key), value);
                    walk.then(value);
                }
                (Kind::Pair, Some(key), Some(value)) if self.kind(key) == Kind::PropertyName => {
                    walk.later(Later::Exported(member, key, value));
                }
                _ => walk.later(Later::Member { node: member, is_typed: false }),
            }
        }
    }
}
