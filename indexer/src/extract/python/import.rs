//! Imports, names in `__all__`, and types in annotations.

use kotadb_core::facts::{Flags, Import, Role, UNKNOWN_ARITY};
use tree_sitter::Node;

use super::{Field, Kind, Python};
use crate::extract::expression::type_text;
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Python<'t> {
    /// `import a.b as c`.
    pub(super) fn import(&mut self, node: Node<'t>) {
        for item in walk::named_children(node) {
            let (name, alias) = self.item(item);
            let module = type_text(self.text.of(name), &[], &[]);
            self.facts.import(Import { module, alias, start: span(name).start, ..Import::default() });
        }
    }

    /// `from a import b as c`.
    pub(super) fn import_from(&mut self, node: Node<'t>) {
        let Some(source) = self.field(node, Field::ModuleName) else { return };
        let module = type_text(self.text.of(source), &[], &[]);
        for item in walk::named_children(node).into_iter().filter(|item| *item != source) {
            let start = span(item).start;
            let import = match self.kind(item) {
                Kind::WildcardImport => Import { name: Some("*".into()), start, ..Import::default() },
                Kind::DottedName | Kind::AliasedImport => {
                    let (name, alias) = self.item(item);
                    Import { name: Some(self.text.of(name).into()), alias, start, ..Import::default() }
                }
                _ => continue,
            };
            self.facts.import(Import { module: module.clone(), ..import });
        }
    }

    /// Name and alias; the name that is used from now on is one that files share.
    fn item(&mut self, item: Node<'t>) -> (Node<'t>, Option<Box<str>>) {
        let name = self.field(item, Field::Name).unwrap_or(item);
        let alias = self.field(item, Field::Alias).map(|alias| self.text.of(alias));
        let local = alias.unwrap_or_else(|| self.text.of(name).split('.').next().unwrap_or_default());
        self.scopes.share(local);
        (name, alias.map(Into::into))
    }

    /// Names in the value of `__all__`.
    pub(super) fn offers(&mut self, value: Node<'t>) {
        let mut open = vec![value];
        while let Some(node) = open.pop() {
            if self.kind(node) == Kind::String {
                self.offered.insert(self.text.of(node).trim_matches(['"', '\'']));
            } else {
                open.extend(walk::named_children(node));
            }
        }
    }

    /// What `__all__` names is there for others.
    pub(super) fn offer(&mut self) {
        let offered = &self.offered;
        for import in self.facts.imports_mut() {
            import.reexported |= import.local_name().is_some_and(|name| offered.contains(name));
        }
        for symbol in self.facts.symbols_mut().iter_mut().filter(|symbol| offered.contains(&*symbol.name)) {
            symbol.flags = symbol.flags.with(Flags::EXPORTED);
        }
    }

    /// Types that an annotation names, also between quotes.
    pub(super) fn annotation(&mut self, node: Node<'t>) {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::Identifier => self.bare(node, Role::Type),
                Kind::Attribute => {
                    self.member(node, Role::Type, UNKNOWN_ARITY);
                    self.module_of(node);
                }
                Kind::StringContent => self.quoted_type(node),
                Kind::GenericType | Kind::Subscript if self.is_literal(node) => {}
                _ => open.extend(walk::named_children(node).into_iter().rev()),
            }
        }
    }

    /// `a` of `a.b.C`.
    fn module_of(&mut self, attribute: Node<'t>) {
        let mut object = self.field(attribute, Field::Object);
        while let Some(node) = object {
            match self.kind(node) {
                Kind::Attribute => {
                    object = self.member(node, Role::Read, UNKNOWN_ARITY);
                }
                Kind::Identifier => return self.bare(node, Role::Read),
                _ => return,
            }
        }
    }

    /// Strings of `Literal["a"]` are values.
    fn is_literal(&self, node: Node<'t>) -> bool {
        node.named_child(0).is_some_and(|name| self.text.of(name).ends_with("Literal"))
    }

    /// `"list[a.Pool]"`: each word is a type.
    fn quoted_type(&mut self, node: Node<'t>) {
        let text = self.text.of(node);
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        if text.contains(|c: char| !is_word(c) && !"[], |".contains(c)) {
            return;
        }
        let base = text.as_ptr() as usize;
        for path in text.split(|c| !is_word(c)).filter(|path| path.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        {
            let (before, name) = path.rsplit_once('.').map_or((None, path), |(before, name)| (Some(before), name));
            if before.is_none() && self.scopes.find(name).is_some() {
                continue;
            }
            let start = node.start_byte() + (name.as_ptr() as usize - base);
            let receiver = before.map(|before| self.dotted_value(before));
            self.facts.mention_at(name, start, Role::Type, receiver);
        }
    }
}
