//! Small repositories for tests: files in one text, resolved by the real extractors, shown as lines.

use std::collections::HashMap;
use std::fmt::Write;

use kotadb_core::facts::{Facts, Role};
use kotadb_core::graph::{External, Target};
use kotadb_core::text::Language;

use super::{Change, Resolved, Source, SourceFile, resolve, resolve_changed, sketch};
use crate::error::IndexError;
use crate::extract;

/// Files of a repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    pub files: Vec<SourceFile>,
    pub texts: Vec<String>,
    /// Whether the texts of code spell out their facts.
    is_sketched: bool,
}

impl Source for Repository {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        let text = self.texts[file as usize].as_bytes();
        if self.is_sketched {
            return Ok(Some(sketch::facts(&self.texts[file as usize])));
        }
        Ok(extract::extract(self.files[file as usize].language, text, extract::USUAL_BUDGET))
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        Ok(self.texts[file as usize].clone().into_bytes())
    }
}

impl Repository {
    /// From a text in which a line `== PATH` begins each file.
    pub fn new(text: &str) -> Self {
        let mut parts: Vec<(&str, &str)> = text
            .split("== ")
            .skip(1)
            .filter_map(|part| part.split_once('\n'))
            .map(|(path, text)| (path.trim(), text))
            .collect();
        parts.sort_unstable();
        let mut all = Self::default();
        for (path, text) in parts {
            let language = Language::detect(path.as_bytes(), text.as_bytes());
            all.files.push(SourceFile { path: path.into(), language });
            all.texts.push(text.to_owned());
        }
        all
    }

    /// The same where files spell out their facts.
    pub fn sketched(text: &str) -> Self {
        Self { is_sketched: true, ..Self::new(text) }
    }

    /// Resolved files and what is outside.
    pub fn resolved(&self, threads: usize) -> (Vec<Resolved>, Vec<External>) {
        let mut all = Vec::new();
        let externals = resolve(&self.files, self, threads, &mut |one| {
            all.push(one);
            Ok(())
        });
        (all, externals.expect("texts of a test can be read"))
    }

    /// What each file leads to, by its path.
    pub fn lines_by_path(&self) -> HashMap<String, String> {
        let (all, externals) = self.resolved(2);
        all.iter()
            .map(|one| (self.files[one.file as usize].path.to_string(), self.lines(one, &externals, &|_| true)))
            .collect()
    }

    /// The same of the files that changes touch.
    pub fn changed_lines_by_path(&self, changes: &[Change]) -> HashMap<String, String> {
        let mut all = Vec::new();
        let externals = resolve_changed(&self.files, self, 2, changes, &mut |one| {
            all.push(one);
            Ok(())
        });
        let externals = externals.expect("texts of a test can be read");
        all.iter()
            .map(|one| (self.files[one.file as usize].path.to_string(), self.lines(one, &externals, &|_| true)))
            .collect()
    }

    /// One line an edge: `a.py:3 call acquire in run -> db.py#Pool.acquire own 97`.
    pub fn edges(&self, is_shown: impl Fn(Role) -> bool) -> String {
        let (all, externals) = self.resolved(2);
        all.iter().map(|one| self.lines(one, &externals, &is_shown)).collect()
    }

    fn lines(&self, one: &Resolved, externals: &[External], is_shown: &dyn Fn(Role) -> bool) -> String {
        let mut out = String::new();
        for edge in one.edges.edges.iter().filter(|edge| is_shown(edge.role)) {
            let target = match edge.target {
                Target::Symbol { file, symbol } => self.symbol(file, symbol as usize),
                Target::File(file) => self.files[file as usize].path.to_string(),
                Target::External(external) => {
                    let External { package, name } = &externals[external as usize];
                    format!("external:{package} {name}")
                }
            };
            let source = edge.source.map(|source| format!(" in {}", one.facts.qualified(source as usize).join(".")));
            let (place, role) = (self.place(one.file, edge.site), edge.role.name());
            let (source, tier) = (source.unwrap_or_default(), edge.tier.name());
            let _ = writeln!(out, "{place} {role}{source} -> {target} {tier} {}", edge.confidence.0);
        }
        for lost in one.edges.unresolved.iter().filter(|lost| is_shown(lost.role)) {
            let _ = writeln!(out, "{} {} -> nothing", self.place(one.file, lost.site), lost.role.name());
        }
        out
    }

    /// Calls alone.
    pub fn calls(&self) -> String {
        self.edges(Role::is_call)
    }

    fn symbol(&self, file: u32, symbol: usize) -> String {
        let facts = self.facts(file).expect("facts can be read").expect("the file has facts");
        format!("{}#{}", self.files[file as usize].path, facts.qualified(symbol).join("."))
    }

    /// `path:line word`.
    fn place(&self, file: u32, site: u32) -> String {
        let text = &self.texts[file as usize];
        let line = text[..site as usize].matches('\n').count() + 1;
        let rest = &text[site as usize..];
        let end = rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len());
        format!("{}:{line} {}", self.files[file as usize].path, &rest[..end])
    }
}

/// Compares lines, but for blanks round them and empty ones.
#[track_caller]
pub fn assert_lines(found: &str, expected: &str) {
    let lines = |text: &str| text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    assert!(lines(found) == lines(expected), "found:\n{found}\nexpected:\n{expected}");
}
