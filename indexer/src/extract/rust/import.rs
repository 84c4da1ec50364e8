//! `use` declarations, one import for each name that they bring.

use kotadb_core::facts::Import;
use tree_sitter::Node;

use super::{Field, Kind, Rust};
use crate::extract::walk;

impl<'t> Rust<'t> {
    pub(super) fn import(&mut self, node: Node<'t>) {
        let reexported = walk::named_children(node).iter().any(|child| self.kind(*child) == Kind::Visibility);
        // What is still to be read, with the path before it.
        let mut open: Vec<(Node<'t>, String)> = Vec::new();
        open.extend(walk::named_children(node).last().map(|argument| (*argument, String::new())));
        while let Some((node, before)) = open.pop() {
            match self.kind(node) {
                Kind::ScopedUseList | Kind::UseList => {
                    let path = self.field(node, Field::Path).map_or("", |path| self.text.of(path));
                    let before = joined(&before, path);
                    let list = self.field(node, Field::List).unwrap_or(node);
                    open.extend(walk::named_children(list).into_iter().map(|item| (item, before.clone())));
                }
                Kind::UseWildcard => {
                    let path = node.named_child(0).map_or("", |path| self.text.of(path));
                    self.brings(&joined(&before, path), Some("*"), None, node, reexported);
                }
                Kind::UseAs => {
                    let path = self.field(node, Field::Path).unwrap_or(node);
                    self.names(&before, path, Some(self.word(node, Field::Alias)), reexported);
                }
                _ => self.names(&before, node, None, reexported),
            }
        }
    }

    /// `a::b` after what stands before it.
    fn names(&mut self, before: &str, path: Node<'t>, alias: Option<&'t str>, reexported: bool) {
        let text = self.text.of(path);
        let at = self.field(path, Field::Name).unwrap_or(path);
        if text == "self" && !before.is_empty() {
            return self.brings(before, None, alias, path, reexported);
        }
        let whole = joined(before, text);
        match whole.rsplit_once("::") {
            Some((module, name)) => self.brings(module, Some(name), alias, at, reexported),
            None => self.brings(&whole, None, alias, at, reexported),
        }
    }

    fn brings(&mut self, module: &str, name: Option<&str>, alias: Option<&'t str>, at: Node<'t>, reexported: bool) {
        let start = at.start_byte() as u32;
        let local = alias.or(match self.kind(at) {
            Kind::Identifier => Some(self.text.of(at)),
            _ => None,
        });
        local.into_iter().for_each(|local| self.scopes.share(local));
        let (name, alias) = (name.map(Into::into), alias.map(Into::into));
        self.facts.import(Import { module: module.into(), name, alias, reexported, start });
    }

    /// `extern crate a as b`.
    pub(super) fn extern_crate(&mut self, node: Node<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let alias = self.field(node, Field::Alias).map(|alias| self.text.of(alias));
        self.brings(self.text.of(name), None, alias, name, false);
    }
}

/// Two parts of a path, without blanks.
fn joined(before: &str, path: &str) -> String {
    let path: String = path.split_whitespace().collect();
    if before.is_empty() || path.is_empty() { before.to_owned() + &path } else { format!("{before}::{path}") }
}
