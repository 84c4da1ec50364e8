//! Facts about code: what one text defines, uses, imports and extends, found by tree-sitter and our own rules.
//!
//! ```text
//! extract ─► language (rust, python, …): text ─parse─► tree ─walk─► rules ──► collector ─► Facts
//!                                               deadline  │  explicit stack     │ sorted, containers by range
//!                                                         └ scopes: what is known of local names
//! ```
//!
//! One language is one file or folder with the same skeleton: `extract(&Job) -> Facts`, a `vocabulary!` of the kinds and
//! fields of its grammar that it asks for, and `Rules` that the walk calls node by node. It knows no path and no other
//! file: a document's facts depend on its bytes and language alone. What is imported or extended is told by `imports` and
//! `supertypes` alone, and is no reference as well.
//!
//! Hostile text costs time, not the process: nothing here recurses by the nesting of a text, and parse and walk end at a
//! deadline; what was found by then is kept and marked `partial`.

mod bash;
mod c;
mod collector;
mod csharp;
mod ecmascript;
mod expression;
mod go;
mod grammar;
mod java;
mod kotlin;
mod lua;
mod markdown;
mod parse;
mod php;
mod python;
mod ruby;
mod rust;
mod scala;
mod scopes;
mod swift;
#[cfg(test)]
mod testing;
mod text;
mod walk;

use std::sync::LazyLock;
use std::time::Duration;

use kotadb_core::facts::Facts;
use kotadb_core::text::Language;

use self::parse::Job;

/// Longest text with facts, in bytes: what is longer was written by programs.
pub const MAX_BYTES: usize = 1 << 20;

/// Usual time for one text: a hundred times what one of [`MAX_BYTES`] needs, so that equal texts give equal facts.
pub const USUAL_BUDGET: Duration = Duration::from_secs(10);

/// What finds the facts of one language.
struct Extractor {
    language: &'static str,
    /// Raised by every change of its rules or grammar that changes facts: documents of older versions are built again.
    version: u32,
    run: fn(&Job<'_>) -> Facts,
}

/// One row a language.
const EXTRACTORS: &[Extractor] = &[
    Extractor { language: "rust", version: 4, run: rust::extract },
    Extractor { language: "python", version: 3, run: python::extract },
    Extractor { language: "typescript", version: 3, run: ecmascript::typescript },
    Extractor { language: "javascript", version: 3, run: ecmascript::javascript },
    Extractor { language: "go", version: 2, run: go::extract },
    Extractor { language: "java", version: 3, run: java::extract },
    Extractor { language: "c", version: 4, run: c::extract },
    Extractor { language: "c++", version: 4, run: c::extract_plus },
    Extractor { language: "c#", version: 1, run: csharp::extract },
    Extractor { language: "bash", version: 1, run: bash::extract },
    Extractor { language: "kotlin", version: 1, run: kotlin::extract },
    Extractor { language: "lua", version: 1, run: lua::extract },
    Extractor { language: "markdown", version: 1, run: markdown::extract },
    Extractor { language: "php", version: 2, run: php::extract },
    Extractor { language: "ruby", version: 1, run: ruby::extract },
    Extractor { language: "scala", version: 1, run: scala::extract },
    Extractor { language: "swift", version: 1, run: swift::extract },
];

/// Rows by the number of their language.
static BY_LANGUAGE: LazyLock<Vec<Option<&'static Extractor>>> = LazyLock::new(|| {
    Language::all().map(|language| EXTRACTORS.iter().find(|row| row.language == language.name())).collect()
});

/// The facts of a text within a time; `None`: the language has no extractor. A text longer than [`MAX_BYTES`] has no
/// facts and is `partial`.
pub fn extract(language: Language, text: &[u8], budget: Duration) -> Option<Facts> {
    let extractor = extractor(language)?;
    if text.len() > MAX_BYTES {
        return Some(Facts { partial: true, ..Facts::default() });
    }
    let mut facts = (extractor.run)(&Job::new(text, budget));
    facts.number_lines(text);
    Some(facts)
}

/// Version of the extractor of a language; `None`: it has none.
pub fn version(language: Language) -> Option<u32> {
    extractor(language).map(|extractor| extractor.version)
}

fn extractor(language: Language) -> Option<&'static Extractor> {
    BY_LANGUAGE.get(usize::from(language.0)).copied().flatten()
}

#[cfg(test)]
mod tests {
    use kotadb_core::facts;

    use super::*;

    #[test]
    fn every_row_names_a_language() {
        let found = BY_LANGUAGE.iter().flatten().count();
        assert_eq!(found, EXTRACTORS.len(), "each row is found by its language");
        assert_eq!(extract(Language::TEXT, b"def f(): pass", USUAL_BUDGET), None);
        assert_eq!(version(Language::TEXT), None);
    }

    #[test]
    fn readers_know_which_languages_have_extractors() {
        for language in Language::all() {
            let known = facts::extractor_version(language);
            assert_eq!(known, version(language), "{}: mend core/src/facts/extractors.rs", language.name());
        }
    }

    /// Deep nesting, unclosed brackets, one long line, bytes that are no text.
    #[test]
    fn hostile_texts_end() {
        let half = MAX_BYTES / 16;
        let mut bombs: Vec<Vec<u8>> =
            ["(", "[", "{", "a.", "f(", "!", "if x {", "a+", "<A>", "\"", "x=>", "def f():", "\\", "`${"]
                .iter()
                .map(|part| part.repeat(half / part.len()).into_bytes())
                .collect();
        bombs.push(b"var a=function(){return b.c(d[0],\"e\")};".repeat(half / 40));
        bombs.push((0..half).map(|i| (i.wrapping_mul(2_654_435_761) >> 7) as u8).collect());
        bombs.push([b"fn a() {".repeat(half / 16), b"}".repeat(half / 16)].concat());
        bombs.push([b"(".repeat(half), b")".repeat(half)].concat());
        for extractor in EXTRACTORS {
            for bomb in &bombs {
                let job = Job::new(bomb, Duration::from_millis(100));
                testing::check(&(extractor.run)(&job), bomb);
            }
        }
    }

    #[test]
    fn a_text_that_is_too_long_has_no_facts() {
        for extractor in EXTRACTORS {
            let language = Language::from_name(extractor.language).expect("each row names a language");
            let facts = extract(language, &b"var a=b();".repeat(800_000), USUAL_BUDGET).expect("it has an extractor");
            assert_eq!(facts, Facts { partial: true, ..Facts::default() });
        }
    }

    #[test]
    fn no_time_gives_no_facts() {
        let text = b"def f():\n    g()\n".repeat(10_000);
        let facts = extract(Language::from_name("python").unwrap(), &text, Duration::ZERO).unwrap();
        assert!(facts.partial && facts.symbols.len() < 10_000);
    }
}
