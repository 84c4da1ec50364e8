//! Facts of any text come back as they were, and other bytes are errors.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::outline::{OutlinedImport, OutlinedSymbol, TextId};
use super::super::*;
use super::*;

fn string() -> impl Strategy<Value = Box<str>> {
    "[a-cä]{1,3}|this\\.[a-c]|<Vec<a>>|".prop_map(Into::into)
}

/// A span of a text of that length, often that of a word.
fn span(text: &'static str) -> impl Strategy<Value = Span> {
    let words: Vec<_> = crate::text::words(text.as_bytes()).collect();
    let word = prop::sample::select(words).prop_map(|word| Span { start: word.start as u32, end: word.end as u32 });
    let any = (0..=text.len() as u32, 0..=text.len() as u32).prop_map(|(a, b)| Span { start: a.min(b), end: a.max(b) });
    prop_oneof![3 => word, 1 => any]
}

/// The name at a span, or another one.
fn named(text: &'static str) -> impl Strategy<Value = (Box<str>, Span)> {
    (span(text), prop::option::weighted(0.2, string())).prop_map(|(span, other)| {
        let there = text.get(span.start as usize..span.end as usize).map(Into::into);
        (other.or(there).unwrap_or_default(), span)
    })
}

fn symbol(text: &'static str) -> impl Strategy<Value = Symbol> {
    let strings = [prop::option::of(string()), prop::option::of(string()), prop::option::of(string())];
    let spans = (span(text), span(text), prop::option::of(span(text)));
    let numbers = (0..SymbolKind::ALL.len(), any::<u16>(), any::<[u8; 2]>(), any::<bool>());
    (named(text), strings, spans, numbers).prop_map(|((name, name_span), strings, (range, other, doc), numbers)| {
        let [qualifier, interface, of_type] = strings;
        let (kind, flags, [least, most], is_all) = numbers;
        let signature = if is_all { range } else { other };
        let (flags, arity) = (Flags(flags), Arity { least, most });
        let symbol = Symbol::new(SymbolKind::ALL[kind]);
        Symbol { name, flags, qualifier, interface, name_span, range, signature, doc, arity, of_type, ..symbol }
    })
}

fn reference(text: &'static str) -> impl Strategy<Value = Reference> {
    let rest = (0..Role::ALL.len(), prop::option::of(string()), prop_oneof![0..4u8, Just(UNKNOWN_ARITY)]);
    (named(text), rest).prop_map(|((name, span), (role, receiver, n_arguments))| Reference {
        name,
        start: span.start,
        role: Role::ALL[role],
        receiver,
        n_arguments,
    })
}

fn import(text: &'static str) -> impl Strategy<Value = Import> {
    let strings = (string(), prop::option::of(string()), prop::option::of(string()));
    (strings, any::<bool>(), span(text)).prop_map(|((module, name, alias), reexported, span)| Import {
        module,
        name,
        alias,
        reexported,
        start: span.start,
    })
}

/// Facts whose containers and subtypes are given as parts of what there is.
fn facts(text: &'static str) -> impl Strategy<Value = Facts> {
    let containers = vec(prop::option::of(any::<prop::sample::Index>()), 0..20);
    let supertypes = vec((string(), string(), 0..3usize, span(text), any::<prop::sample::Index>()), 0..3);
    let lists = (vec(reference(text), 0..40), vec(import(text), 0..4), supertypes);
    let symbols = (vec(symbol(text), 0..20), containers);
    (symbols, lists, prop::option::of(string()), any::<bool>()).prop_map(
        |((mut symbols, containers), (references, imports, supertypes), package, partial)| {
            for (number, (symbol, container)) in symbols.iter_mut().zip(containers).enumerate().skip(1) {
                symbol.container = container.map(|container| container.index(number) as u32);
            }
            let of = |index: prop::sample::Index| (!symbols.is_empty()).then(|| index.index(symbols.len()) as u32);
            let supertypes = supertypes.into_iter().map(|(name, supertype, relation, span, index)| Supertype {
                of: of(index),
                name,
                supertype,
                relation: Relation::ALL[relation],
                start: span.start,
            });
            let supertypes = supertypes.collect();
            let mut facts = Facts { package, supertypes, symbols, references, imports, partial };
            facts.number_lines(text.as_bytes());
            facts
        },
    )
}

const TEXT: &str = "impl Pool { fn größe(&self) -> u32 { self.pool.acquire(1x, a_b)?; $c } } // 7 words\n";

proptest! {
    #[test]
    fn what_is_written_is_read(facts in facts(TEXT)) {
        let bytes = facts.encode(TEXT.as_bytes()).unwrap();
        prop_assert_eq!(Facts::decode(&bytes, TEXT.as_bytes()).unwrap(), facts);
    }

    #[test]
    fn an_outline_says_the_same_without_the_text(facts in facts(TEXT)) {
        let bytes = facts.encode(TEXT.as_bytes()).unwrap();
        let (found, whole) = (Facts::outline(&bytes).unwrap(), facts.outlined(false));
        for (one, symbol) in found.symbols.iter().zip(&facts.symbols) {
            match one.name {
                Some(name) => prop_assert_eq!(found.texts.get(name), &*symbol.name),
                None => prop_assert!(TEXT.contains(&*symbol.name)),
            }
        }
        for receiver in facts.references.iter().filter_map(|one| one.receiver.as_deref()) {
            prop_assert!(found.texts.each().any(|text| text == receiver), "{receiver}");
        }
        prop_assert_eq!(told(&found), told(&whole));
    }

    #[test]
    fn outlines_of_other_bytes_never_panic(facts in facts(TEXT), at: prop::sample::Index, byte: u8) {
        let mut bytes = facts.encode(TEXT.as_bytes()).unwrap();
        let at = at.index(bytes.len());
        prop_assert!(Facts::outline(&bytes[..at]).is_err());
        bytes[at] = byte;
        if let Ok(read) = Facts::outline(&bytes) {
            let is_there = |text: TextId| (text.0 as usize) < read.texts.len();
            prop_assert!(read.symbols.iter().filter_map(|one| one.of_type).all(is_there));
            let containers = read.symbols.iter().map(|one| one.container);
            prop_assert_eq!(check_numbers(containers, read.supertypes.iter().map(|one| one.of)), Ok(()));
        }
    }

    #[test]
    fn other_bytes_and_other_texts_never_panic(facts in facts(TEXT), at: prop::sample::Index, byte: u8, text in vec(any::<u8>(), 0..90)) {
        let mut bytes = facts.encode(TEXT.as_bytes()).unwrap();
        let _ = Facts::decode(&bytes, &text);
        let at = at.index(bytes.len());
        prop_assert!(Facts::decode(&bytes[..at], TEXT.as_bytes()).is_err());
        bytes[at] = byte;
        if let Ok(read) = Facts::decode(&bytes, TEXT.as_bytes()) {
            prop_assert_eq!(read.check(TEXT.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Facts::decode(&[&[VERSION, 0], &bytes[..]].concat(), TEXT.as_bytes());
    }
}

/// An outline with its texts instead of their numbers, names of symbols and what is round imports apart.
fn told(outline: &Outline) -> String {
    let text = |text: TextId| outline.texts.get(text).to_owned();
    let some = |one: Option<TextId>| one.map(text);
    let symbols = outline.symbols.iter().map(|one| {
        let OutlinedSymbol { kind, flags, arity, container, qualifier, interface, of_type, name: _ } = *one;
        (kind, flags, arity, container, some(qualifier), some(interface), some(of_type))
    });
    let imports = outline.imports.iter().map(|one| {
        let OutlinedImport { module, name, alias, reexported, container: _ } = *one;
        (text(module), some(name), some(alias), reexported)
    });
    let supertypes = outline.supertypes.iter().map(|one| (one.of, text(one.name), text(one.supertype)));
    let (symbols, imports): (Vec<_>, Vec<_>) = (symbols.collect(), imports.collect());
    format!("{:?} {symbols:?} {imports:?} {:?}", some(outline.package), supertypes.collect::<Vec<_>>())
}

fn call(name: &str, start: u32) -> Reference {
    Reference { name: name.into(), start, role: Role::Call, receiver: None, n_arguments: 0 }
}

#[test]
fn a_name_of_the_text_takes_two_bytes() {
    let text = "acquire_something_with_a_long_name() ".repeat(100);
    let references = (0..100).map(|n| Reference { n_arguments: UNKNOWN_ARITY, ..call(&text[..34], n * 37) }).collect();
    let bytes = Facts { references, ..Facts::default() }.encode(text.as_bytes()).unwrap();
    assert!(bytes.len() < 230, "{} bytes", bytes.len());
}

#[test]
fn what_cannot_be_true_of_the_text_is_refused() {
    let beyond = Facts { references: vec![call("a", 2)], ..Facts::default() };
    assert_eq!(beyond.encode(b"a"), Err(FactsError::Corrupt("a name beyond the text")));
    let mut inner = Symbol::new(SymbolKind::Function);
    inner.container = Some(0);
    let circle = Facts { symbols: vec![inner], ..Facts::default() };
    assert_eq!(circle.encode(b""), Err(FactsError::Corrupt("a symbol before its container")));
}

#[test]
fn few_bytes_do_not_become_many() {
    let word = "w".repeat(200_000);
    let references = vec![call(&word, 0); 99];
    let mut bytes = Facts { references, ..Facts::default() }.encode(word.as_bytes()).unwrap();
    assert!(Facts::decode(&bytes, word.as_bytes()).is_ok());
    let more = Facts { references: vec![call(&word, 0); 101], ..Facts::default() };
    assert_eq!(more.encode(word.as_bytes()), Err(FactsError::Corrupt("more strings than text")));
    // The same in bytes: as many references of the one word as the column of places has room for.
    let first = bytes.iter().position(|&byte| byte == 99).unwrap();
    bytes[first] = 0x7F;
    assert!(Facts::decode(&bytes, word.as_bytes()).is_err());
}

#[test]
fn a_later_version_is_refused_by_name() {
    let mut bytes = Facts::default().encode(b"").unwrap();
    bytes[0] = VERSION + 1;
    assert_eq!(Facts::decode(&bytes, b""), Err(FactsError::TooNew(VERSION + 1)));
}
