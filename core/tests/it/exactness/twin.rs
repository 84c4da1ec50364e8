//! The plain scan that every answer must equal: slow, obvious, and sharing no code with the engine but the `regex` crate.

use kotadb_core::text::{self, Language};
use regex::bytes::{Regex, RegexBuilder};

use super::index::{File, Repository};

/// A line as an answer names it: repository, ref, path, line, column, start and end of the first match.
pub type Found = (String, String, Vec<u8>, u64, u64, u64, u64);

/// A query in the twin's own shape.
#[derive(Clone, Debug)]
pub enum Tree {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Text(String),
    Path(&'static str),
    Lang(&'static str),
    Repo(&'static str),
    Ref(&'static str),
}

pub struct At<'a> {
    pub repository: &'a str,
    pub ref_name: &'a str,
    pub file: &'a File,
}

pub fn regex(pattern: &str, case_insensitive: bool) -> Option<Regex> {
    RegexBuilder::new(pattern).case_insensitive(case_insensitive).multi_line(true).build().ok()
}

/// The lines of a file, each with its number and offset.
pub fn lines(content: &[u8]) -> Vec<(u64, usize, &[u8])> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < content.len() {
        let len = content[start..].iter().position(|byte| *byte == b'\n').unwrap_or(content.len() - start);
        lines.push((lines.len() as u64 + 1, start, &content[start..start + len]));
        start += len + 1;
    }
    lines
}

/// 1-based column of a byte: characters before it, where a byte that begins none is one.
pub fn column(line: &[u8], byte: usize) -> u64 {
    let (mut at, mut column) = (0, 1);
    while at < byte {
        let len =
            (1..=4).find(|len| line[..byte].get(at..at + len).is_some_and(|part| std::str::from_utf8(part).is_ok()));
        at += len.unwrap_or(1);
        column += 1;
    }
    column
}

/// What any of `regexes` matches in one file.
pub fn scan(at: &At<'_>, regexes: &[Regex]) -> Vec<Found> {
    let of_line = |(number, offset, line): (u64, usize, &[u8])| {
        let first = regexes
            .iter()
            .filter_map(|regex| regex.find(line))
            .map(|found| found.range())
            .min_by_key(|range| range.start)?;
        let (start, end) = ((offset + first.start) as u64, (offset + first.end) as u64);
        let place = (at.repository.to_owned(), at.ref_name.to_owned(), at.file.path.clone());
        Some((place.0, place.1, place.2, number, column(line, first.start), start, end))
    };
    lines(&at.file.content).into_iter().filter_map(of_line).collect()
}

pub fn is_text(file: &File) -> bool {
    !text::is_binary(&file.content)
}

/// Every file that a query without `ref:` (or with it) looks at.
pub fn places(repositories: &[Repository], all_refs: bool) -> Vec<At<'_>> {
    let refs = if all_refs { usize::MAX } else { 1 };
    repositories.iter().flat_map(|repository| places_of(repository, refs)).collect()
}

fn places_of(repository: &Repository, refs: usize) -> impl Iterator<Item = At<'_>> {
    repository.refs.iter().take(refs).flat_map(|(ref_name, files)| {
        let texts = files.iter().filter(|file| is_text(file));
        texts.map(|file| At { repository: &repository.name, ref_name, file })
    })
}

impl Tree {
    /// In the users' language.
    pub fn render(&self) -> String {
        let join =
            |parts: &[Self], with: &str| format!("({})", parts.iter().map(Self::render).collect::<Vec<_>>().join(with));
        match self {
            Self::And(parts) => join(parts, " "),
            Self::Or(parts) => join(parts, " OR "),
            Self::Not(part) => format!("NOT {}", part.render()),
            Self::Text(text) => format!("\"{text}\""),
            Self::Path(value) => format!("path:{value}"),
            Self::Lang(value) => format!("lang:{value}"),
            Self::Repo(value) => format!("repo:{value}"),
            Self::Ref(value) => format!("ref:{value}"),
        }
    }

    pub fn holds(&self, at: &At<'_>) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(at)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(at)),
            Self::Not(part) => !part.holds(at),
            Self::Text(text) => !scan(at, &[regex(&regex_syntax::escape(text), true).unwrap()]).is_empty(),
            Self::Path(value) => String::from_utf8_lossy(&at.file.path).to_lowercase().contains(value),
            Self::Lang(value) => at.file.language == Language::from_name(value).unwrap(),
            Self::Repo(value) => at.repository.to_lowercase().contains(value),
            Self::Ref(value) => at.ref_name.rsplit_once(['/']).is_some_and(|(_, last)| last == *value),
        }
    }

    pub fn positive(&self, positive: bool, out: &mut Vec<String>) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.positive(positive, out)),
            Self::Not(part) => part.positive(!positive, out),
            Self::Text(text) if positive => out.push(text.clone()),
            _ => {}
        }
    }

    pub fn names_refs(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::names_refs),
            Self::Not(part) => part.names_refs(),
            Self::Ref(_) => true,
            _ => false,
        }
    }
}
