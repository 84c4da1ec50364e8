//! Which language a file is in, from its path and first line. The facts are in `language_table`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language_table::{Facts, LANGUAGES};

/// A language, by its stable number (recorded in segments and snapshots; numbers are never reused).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(pub u16);

impl Language {
    /// Plain text, or nothing that we recognise.
    pub const TEXT: Self = Self(0);

    /// From the path (name, extension) and, failing that, the first line (`#!`). Names and extensions match in any case.
    pub fn detect(path: &[u8], content: &[u8]) -> Self {
        let by_content = || INTERPRETERS.find(interpreter(content)?);
        Self::of_path(path).or_else(by_content).unwrap_or(Self::TEXT)
    }

    /// From the path alone; `None`: the first line decides.
    pub fn of_path(path: &[u8]) -> Option<Self> {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path).to_ascii_lowercase();
        let extension = name.iter().rposition(|&byte| byte == b'.').map(|dot| &name[dot + 1..]);
        let stem = name.split(|&byte| byte == b'.').next().filter(|stem| stem.len() < name.len());
        FILE_NAMES.find(&name).or_else(|| EXTENSIONS.find(extension?)).or_else(|| FILE_NAMES.find(stem?))
    }

    /// The name as users write it after `lang:`, lower case: `rust`, `c++`, `typescript`. A number that a newer
    /// program gave out is `text` to this one.
    pub fn name(self) -> &'static str {
        LANGUAGES.get(usize::from(self.0)).unwrap_or(&LANGUAGES[0]).name
    }

    /// By name or alias (`rs`, `cpp`, `ts`), any case.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.find(name.to_ascii_lowercase().as_bytes())
    }

    /// Every language this program knows, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANGUAGES.len() as u16).map(Self)
    }
}

static NAMES: LazyLock<Lookup> =
    LazyLock::new(|| Lookup::new(|facts| std::iter::once(&facts.name).chain(facts.aliases)));
static FILE_NAMES: LazyLock<Lookup> = LazyLock::new(|| Lookup::new(|facts| facts.file_names.iter()));
static EXTENSIONS: LazyLock<Lookup> = LazyLock::new(|| Lookup::new(|facts| facts.extensions.iter()));
static INTERPRETERS: LazyLock<Lookup> = LazyLock::new(|| Lookup::new(|facts| facts.interpreters.iter()));

/// One column of the table, by value.
struct Lookup(HashMap<&'static [u8], Language>);

impl Lookup {
    fn new<I: Iterator<Item = &'static &'static str>>(column: impl Fn(&'static Facts) -> I) -> Self {
        let rows = Language::all().zip(LANGUAGES);
        Self(rows.flat_map(|(language, facts)| column(facts).map(move |key| (key.as_bytes(), language))).collect())
    }

    fn find(&self, key: &[u8]) -> Option<Language> {
        self.0.get(key).copied()
    }
}

/// The program that a `#!` line names, without folder, `env` and its options, and version: `python` for
/// `#!/usr/bin/env -S python3.12 -u`.
fn interpreter(content: &[u8]) -> Option<&[u8]> {
    let line = content.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
    let line = &line[..line.len().min(256)];
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).map(base_name);
    let first = words.next()?;
    let program =
        if first == b"env" { words.find(|word| !word.starts_with(b"-") && !word.contains(&b'='))? } else { first };
    let version = program.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    Some(&program[..program.len() - version])
}

fn base_name(word: &[u8]) -> &[u8] {
    word.rsplit(|&byte| byte == b'/').next().unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn detect(path: &str, content: &str) -> &'static str {
        Language::detect(path.as_bytes(), content.as_bytes()).name()
    }

    #[test]
    fn detects_by_name_then_extension_then_stem_then_first_line() {
        let by_path = [
            ("a/b.RS", "rust"),
            ("x.h", "c"),
            ("kernel/Makefile", "make"),
            ("docker/Dockerfile.production", "dockerfile"),
            ("Makefile.rs", "rust"),
            ("CMakeLists.txt", "cmake"),
            ("arch/boot/head.S", "assembly"),
            ("a.dtsi", "devicetree"),
            ("a.d.ts", "typescript"),
            ("README", "text"),
            ("", "text"),
            (".gitignore", "text"),
        ];
        for (path, language) in by_path {
            assert_eq!(detect(path, ""), language, "{path}");
        }
        let by_line = [
            ("#!/bin/sh\n", "bash"),
            ("#!/usr/bin/env -S FOO=1 python3.12 -u\nx", "python"),
            ("#! /usr/bin/perl -w", "perl"),
            ("#!/usr/bin/env node", "javascript"),
            ("#!", "text"),
            ("# !/bin/sh", "text"),
        ];
        for (content, language) in by_line {
            assert_eq!(detect("tool", content), language, "{content:?}");
        }
        assert_eq!(detect("tool.rs", "#!/bin/sh"), "rust", "a path outranks the first line");
    }

    #[test]
    fn names_and_aliases_find_their_language() {
        for (name, language) in [("C++", "c++"), ("cpp", "c++"), ("rs", "rust"), ("ts", "typescript"), ("Text", "text")]
        {
            assert_eq!(Language::from_name(name).map(Language::name), Some(language), "{name}");
        }
        assert_eq!(Language::from_name("no such language"), None);
        assert_eq!(Language(u16::MAX).name(), "text");
        assert!(Language::all().all(|language| Language::from_name(language.name()) == Some(language)));
    }

    #[test]
    fn no_key_of_the_table_is_claimed_twice_or_unreachable() {
        type Column = fn(&'static Facts) -> Vec<&'static str>;
        let columns: [Column; 4] = [
            |facts| std::iter::once(facts.name).chain(facts.aliases.iter().copied()).collect(),
            |facts| facts.file_names.to_vec(),
            |facts| facts.extensions.to_vec(),
            |facts| facts.interpreters.to_vec(),
        ];
        for column in columns {
            let mut seen = HashSet::new();
            for key in LANGUAGES.iter().flat_map(column) {
                assert!(seen.insert(key), "`{key}` is listed twice");
                assert_eq!(key, key.to_ascii_lowercase(), "keys are compared in lower case");
            }
        }
    }
}
