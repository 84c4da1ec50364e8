//! The namespace of a file, what it uses of others, and files that it requires.

use kotadb_core::facts::Import;
use tree_sitter::Node;

use super::{Field, Kind, Php, Walk};
use crate::extract::text::span;
use crate::extract::walk;

impl<'t> Php<'t> {
    /// `namespace A\B;`. Of several in one file the first counts.
    pub(super) fn namespace(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        if let Some(name) = self.field(node, Field::NameOf).filter(|_| !self.has_package) {
            self.has_package = true;
            self.facts.package(&self.path(name));
        }
        walk.then(self.field(node, Field::Body));
    }

    /// `use A\B, C\D as E;`, `use function A\f;`, `use A\{B, C};`.
    pub(super) fn imports(&mut self, node: Node<'t>) {
        let kind = self.word(node, Field::TypeOf);
        let parts = walk::named_children(node);
        let is_prefix = |part: &&Node<'t>| self.kind(**part) == Kind::NamespaceName;
        let prefix = parts.iter().find(is_prefix).map(|part| self.path(*part));
        for part in parts {
            match self.kind(part) {
                Kind::UseClause => self.import(part, kind, None),
                Kind::UseGroup => {
                    walk::named_children(part)
                        .into_iter()
                        .for_each(|clause| self.import(clause, kind, prefix.as_deref()));
                }
                _ => {}
            }
        }
    }

    fn import(&mut self, clause: Node<'t>, kind: &str, prefix: Option<&str>) {
        let is_path = |part: &Node<'t>| matches!(self.kind(*part), Kind::Name | Kind::QualifiedName);
        let Some(path) = walk::named_children(clause).into_iter().find(is_path) else { return };
        let written = self.path(path);
        let whole = prefix.map_or_else(|| written.to_string(), |prefix| [prefix, "\\", &written].concat());
        let own_kind = self.word(clause, Field::TypeOf);
        let is_member = [kind, own_kind].iter().any(|kind| matches!(*kind, "function" | "const"));
        let (module, name) = match whole.rsplit_once('\\') {
            Some((module, name)) if is_member => (module, Some(name.into())),
            None if is_member => ("", Some(whole.as_str().into())),
            _ => (whole.as_str(), None),
        };
        let alias = self.field(clause, Field::Alias).map(|alias| self.text.of(alias).into());
        self.facts.import(Import { module: module.into(), name, alias, start: span(path).start, reexported: false });
    }

    /// `require 'lib.php'`: the end of a path that is put together is known.
    pub(super) fn require(&mut self, node: Node<'t>, walk: &mut Walk<'t>) {
        walk.children(node);
        let mut open = vec![node];
        let mut last = None;
        while let Some(node) = open.pop() {
            match self.kind(node) {
                Kind::StringContent => last = last.or(Some(node)),
                Kind::FunctionCall => {}
                _ => open.extend(walk::named_children(node)),
            }
        }
        if let Some(content) = last {
            let path = self.text.of(content).trim_start_matches('/');
            let start = content.start_byte() as u32;
            self.facts.import(Import { module: path.into(), name: Some("*".into()), start, ..Import::default() });
        }
    }
}
