//! Are the definitions right? By file, line and name, since programs differ on where a name begins (`#code`, `~Pool`).

use std::collections::{BTreeMap, HashMap, HashSet};

use kotadb_core::facts::{Facts, SymbolKind};

use crate::findings::{Finding, Findings};
use crate::ours::Ours;
use crate::rows::Row;
use crate::shortcomings;
use crate::tree::{Place, Tree};
use crate::truth::{Class, Truth};

/// A definition as it is compared.
pub type Key = (u32, usize, String);

/// Rows of the definitions of a repository; what is wrong goes to the findings.
pub fn measure(tree: &Tree, truth: &Truth, ours: &Ours, findings: &mut Findings) -> Vec<Row> {
    let known = Known::of(tree, truth);
    let mut found = HashSet::new();
    let mut counts = Counts::default();
    for &file in truth.files.iter().filter(|&&file| ours.knows(file)) {
        let Some(facts) = &ours.facts[file as usize] else { continue };
        for (number, symbol) in facts.symbols.iter().enumerate() {
            let place = Place { file, offset: symbol.name_span.start };
            let key = key(tree, place, &symbol.name);
            match known.classes.get(&key) {
                Some(Class::Wanted) => {
                    counts.right += usize::from(found.insert(key));
                }
                Some(Class::LeftOut(reason)) => *counts.ours_left_out.entry(reason.clone()).or_default() += 1,
                _ if symbol.kind == SymbolKind::Module => {
                    *counts.ours_left_out.entry("module".into()).or_default() += 1
                }
                // The truth calls a function inside a function local; it has a name that callers use all the same.
                Some(Class::Local(_)) if symbol.kind.is_callable() || symbol.kind.is_type() => {
                    *counts.ours_left_out.entry("item of a function's body".into()).or_default() += 1;
                }
                class if let Some(reason) = shortcomings::of(tree, truth, place, symbol, class) => {
                    *counts.ours_left_out.entry(reason.into()).or_default() += 1;
                }
                None if is_silent(truth, facts, file, number) => counts.silent += 1,
                class => {
                    counts.wrong += 1;
                    let why = match class {
                        Some(Class::Local(reason)) => format!("{} that is a {reason}", symbol.kind.name()),
                        _ => format!("{} that the truth does not know", symbol.kind.name()),
                    };
                    findings.add("definitions that are none", Finding::new(tree, place, &symbol.name, why));
                }
            }
        }
    }
    let mut missed = 0;
    for (key, place) in known.wanted.iter().filter(|(key, _)| ours.knows(key.0) && !found.contains(*key)) {
        missed += 1;
        let symbol = &truth.symbols[truth.definitions[place].symbol as usize].name;
        let finding = Finding::new(tree, *place, &key.2, sign(symbol)).with(symbol.clone());
        findings.add("definitions that are missed", finding);
    }
    counts.rows(missed, &known)
}

/// The end of a symbol's name tells what the truth takes it for.
fn sign(symbol: &str) -> String {
    let suffix: String =
        symbol.chars().rev().take_while(|letter| !letter.is_alphanumeric() && *letter != '_').collect();
    format!("of the kind `{}`", suffix.chars().rev().collect::<String>())
}

/// How a definition is compared.
pub fn key(tree: &Tree, place: Place, name: &str) -> Key {
    (place.file, tree.line(place), name.trim_start_matches(['#', '~']).to_owned())
}

/// Definitions of the truth, by key.
pub struct Known {
    /// All of them.
    pub classes: HashMap<Key, Class>,
    /// Those that are wanted.
    pub wanted: BTreeMap<Key, Place>,
    left_out: BTreeMap<String, usize>,
}

impl Known {
    /// Those of a truth.
    pub fn of(tree: &Tree, truth: &Truth) -> Self {
        let mut known = Self { classes: HashMap::new(), wanted: BTreeMap::new(), left_out: BTreeMap::new() };
        for (&place, definition) in &truth.definitions {
            let key = key(tree, place, &definition.name);
            match &definition.class {
                Class::Wanted => {
                    known.wanted.insert(key.clone(), place);
                }
                Class::LeftOut(reason) | Class::Local(reason) => {
                    *known.left_out.entry(reason.clone()).or_default() += 1;
                }
            }
            // On a line that has a symbol and a local of one name the symbol counts.
            let class = known.classes.entry(key).or_insert_with(|| definition.class.clone());
            if definition.class == Class::Wanted {
                *class = Class::Wanted;
            }
        }
        known
    }
}

/// Whether the truth knows nothing at all of the outermost symbol round one: code for another system, an unused feature.
fn is_silent(truth: &Truth, facts: &Facts, file: u32, number: usize) -> bool {
    let mut outermost = number;
    while let Some(container) = facts.symbols[outermost].container {
        outermost = container as usize;
    }
    let range = facts.symbols[outermost].range;
    let [from, to] = [range.start, range.end].map(|offset| Place { file, offset });
    truth.uses.range(from..to).next().is_none() && truth.definitions.range(from..to).next().is_none()
}

#[derive(Default)]
struct Counts {
    right: usize,
    wrong: usize,
    silent: usize,
    ours_left_out: BTreeMap<String, usize>,
}

impl Counts {
    fn rows(&self, missed: usize, known: &Known) -> Vec<Row> {
        let mut rows = Vec::new();
        rows.extend(Row::share("definitions: precision", self.right, self.right + self.wrong));
        rows.extend(Row::share("definitions: recall", self.right, self.right + missed));
        let left_out = |side: &'static str, counts: &BTreeMap<String, usize>| {
            let row = |(reason, &count): (&String, &usize)| Row::count(format!("left out of {side}: {reason}"), count);
            counts.iter().map(row).collect::<Vec<_>>()
        };
        rows.extend(left_out("the truth's definitions", &known.left_out));
        rows.extend(left_out("our definitions", &self.ours_left_out));
        rows.extend(
            (self.silent > 0)
                .then(|| Row::count("left out of our definitions: the truth is silent there", self.silent)),
        );
        rows
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::facts::{Span, Symbol};

    use super::*;
    use crate::tree::File;

    const TEXT: &str = "fn f(a: u8) {}\nstruct S;\n#[cfg(windows)] fn g() {}\nfn h() {}\n";

    fn symbol(name: &str, kind: SymbolKind) -> Symbol {
        let start = TEXT.find(name).unwrap() as u32;
        let line = TEXT[..start as usize].rfind('\n').map_or(0, |at| at + 1) as u32;
        let end = line + TEXT[line as usize..].find('\n').unwrap() as u32;
        let name_span = Span { start, end: start + name.len() as u32 };
        Symbol { name: name.into(), name_span, range: Span { start: line, end }, ..Symbol::new(kind) }
    }

    #[test]
    fn right_wrong_missed_and_silent_are_told_apart() {
        let tree = Tree::new(vec![File::new("a.rs".into(), TEXT.as_bytes().to_vec())]);
        let lines = format!(
            "def\tf\ta.rs\t3\tf\t\ndef\ta\ta.rs\t{}\ta\tparameter\ndef\tS\ta.rs\t{}\tS\t\nuse\t-\ta.rs\t{}\t\n",
            TEXT.find("a: u8").unwrap(),
            TEXT.find("S;").unwrap(),
            TEXT.find("h() {}").unwrap()
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("t"), lines).unwrap();
        let truth = Truth::read(&folder.path().join("t"), &tree, "c").unwrap();
        let mut parameter = symbol("a: u8", SymbolKind::Variable);
        parameter.name = "a".into();
        let [f, g, h] = ["f", "g() {}", "h() {}"].map(|part| symbol(part, SymbolKind::Function));
        let symbols = vec![f, parameter, g, Symbol { name: "h".into(), ..h }];
        let ours = Ours::new(vec![Some(Facts { symbols, ..Facts::default() })], None);
        let mut findings = Findings::default();
        let rows = measure(&tree, &truth, &ours, &mut findings);
        let value = |metric: &str| rows.iter().find(|row| row.metric == metric).map(|row| row.value);
        assert_eq!(value("definitions: precision"), Some(0.5), "the parameter is none");
        assert_eq!(value("definitions: recall"), Some(0.5), "the struct is missed");
        assert_eq!(value("left out of the truth's definitions: parameter"), Some(1.0));
        assert_eq!(value("left out of our definitions: the truth is silent there"), Some(1.0));
        let homeless = "left out of our definitions: the truth has no definition of what it means";
        assert_eq!(value(homeless), Some(1.0));
        assert_eq!(findings.of("definitions that are missed")[0].name, "S");
    }
}
