//! Modifiers and annotations as flags.

use kotadb_core::facts::{Flags, SymbolKind};
use tree_sitter::Node;

use super::{Field, Java, Kind};
use crate::extract::walk;

/// Annotations by which something outside runs what they stand before.
const HOOKS: &[&str] = &[
    "Bean",
    "DELETE",
    "EventListener",
    "GET",
    "KafkaListener",
    "MessageMapping",
    "PATCH",
    "POST",
    "PUT",
    "Path",
    "PostConstruct",
    "PreDestroy",
    "RabbitListener",
    "Scheduled",
    "Subscribe",
];

/// Annotations of tests.
const TESTS: &[&str] = &["ParameterizedTest", "Property", "RepeatedTest", "Test", "TestFactory", "TestTemplate"];

/// What stands before a declaration.
#[derive(Default)]
pub(super) struct Modifiers<'t> {
    words: Vec<&'t str>,
    annotations: Vec<&'t str>,
}

impl<'t> Java<'t> {
    pub(super) fn modifiers(&self, declaration: Node<'t>) -> Modifiers<'t> {
        let first = declaration.named_child(0).filter(|first| self.kind(*first) == Kind::Modifiers);
        let mut modifiers = Modifiers::default();
        for part in first.map(walk::children).unwrap_or_default() {
            match self.kind(part) {
                Kind::Annotation | Kind::MarkerAnnotation => modifiers.annotations.push(self.word(part, Field::Name)),
                _ => modifiers.words.push(self.text.of(part)),
            }
        }
        modifiers
    }

    /// Flags of a type or member.
    pub(super) fn flags(&self, modifiers: &Modifiers<'t>, name: &str, kind: SymbolKind) -> Flags {
        let outer = self.open.last();
        let in_interface = outer.is_some_and(|open| open.kind == SymbolKind::Interface);
        let is_main = name == "main" && modifiers.has("static") && kind == SymbolKind::Method;
        [
            (Flags::EXPORTED, modifiers.has("public") || (in_interface && !modifiers.has("private"))),
            (Flags::TEST, modifiers.is_test() || outer.is_some_and(|open| open.is_test)),
            (Flags::STATIC, modifiers.has("static") && kind != SymbolKind::Class),
            (Flags::ABSTRACT, modifiers.has("abstract")),
            (Flags::DEPRECATED, modifiers.annotations.contains(&"Deprecated")),
            (Flags::GENERATED, modifiers.annotations.contains(&"Generated")),
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
        self.annotations.iter().any(|name| TESTS.contains(name))
    }

    fn is_hook(&self) -> bool {
        self.annotations.iter().any(|name| HOOKS.contains(name) || name.ends_with("Mapping"))
    }
}
