//! An SCIP index as truth. Read by hand, since of the format's many messages five fields matter:
//!
//! ```text
//! Index.documents = 2      Document { relative_path = 1, occurrences = 2, symbols = 3, position_encoding = 6 }
//! Occurrence { range = 1, symbol = 2, symbol_roles = 3 }                  SymbolInformation { symbol = 1, kind = 5 }
//! ```

use std::collections::HashMap;

use kotadb_indexer::scip::{Value, fields};

use super::{Class, Truth};
use crate::tree::{Place, Tree, Unit};

/// The role of an occurrence that defines.
const DEFINES: u64 = 1;
/// Kinds of `SymbolInformation` that a local of Rust may be of: parameter, self, type parameter, variable.
const LOCAL_KINDS: [u64; 4] = [37, 44, 58, 61];

/// Reads an index. Documents that the tree does not have are skipped.
pub fn read(bytes: &[u8], tree: &Tree, language: &str, truth: &mut Truth) -> anyhow::Result<()> {
    fields(bytes, |number, value| match number {
        2 => document(value.bytes()?, tree, language, truth),
        _ => Ok(()),
    })?;
    match language {
        "rust" => join_traits(truth),
        "typescript" => join_constructors(truth),
        _ => {}
    }
    Ok(())
}

/// One occurrence as written.
#[derive(Default)]
struct Occurrence<'a> {
    range: Vec<u64>,
    symbol: &'a str,
    roles: u64,
}

fn document(bytes: &[u8], tree: &Tree, language: &str, truth: &mut Truth) -> anyhow::Result<()> {
    let (mut path, mut occurrences, mut kinds, mut encoding) = ("", Vec::new(), HashMap::new(), 0);
    fields(bytes, |number, value| {
        match number {
            1 => path = value.text()?,
            2 => occurrences.push(occurrence(value)?),
            3 => kinds.extend(kind(value)?),
            6 => encoding = value.number()?,
            _ => {}
        }
        anyhow::Ok(())
    })?;
    let Some(file) = tree.find(path) else { return Ok(()) };
    // Unset by both programs that count as their languages do.
    let unit = if encoding == 1 { Unit::Byte } else { Unit::Utf16 };
    for occurrence in occurrences {
        take(&occurrence, file, unit, &Document { tree, language, kinds: &kinds }, truth);
    }
    Ok(())
}

/// What is known of a document as a whole.
struct Document<'a> {
    tree: &'a Tree,
    language: &'a str,
    kinds: &'a HashMap<&'a str, u64>,
}

fn take(occurrence: &Occurrence<'_>, file: u32, unit: Unit, document: &Document<'_>, truth: &mut Truth) {
    // On one line: line, start, end. What spans several is a file or a module as a whole.
    let [line, start, end] = occurrence.range[..] else { return };
    let place = document.tree.files[file as usize].offset(line as usize, start as usize, unit);
    let (Some(offset), true) = (place, start < end) else { return };
    let place = Place { file, offset };
    let is_local = occurrence.symbol.starts_with("local ");
    let symbol = if is_local { format!("{file} {}", occurrence.symbol) } else { occurrence.symbol.to_owned() };
    if occurrence.roles & DEFINES == 0 && !is_again(document, place) {
        truth.use_of(place, &symbol);
        return;
    }
    let class = match is_local {
        true => local(document, occurrence.symbol),
        false => class(occurrence.symbol, document.language),
    };
    truth.define(place, name(document, place), &symbol, class);
}

/// The name at a place: a word, or what stands in quotes.
fn name(document: &Document<'_>, place: Place) -> String {
    let text = &document.tree.file(place).text[place.offset as usize..];
    match text {
        [quote @ (b'"' | b'\''), rest @ ..] => {
            let quoted = rest.split(|byte| byte == quote).next().unwrap_or_default();
            String::from_utf8_lossy(quoted).into_owned()
        }
        _ => document.tree.word(place).to_owned(),
    }
}

/// scip-python defines a name once: overloads, setters and what is defined again are uses to it, though there is no other way to
/// read `def` and `class`.
fn is_again(document: &Document<'_>, place: Place) -> bool {
    let before = &document.tree.file(place).text[..place.offset as usize];
    document.language == "python" && (before.ends_with(b"def ") || before.ends_with(b"class "))
}

fn occurrence(value: Value<'_>) -> anyhow::Result<Occurrence<'_>> {
    let mut found = Occurrence::default();
    fields(value.bytes()?, |number, value| {
        match number {
            1 => found.range = value.numbers()?,
            2 => found.symbol = value.text()?,
            3 => found.roles = value.number()?,
            _ => {}
        }
        anyhow::Ok(())
    })?;
    Ok(found)
}

fn kind(value: Value<'_>) -> anyhow::Result<Option<(&str, u64)>> {
    let (mut symbol, mut kind) = ("", None);
    fields(value.bytes()?, |number, value| {
        match number {
            1 => symbol = value.text()?,
            5 => kind = Some(value.number()?),
            _ => {}
        }
        anyhow::Ok(())
    })?;
    Ok(kind.map(|kind| (symbol, kind)))
}

fn local(document: &Document<'_>, symbol: &str) -> Class {
    match document.kinds.get(symbol) {
        Some(kind) if document.language == "rust" && !LOCAL_KINDS.contains(kind) => {
            Class::LeftOut("item of a function's body".to_owned())
        }
        _ => Class::Local("local".to_owned()),
    }
}

/// By the sign with which the name of a symbol ends.
fn class(symbol: &str, language: &str) -> Class {
    let left_out = |reason: &str| Class::LeftOut(reason.to_owned());
    if symbol.ends_with(").") || symbol.ends_with('!') {
        return Class::Wanted;
    }
    match symbol.as_bytes().last() {
        Some(b')') => Class::Local("parameter".to_owned()),
        Some(b']') => Class::Local("type parameter".to_owned()),
        Some(b'/') => left_out("module"),
        Some(b':') if language == "python" => left_out("module"),
        Some(b':') => left_out("property of an object literal"),
        _ if is_of_nameless_type(symbol) => left_out("member of a type without a name"),
        _ => Class::Wanted,
    }
}

/// `f().typeLiteral3:x.`: a type that is written where it is used. That of an alias has the alias's name.
fn is_of_nameless_type(symbol: &str) -> bool {
    symbol
        .split_once("typeLiteral")
        .is_some_and(|(before, rest)| !before.ends_with('#') || rest.contains("typeLiteral"))
}

/// A call of a trait's method is told by the trait's symbol where the type is not known, else by the impl's: either is right.
fn join_traits(truth: &mut Truth) {
    let mut groups: HashMap<(String, String), (Vec<u32>, Vec<u32>)> = HashMap::new();
    for (number, symbol) in truth.symbols.iter().enumerate() {
        if let Some((key, of_impl)) = trait_method(&symbol.name) {
            let group = groups.entry(key).or_default();
            let side = if of_impl { &mut group.1 } else { &mut group.0 };
            side.push(number as u32);
        }
    }
    for (traits, impls) in groups.into_values() {
        for &number in &traits {
            truth.symbols[number as usize].same.extend(&impls);
        }
        for &number in &impls {
            truth.symbols[number as usize].same.extend(&traits);
        }
    }
}

/// scip-typescript tells no place of a constructor that is private or has overloads: that of its class stands for it.
fn join_constructors(truth: &mut Truth) {
    for number in 0..truth.symbols.len() {
        let symbol = &truth.symbols[number];
        let class = symbol.name.strip_suffix("`<constructor>`().").filter(|_| symbol.homes.is_empty());
        if let Some(&class) = class.and_then(|class| truth.numbers.get(class)) {
            truth.symbols[number].homes = truth.symbols[class as usize].homes.clone();
        }
    }
}

/// Trait and method of `…/impl#[Type][Trait]method().` (an impl's) and of `…/Trait#method().`.
fn trait_method(symbol: &str) -> Option<((String, String), bool)> {
    let rest = symbol.strip_suffix("().")?;
    let at = rest.rfind([']', '#', '/'])?;
    let (owner, method) = (&rest[..=at], &rest[at + 1..]);
    if let Some(trait_) = owner.strip_suffix(']') {
        let signs = &owner[owner.rfind("impl#")?..];
        // One bracket: the type alone.
        let name = trait_.rsplit_once("][")?.1;
        return signs.contains("][").then(|| ((plain(name), method.to_owned()), true));
    }
    let trait_ = owner.strip_suffix('#')?;
    let name = trait_.rsplit(['/', '#', ' ']).next()?;
    Some(((plain(name), method.to_owned()), false))
}

/// The last word of a type without its arguments: `From` of `` `std::From<T>` ``.
fn plain(name: &str) -> String {
    let name = name.trim_matches('`');
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name).to_owned()
}

#[cfg(test)]
#[path = "scip_tests.rs"]
mod tests;
