//! Modifiers and attributes as flags.

use kotadb_core::facts::{Flags, SymbolKind};
use tree_sitter::Node;

use super::{Field, Kind, Sharp};
use crate::extract::walk;

/// Attributes of tests.
const TESTS: &[&str] =
    &["DataTestMethod", "Fact", "Test", "TestCase", "TestClass", "TestFixture", "TestMethod", "Theory"];

/// What stands before a declaration.
#[derive(Default)]
pub(super) struct Modifiers<'t> {
    words: Vec<&'t str>,
    attributes: Vec<&'t str>,
}

impl<'t> Sharp<'t> {
    pub(super) fn modifiers(&self, declaration: Node<'t>) -> Modifiers<'t> {
        let mut modifiers = Modifiers::default();
        for part in walk::named_children(declaration) {
            match self.kind(part) {
                Kind::Modifier => modifiers.words.push(self.text.of(part)),
                Kind::AttributeList => {
                    let names = walk::named_children(part).into_iter().map(|it| self.word(it, Field::Name));
                    modifiers.attributes.extend(names);
                }
                _ => {}
            }
        }
        modifiers
    }

    /// Flags of a type or member.
    pub(super) fn flags(&self, modifiers: &Modifiers<'t>, name: &str, kind: SymbolKind) -> Flags {
        let outer = self.open.last();
        let in_interface = outer.is_some_and(|open| open.kind == SymbolKind::Interface);
        let is_main = name == "Main" && modifiers.has("static") && kind == SymbolKind::Method;
        [
            (Flags::EXPORTED, modifiers.has("public") || (in_interface && !modifiers.has("private"))),
            (Flags::TEST, modifiers.is_test() || outer.is_some_and(|open| open.is_test)),
            (Flags::STATIC, (modifiers.has("static") || modifiers.has("const")) && kind != SymbolKind::Class),
            (Flags::ABSTRACT, modifiers.has("abstract")),
            (Flags::ASYNC, modifiers.has("async")),
            (Flags::DEPRECATED, modifiers.attributes.contains(&"Obsolete")),
            (Flags::GENERATED, modifiers.attributes.contains(&"GeneratedCode")),
            (Flags::DECLARATION, modifiers.has("extern")),
            (Flags::ENTRY, is_main || modifiers.is_hook()),
        ]
        .into_iter()
        .filter(|(_, holds)| *holds)
        .fold(Flags::default(), |flags, (flag, _)| flags.with(flag))
    }
}

impl Modifiers<'_> {
    pub(super) fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn is_test(&self) -> bool {
        self.attributes.iter().any(|name| TESTS.contains(name))
    }

    /// `[HttpGet]`, `[Route(…)]`: something outside calls it.
    fn is_hook(&self) -> bool {
        self.attributes.iter().any(|name| name.starts_with("Http") || *name == "Route" || *name == "Function")
    }
}
