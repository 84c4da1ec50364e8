//! Facts as short lines, so that the tests of a language read like its documentation; and what holds of all facts.

use std::fmt::Write;

use kotadb_core::facts::{Facts, Flags, Relation, UNKNOWN_ARITY};
use kotadb_core::text::Language;

use super::{USUAL_BUDGET, extract};

/// The facts of a text, looked over.
pub fn facts(language: &str, text: &str) -> Facts {
    let language = Language::from_name(language).expect("a language of the table");
    let facts = extract(language, text.as_bytes(), USUAL_BUDGET).expect("a language with an extractor");
    check(&facts, text.as_bytes());
    facts
}

/// Compares lines, but for the blanks at their ends.
#[track_caller]
pub fn assert_lines(found: &str, expected: &str) {
    let lines = |text: &str| text.trim().lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert!(lines(found) == lines(expected), "found:\n{found}\nexpected:\n{expected}");
}

/// One line a symbol: `2 method Pool.acquire/0-1: Conn [exported] for Source "Takes one."`.
pub fn symbols(language: &str, text: &str) -> String {
    let facts = facts(language, text);
    let mut out = String::new();
    for (i, symbol) in facts.symbols.iter().enumerate() {
        let name = facts.qualified(i).join(".");
        let _ = write!(out, "{} {} {name}", line(text, symbol.name_span.start), symbol.kind.name());
        if symbol.kind.is_callable() {
            let most = if symbol.arity.most == u8::MAX { "*".to_owned() } else { symbol.arity.most.to_string() };
            let _ = write!(out, "/{}-{most}", symbol.arity.least);
        }
        if let Some(of_type) = &symbol.of_type {
            let _ = write!(out, ": {of_type}");
        }
        let _ = write!(out, "{}", flags(symbol.flags));
        if let Some(interface) = &symbol.interface {
            let _ = write!(out, " for {interface}");
        }
        if let Some(doc) = symbol.doc {
            let _ = write!(out, " \"{}\"", &text[doc.start as usize..doc.end as usize]);
        }
        out.push('\n');
    }
    out
}

/// The signature of each symbol, blanks folded.
pub fn signatures(language: &str, text: &str) -> String {
    let spans = facts(language, text).symbols.into_iter().map(|symbol| symbol.signature);
    let words = |span: &str| span.split_whitespace().collect::<Vec<_>>().join(" ");
    spans.map(|span| words(&text[span.start as usize..span.end as usize]) + "\n").collect()
}

/// One line a reference: `4 call this.pool | acquire/1 in Pool.run`. Without receiver: `4 call acquire/1`.
pub fn references(language: &str, text: &str) -> String {
    let facts = facts(language, text);
    let mut out = String::new();
    for reference in &facts.references {
        let _ = write!(out, "{} {} ", line(text, reference.start), reference.role.name());
        if let Some(receiver) = &reference.receiver {
            let _ = write!(out, "{receiver} | ");
        }
        let _ = write!(out, "{}", reference.name);
        if reference.n_arguments != UNKNOWN_ARITY {
            let _ = write!(out, "/{}", reference.n_arguments);
        }
        if let Some(symbol) = facts.enclosing(reference.start) {
            let _ = write!(out, " in {}", facts.qualified(symbol).join("."));
        }
        out.push('\n');
    }
    out
}

/// Only the references with one of these roles.
pub fn references_of(language: &str, text: &str, roles: &[&str]) -> String {
    let has_role = |line: &&str| line.split(' ').nth(1).is_some_and(|role| roles.contains(&role));
    references(language, text).lines().filter(has_role).map(|line| line.to_owned() + "\n").collect()
}

/// One line an import: `1 crate::db Pool as P re-exported`; `-`: the module itself.
pub fn imports(language: &str, text: &str) -> String {
    let mut out = String::new();
    for import in facts(language, text).imports {
        let name = import.name.as_deref().unwrap_or("-");
        let _ = write!(out, "{} {} {name}", line(text, import.start), import.module);
        if let Some(alias) = &import.alias {
            let _ = write!(out, " as {alias}");
        }
        out.push_str(if import.reexported { " re-exported\n" } else { "\n" });
    }
    out
}

/// One line a type above another: `3 Pool implements Drop`.
pub fn supertypes(language: &str, text: &str) -> String {
    let mut out = String::new();
    for supertype in facts(language, text).supertypes {
        let verb = match supertype.relation {
            Relation::Extends => "extends",
            Relation::Implements => "implements",
            Relation::Embeds => "embeds",
        };
        let _ = writeln!(out, "{} {} {verb} {}", line(text, supertype.start), supertype.name, supertype.supertype);
    }
    out
}

fn line(text: &str, at: u32) -> usize {
    text.as_bytes()[..at as usize].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn flags(flags: Flags) -> String {
    const NAMES: [(Flags, &str); 10] = [
        (Flags::EXPORTED, "exported"),
        (Flags::TEST, "test"),
        (Flags::STATIC, "static"),
        (Flags::ABSTRACT, "abstract"),
        (Flags::ASYNC, "async"),
        (Flags::DEPRECATED, "deprecated"),
        (Flags::GENERATED, "generated"),
        (Flags::DECLARATION, "declaration"),
        (Flags::ENTRY, "entry"),
        (Flags::ACCESSOR, "accessor"),
    ];
    let set: Vec<_> = NAMES.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| *name).collect();
    if set.is_empty() { String::new() } else { format!(" [{}]", set.join(" ")) }
}

/// What [`Facts`] promises: order, containers before what they contain, ranges that lie in the text and in each other.
#[track_caller]
pub fn check(facts: &Facts, text: &[u8]) {
    let len = text.len() as u32;
    for (i, symbol) in facts.symbols.iter().enumerate() {
        let (name, range, signature) = (symbol.name_span, symbol.range, symbol.signature);
        assert!(!symbol.name.is_empty(), "{symbol:?}");
        assert!(
            range.start <= name.start && name.start <= name.end && name.end <= range.end && range.end <= len,
            "{symbol:?}"
        );
        assert!(
            range.start <= signature.start && signature.start <= signature.end && signature.end <= range.end,
            "{symbol:?}"
        );
        assert!(symbol.container.is_none_or(|container| (container as usize) < i), "{symbol:?}");
        assert!(symbol.doc.is_none_or(|doc| doc.start < doc.end && doc.end <= len), "{symbol:?}");
        assert!(symbol.arity.least <= symbol.arity.most, "{symbol:?}");
    }
    assert!(facts.symbols.is_sorted_by_key(|symbol| symbol.range.start));
    assert!(facts.references.is_sorted_by_key(|reference| reference.start));
    assert!(facts.imports.is_sorted_by_key(|import| import.start));
    assert!(facts.supertypes.is_sorted_by_key(|supertype| supertype.start));
    assert!(facts.references.iter().all(|reference| !reference.name.is_empty() && reference.start < len));
    let n_symbols = facts.symbols.len() as u32;
    assert!(facts.supertypes.iter().all(|supertype| supertype.of.is_none_or(|of| of < n_symbols)));
}
