//! What stands in `#[…]` above an item: macros that it names, and what it says about the item.

use kotadb_core::facts::{Flags, Role};
use tree_sitter::Node;

use super::{Field, Kind, Rust};
use crate::extract::walk;

/// Attributes of the language itself: nobody looks for their uses.
const BUILT_IN: &[&str] = &[
    "allow",
    "automatically_derived",
    "cfg",
    "cfg_attr",
    "cold",
    "default",
    "deny",
    "derive",
    "deprecated",
    "doc",
    "expect",
    "export_name",
    "forbid",
    "ignore",
    "inline",
    "link",
    "macro_export",
    "macro_use",
    "must_use",
    "no_mangle",
    "non_exhaustive",
    "path",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "repr",
    "rustfmt",
    "should_panic",
    "target_feature",
    "test",
    "track_caller",
    "unsafe",
    "used",
    "warn",
];

/// Attributes by which something outside runs what they stand above.
const HOOKS: &[&str] = &[
    "main",
    "no_mangle",
    "export_name",
    "proc_macro",
    "proc_macro_attribute",
    "proc_macro_derive",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "handler",
    "wasm_bindgen",
    "pyfunction",
    "pymodule",
    "pymethods",
    "command",
    "entry",
    "ctor",
];

/// What attributes say about an item.
#[derive(Default)]
pub(super) struct Said {
    pub(super) flags: Flags,
}

impl<'t> Rust<'t> {
    /// Reads the attributes above an item.
    pub(super) fn said(&mut self, attributes: &[Node<'t>]) -> Said {
        let mut said = Said::default();
        for attribute in attributes.iter().filter_map(|item| item.named_child(0)) {
            let Some(path) = attribute.named_child(0) else { continue };
            let text = self.text.of(path);
            let name = text.rsplit("::").next().unwrap_or(text);
            let arguments = self.field(attribute, Field::Arguments);
            let is_test =
                matches!(name, "test" | "rstest" | "test_case" | "bench" | "quickcheck" | "wasm_bindgen_test")
                    || (name == "cfg" && arguments.is_some_and(|it| self.text.of(it).starts_with("(test")));
            for (flag, holds) in [
                (Flags::TEST, is_test),
                (Flags::DEPRECATED, name == "deprecated"),
                (Flags::ENTRY, HOOKS.contains(&name)),
                (Flags::GENERATED, name == "automatically_derived"),
            ] {
                said.flags = if holds { said.flags.with(flag) } else { said.flags };
            }
            self.decorates(path, name, arguments);
        }
        said
    }

    fn decorates(&mut self, path: Node<'t>, name: &'t str, arguments: Option<Node<'t>>) {
        if name == "derive" {
            arguments.into_iter().for_each(|arguments| self.derives(arguments));
        } else if self.kind(path) == Kind::ScopedIdentifier {
            let receiver = self.field(path, Field::Path).map(|before| self.path_text(before));
            let at = self.field(path, Field::Name).unwrap_or(path);
            self.facts.mention(name, at, Role::Decorate, receiver);
        } else if !BUILT_IN.contains(&name) {
            self.facts.mention(name, path, Role::Decorate, None);
        }
    }

    /// `(Debug, serde::Serialize)`: the last name of each path.
    fn derives(&mut self, arguments: Node<'t>) {
        let parts = walk::children(arguments);
        let mut before = String::new();
        for (at, part) in parts.iter().enumerate() {
            if self.kind(*part) != Kind::Identifier {
                continue;
            }
            if parts.get(at + 1).is_some_and(|next| self.kind(*next) == Kind::Colons) {
                before = if before.is_empty() { before } else { before + "::" } + self.text.of(*part);
                continue;
            }
            let receiver = (!before.is_empty()).then(|| before.as_str().into());
            self.facts.mention(self.text.of(*part), *part, Role::Decorate, receiver);
            before.clear();
        }
    }
}
