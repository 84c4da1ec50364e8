//! Includes and macros. The body of a macro is no tree: it is read for names before brackets.

use kotadb_core::facts::{Arity, Flags, Import, Role, Symbol, SymbolKind};
use tree_sitter::Node;

use super::{COMMENTS, Family, Field, Kind};
use crate::extract::expression::unknown;
use crate::extract::text::span;
use crate::extract::walk;

/// Words before brackets that are no functions.
const KEYWORDS: &[&str] = &[
    "if",
    "for",
    "while",
    "switch",
    "return",
    "sizeof",
    "do",
    "else",
    "defined",
    "typeof",
    "__typeof__",
    "__typeof",
    "alignof",
    "_Alignof",
    "__alignof__",
    "__attribute__",
    "offsetof",
    "decltype",
    "noexcept",
    "catch",
    "case",
    "asm",
    "__asm__",
    "_Generic",
    "throw",
    "new",
    "delete",
    "operator",
    "void",
    "int",
    "char",
    "long",
    "unsigned",
];

/// Whether a word before brackets is one of the language.
pub(super) fn is_word_of_language(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

impl<'t> Family<'t> {
    /// `#include "db.h"`.
    pub(super) fn include(&mut self, node: Node<'t>) {
        let Some(path) = self.field(node, Field::Path) else { return };
        if matches!(self.kind(path), Kind::StringLiteral | Kind::SystemLibString) {
            let module = self.text.of(path).into();
            self.facts.import(Import { module, start: span(path).start, ..Import::default() });
        } else {
            self.bare(path, Role::Read);
        }
    }

    /// `#define LIMIT 1`, `#define MAX(a, b) …`.
    pub(super) fn define(&mut self, node: Node<'t>) {
        let Some(name) = self.field(node, Field::Name) else { return };
        let parameters = self.field(node, Field::Parameters);
        let mut symbol = Symbol::new(SymbolKind::Macro);
        (symbol.name, symbol.name_span, symbol.range) = (self.text.of(name).into(), span(name), span(node));
        symbol.signature = self.text.first_row(node);
        symbol.doc = self.text.comment_above(node.start_byte(), COMMENTS);
        symbol.flags = Flags::EXPORTED;
        symbol.arity = parameters.map_or_else(Arity::default, |it| self.macro_arity(it));
        self.facts.symbol(symbol);
        if let Some(body) = self.field(node, Field::Value) {
            let names: Vec<_> = parameters.map(walk::named_children).unwrap_or_default();
            let names: Vec<_> = names.into_iter().map(|name| self.text.of(name)).collect();
            self.macro_body(body, &names);
        }
    }

    fn macro_arity(&self, parameters: Node<'t>) -> Arity {
        let n = u8::try_from(parameters.named_child_count()).unwrap_or(u8::MAX);
        let is_open = self.text.of(parameters).contains("...");
        if is_open { Arity { least: n, most: u8::MAX } } else { Arity { least: n, most: n } }
    }

    /// Names before brackets are called by whoever uses the macro.
    fn macro_body(&mut self, body: Node<'t>, parameters: &[&str]) {
        let text = self.text.of(body);
        let bytes = text.as_bytes();
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let rest = &bytes[at..];
            let word = rest.iter().take_while(|byte| is_word(**byte)).count();
            if word == 0 {
                at += skipped(rest, byte);
                continue;
            }
            let end = at + word;
            let is_called = bytes[end..].trim_ascii_start().first() == Some(&b'(');
            let name = &text[at..end];
            let before = bytes[..at].trim_ascii_end();
            let is_name = !byte.is_ascii_digit() && !parameters.contains(&name) && !KEYWORDS.contains(&name);
            if is_called && is_name && !before.ends_with(b"#") {
                let is_member = before.ends_with(b".") || before.ends_with(b"->");
                let start = body.start_byte() + at;
                self.facts.mention_at(name, start, Role::Call, is_member.then(unknown));
            }
            at = end;
        }
    }
}

/// How far a string or comment goes, or one byte.
fn skipped(rest: &[u8], byte: u8) -> usize {
    if rest.starts_with(b"/*") {
        return memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
    }
    if rest.starts_with(b"//") {
        return rest.len();
    }
    if byte != b'"' {
        return 1;
    }
    let mut at = 1;
    while at < rest.len() && rest[at] != b'"' {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}
