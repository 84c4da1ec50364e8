//! From a regex to the trigram formula that every text with a match satisfies. Works on the tree that grep-regex
//! compiles, so that flags and Unicode case rules are the same.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::combine::Known;
use super::formula::Formula;
use super::strings::Strings;

/// Most distinct folded strings that a character class is expanded to.
const MAX_CLASS: usize = 16;

/// Most characters of a class that are looked at: cased variants fold together, so more than [`MAX_CLASS`].
const MAX_CLASS_CHARS: usize = 64;

/// Most copies that a counted repetition is written out to.
const MAX_COPIES: u32 = 4;

/// What a text must satisfy to have a match of `hir`.
pub(super) fn formula(hir: &Hir) -> Formula {
    known(hir).full_formula()
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exactly(Strings::empty_string()),
        HirKind::Literal(literal) => Known::exactly(Strings::new([&literal.0])),
        HirKind::Class(class) => class_known(class),
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => repetition_known(repetition),
        HirKind::Concat(parts) => {
            let empty = Known::exactly(Strings::empty_string());
            parts.iter().fold(empty, |sum, part| sum.then(&known(part)))
        }
        HirKind::Alternation(parts) => {
            let mut parts = parts.iter().map(known);
            let first = parts.next().unwrap_or_else(Known::nothing);
            parts.fold(first, |sum, part| sum.or(&part))
        }
    }
}

fn class_known(class: &Class) -> Known {
    let strings: Option<Vec<Vec<u8>>> = match class {
        Class::Unicode(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            (count <= MAX_CLASS_CHARS).then(|| {
                let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
                chars.map(|c| c.to_string().into_bytes()).collect()
            })
        }
        Class::Bytes(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            (count <= MAX_CLASS_CHARS).then(|| {
                let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
                bytes.map(|byte| vec![byte]).collect()
            })
        }
    };
    match strings.map(Strings::new) {
        Some(strings) if strings.len() == 0 => Known::nothing(),
        Some(strings) if strings.len() <= MAX_CLASS => Known::exactly(strings),
        _ => Known::anything(false),
    }
}

fn repetition_known(repetition: &Repetition) -> Known {
    let Repetition { min, max, .. } = *repetition;
    if max == Some(0) {
        return Known::exactly(Strings::empty_string());
    }
    if min == 0 && max != Some(1) {
        return Known::anything(true);
    }
    let sub = known(&repetition.sub);
    if min == 0 {
        return sub.or(&Known::exactly(Strings::empty_string()));
    }
    if max.is_none() && min == 1 {
        return sub.repeated();
    }
    let copies = (1..min.min(MAX_COPIES)).fold(sub.clone(), |sum, _| sum.then(&sub));
    if max == Some(min) && min <= MAX_COPIES {
        return copies;
    }
    copies.then(&Known::anything(true))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use regex_syntax::ParserBuilder;

    use super::super::compile::Text;
    use super::super::tree::TextPattern;
    use super::*;
    use crate::text::{self, Trigram, TrigramSet};

    fn parsed(pattern: &str) -> Hir {
        ParserBuilder::new().utf8(false).multi_line(true).build().parse(pattern).expect("the pattern is a regex")
    }

    fn grams(text: &[u8]) -> BTreeSet<Trigram> {
        text::fold(text).windows(3).map(|w| Trigram(u32::from_be_bytes([0, w[0], w[1], w[2]]))).collect()
    }

    /// Written with quotes round trigrams, `&` and `|`.
    fn shown(formula: &Formula) -> String {
        let join =
            |parts: &[Formula], with: &str| format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(with));
        match formula {
            Formula::All => "*".to_owned(),
            Formula::Nothing => "!".to_owned(),
            Formula::Gram(gram) => String::from_utf8_lossy(&gram.0.to_be_bytes()[1..]).into_owned(),
            Formula::And(parts) => join(parts, "&"),
            Formula::Or(parts) => join(parts, "|"),
        }
    }

    #[test]
    fn formulas_of_known_patterns() {
        for (pattern, formula) in [
            ("abc", "abc"),
            ("ABCD", "(abc&bcd)"),
            ("ab", "*"),
            ("(?i)kernel", "(ern&ker&nel&rne)"),
            ("(?i)sos", "sos"),
            ("abc|def", "(abc|def)"),
            ("abc|de", "*"),
            ("abc.*def", "(abc&def)"),
            ("abc.def", "(abc&def)"),
            ("ab(c|d)e", "((abc&bce)|(abd&bde))"),
            ("(abc)+", "abc"),
            ("(abc)*", "*"),
            ("(abc)?def", "def"),
            ("[a-z]+_[0-9]+", "*"),
            ("abc[a-z]{2}", "abc"),
            ("a{3}", "aaa"),
            ("^abc$", "abc"),
            ("[^a]bcd", "bcd"),
            (r"\bfoo\b", "foo"),
            ("a[x&&b]c", "!"),
        ] {
            assert_eq!(shown(&super::formula(&parsed(pattern))), formula, "{pattern}");
        }
    }

    #[test]
    fn halves_of_folded_characters_promise_nothing() {
        for (pattern, content) in [
            (r"(?-u)\x84\xAAfoo", "\u{212A}foo"),
            (r"(?-u)foo\xE2", "foo\u{212A}"),
            (r"(?-u)foo\xC5", "foo\u{17F}"),
            (r"(?-u)\xBFfoo", "\u{17F}foo"),
            (r"(?-u)fo\xE2(?:\x84)\xAAoo", "fo\u{212A}oo"),
            (r"(?-u)fo[\xC4\xC5]\xBFoo", "fo\u{17F}oo"),
        ] {
            let formula = formula(&parsed(pattern));
            assert!(formula.holds(&|gram| grams(content.as_bytes()).contains(&gram)), "{pattern}: {}", shown(&formula));
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            "[abkKsS]{1,4}",
            Just("\u{212A}".to_owned()),
            Just("\u{17F}".to_owned()),
            Just("é".to_owned()),
            Just("[ab]".to_owned()),
            Just("[^a]".to_owned()),
            Just("[k-s]".to_owned()),
            Just(".".to_owned()),
            Just(r"\w".to_owned()),
            Just(r"\b".to_owned()),
            Just("^".to_owned()),
            Just(r"(?-u:\xE2)".to_owned()),
            Just(r"(?-u:\x84)".to_owned()),
            Just(r"(?-u:\xAA)".to_owned()),
            Just(r"(?-u:[\xC4-\xC5])".to_owned()),
            Just(r"(?-u:\xBF)".to_owned()),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                3 => prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
                1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
                1 => (inner.clone(), "[*+?]|\\{[0-2](,[3-5]?)?\\}").prop_map(|(sub, times)| format!("(?:{sub}){times}")),
                1 => inner.prop_map(|sub| format!("(?i:{sub})")),
            ]
        })
    }

    /// Patterns that may match a line end.
    fn across() -> impl Strategy<Value = String> {
        prop::sample::select(vec![r"\n", r"\s", r"\s*", "[^k]", "(?s:.)", "(?s:.)*", r"a\nb", "$\\s^", r"\r?\n"])
            .prop_map(str::to_owned)
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[abkKsS]{1,4}".prop_map(String::into_bytes),
            prop::sample::select(vec!["\u{212A}", "\u{17F}", "é", " "]).prop_map(|text| text.as_bytes().to_vec()),
            prop::sample::select(vec![0xE2u8, 0x84, 0xAA, 0xC4, 0xC5, 0xBF]).prop_map(|byte| vec![byte]),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn what_matches_satisfies_the_formula(pattern in pattern(), contents in prop::collection::vec(content(), 12)) {
            let hir = parsed(&pattern);
            let formula = formula(&hir);
            let regex = regex::bytes::RegexBuilder::new(&pattern).multi_line(true).build().expect("a small regex");
            for content in contents {
                if regex.is_match(&content) {
                    let grams = grams(&content);
                    prop_assert!(formula.holds(&|gram| grams.contains(&gram)), "{} on {:?}: {}", pattern, content, shown(&formula));
                }
            }
        }

        /// As queries are compiled and documents indexed.
        #[test]
        fn what_a_query_matches_satisfies_its_formula(
            parts in prop::collection::vec(prop_oneof![3 => pattern(), 1 => across()], 1..4),
            case_insensitive: bool,
            multiline: bool,
            contents in prop::collection::vec(prop::collection::vec(content(), 1..4), 12),
        ) {
            let pattern = TextPattern { pattern: parts.concat(), case_insensitive, multiline };
            if let Ok(text) = Text::compile(&pattern) {
                for content in contents {
                    let content = content.join(&b'\n');
                    if text.pattern.finder.any(&content) {
                        let grams: BTreeSet<Trigram> = TrigramSet::default().collect(&content).iter().copied().collect();
                        prop_assert!(text.formula.holds(&|gram| grams.contains(&gram)), "{:?} on {:?}", pattern, content);
                    }
                }
            }
        }
    }
}
