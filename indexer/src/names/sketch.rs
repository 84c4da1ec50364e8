//! Facts written by hand, for tests of languages whose extractor is others' business: a line each, containers by indent.
//!
//! ```text
//! package a.b
//! import MODULE [NAME] [as ALIAS] [pub]
//! KIND NAME[/LEAST-MOST] [of QUALIFIER] [for INTERFACE] [: TYPE] [!FLAG]
//! ROLE [RECEIVER |] NAME[/ARGUMENTS]
//! above NAME RELATION TYPE
//! ```

use kotadb_core::facts::{
    Arity, Facts, Flags, Import, Reference, Relation, Role, Span, Supertype, Symbol, SymbolKind, UNKNOWN_ARITY,
};

/// The facts that a text spells out.
pub fn facts(text: &str) -> Facts {
    let mut facts = Facts::default();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if !line.trim().is_empty() {
            while open.pop_if(|(at, _)| *at >= indent).is_some() {}
            for (_, symbol) in &open {
                facts.symbols[*symbol].range.end = (start + line.len()) as u32;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            if let Some(symbol) = add(&mut facts, &words, line, start, open.last().map(|(_, symbol)| *symbol as u32)) {
                open.push((indent, symbol));
            }
        }
        start += line.len();
    }
    facts
}

fn add(facts: &mut Facts, words: &[&str], line: &str, start: usize, container: Option<u32>) -> Option<usize> {
    let after = |word: &str| {
        words.iter().position(|one| *one == word).and_then(|at| words.get(at + 1)).map(|text| (*text).into())
    };
    let at = |word: &str| (start + line.find(word).unwrap_or(0)) as u32;
    let (name, numbers) = words.last().filter(|_| words.len() > 1).map_or(("", None), |last| parts(last));
    match words[0] {
        "package" => facts.package = Some(words[1].into()),
        "import" => {
            let name = words.get(2).filter(|word| !matches!(**word, "as" | "pub")).map(|word| (*word).into());
            let reexported = words.contains(&"pub");
            facts.imports.push(Import {
                module: words[1].into(),
                name,
                alias: after("as"),
                reexported,
                start: start as u32,
            });
        }
        "above" => {
            let of = facts.symbols.iter().position(|symbol| &*symbol.name == words[1]).map(|of| of as u32);
            let relation = match words[2] {
                "extends" => Relation::Extends,
                "implements" => Relation::Implements,
                _ => Relation::Embeds,
            };
            let (name, supertype) = (words[1].into(), words[3].into());
            facts.supertypes.push(Supertype { of, name, supertype, relation, start: at(words[3]) });
        }
        word => {
            if let Some(role) = Role::ALL.into_iter().find(|role| role.name() == word) {
                let receiver = (words.get(2) == Some(&"|")).then(|| words[1].into());
                let n_arguments = numbers.and_then(|text| text.parse().ok()).unwrap_or(UNKNOWN_ARITY);
                let start = start as u32 + (line.trim_end().len() - words[words.len() - 1].len()) as u32;
                facts.references.push(Reference { name: name.into(), start, role, receiver, n_arguments });
                return None;
            }
            let kind = SymbolKind::ALL.into_iter().find(|kind| kind.name() == word).expect("a kind, role or keyword");
            let (name, numbers) = parts(words[1]);
            let range = Span { start: start as u32, end: (start + line.len()) as u32 };
            let name_span = Span { start: at(words[1]), end: at(words[1]) + name.len() as u32 };
            let mut symbol = Symbol { name: name.into(), container, range, name_span, ..Symbol::new(kind) };
            (symbol.qualifier, symbol.interface, symbol.of_type) = (after("of"), after("for"), after(":"));
            if let Some((least, most)) = numbers.and_then(|text| text.split_once('-')) {
                symbol.arity = Arity { least: least.parse().expect("a number"), most: most.parse().unwrap_or(u8::MAX) };
            }
            let flags =
                [("!exported", Flags::EXPORTED), ("!declaration", Flags::DECLARATION), ("!static", Flags::STATIC)];
            let set = flags.into_iter().filter(|(word, _)| words.contains(word));
            symbol.flags = set.fold(Flags::default(), |flags, (_, flag)| flags.with(flag));
            facts.symbols.push(symbol);
            return Some(facts.symbols.len() - 1);
        }
    }
    None
}

fn parts(word: &str) -> (&str, Option<&str>) {
    word.split_once('/').map_or((word, None), |(name, numbers)| (name, Some(numbers)))
}
