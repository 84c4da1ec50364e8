//! How well a file answers a query: integer points for what its path, its class and its best lines say. The same file
//! and query always score the same. Which files are ranked together (`search::page`), and that one folder
//! does not fill a page (`search::spread`), is not said here. How fresh a file is counts nothing: commits are not indexed.

use std::ops::Range;

use super::content::Content;
use super::definition::{self, is_word};
use super::pattern::Pattern;
use super::plan::{Entry, Plan};
use super::symbol::SymbolName;
use crate::segment::{Class, NameRow};
use crate::text;

/// A reason for points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Signal {
    /// A word that is looked for is the name of a symbol that is defined there; or, where symbols are not known, the line looks
    /// like its definition.
    Definition,
    /// A match is a whole word.
    Word,
    /// A match begins or ends a word.
    HalfWord,
    /// A match has the letters' case as it was written.
    Case,
    /// The file's name, without what follows its first dot, is a word that is looked for.
    Name,
    /// The file's name has a word that is looked for in it.
    NamePart,
    /// Several terms are in the file.
    Atoms,
    /// Several terms are near each other.
    Proximity,
    /// A tenth of the next two lines.
    OtherLines,
    /// The path is deep.
    Depth,
    /// The file is a test, prose, generated or vendored.
    Class,
}

/// What looks like a definition, where symbols are not known.
const DEFINITION: i32 = 5000;
/// The same where they are: it is none, or of something that no extractor takes for a symbol.
const LOOK_ALIKE: i32 = 1500;
const WORD: i32 = 500;
const HALF_WORD: i32 = 50;
const CASE: i32 = 300;
const NAME: i32 = 3000;
const NAME_PART: i32 = 1500;
const ATOMS: i32 = 400;
const PROXIMITY: i32 = 300;
const DEPTH: i32 = -20;
const FREE_DEPTH: usize = 3;
const TEST: i32 = -1000;
const DOCS: i32 = -500;
const NOT_OURS: i32 = -3000;

/// Bytes of a word that is taken for the name of something.
const SHORTEST_NAME: usize = 3;

/// Lines between terms that are near each other.
const NEAR: usize = 10;

/// Matching lines of one term that are looked at; a file with more is no better for them.
const MAX_LINES: usize = 256;

/// The points of one file, by signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    points: [i32; Signal::ALL.len()],
}

impl Signal {
    /// All signals, as they are listed.
    pub const ALL: [Self; 11] = [
        Self::Definition,
        Self::Word,
        Self::HalfWord,
        Self::Case,
        Self::Name,
        Self::NamePart,
        Self::Atoms,
        Self::Proximity,
        Self::OtherLines,
        Self::Depth,
        Self::Class,
    ];

    /// Its name in explanations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Definition => "definition",
            Self::Word => "word",
            Self::HalfWord => "half word",
            Self::Case => "case",
            Self::Name => "name",
            Self::NamePart => "part of name",
            Self::Atoms => "terms",
            Self::Proximity => "proximity",
            Self::OtherLines => "other lines",
            Self::Depth => "depth",
            Self::Class => "class",
        }
    }
}

impl Score {
    /// The sum of all points; higher is better.
    pub fn total(&self) -> i32 {
        self.points.iter().sum()
    }

    /// The signals that gave or took points.
    pub fn parts(&self) -> impl Iterator<Item = (Signal, i32)> + '_ {
        Signal::ALL.into_iter().zip(self.points).filter(|(_, points)| *points != 0)
    }

    fn add(&mut self, signal: Signal, points: i32) {
        self.points[signal as usize] += points;
    }
}

/// A term that is looked for, as far as scoring knows it.
#[derive(Clone, Debug)]
pub(super) struct Atom {
    pub(super) pattern: Pattern,
    /// Its text, where it is a literal.
    pub(super) literal: Option<String>,
    /// Where it may be the name of a symbol: its number in the plan.
    pub(super) symbol: Option<usize>,
}

impl Atom {
    /// Its text, where that may be the name of something.
    pub(super) fn name(&self) -> Option<&str> {
        self.literal.as_deref().filter(|text| text.len() >= SHORTEST_NAME && text.bytes().all(is_word))
    }
}

/// The points of one line.
#[derive(Clone, Copy, Default)]
struct LineScore {
    start: usize,
    definition: i32,
    word: i32,
    half_word: i32,
    case: i32,
}

impl LineScore {
    fn total(&self) -> i32 {
        self.definition + self.word + self.half_word + self.case
    }
}

impl Plan {
    /// Scores a matching file of this class. Reads at most 256 matching lines of each term.
    pub fn score<'c>(&self, entry: Entry<'_>, class: Class, content: impl Into<Content<'c>>) -> Score {
        let content = content.into();
        let mut score = Score::default();
        let mut best = [LineScore::default(); 3];
        let mut firsts: Vec<usize> = Vec::new();
        let mut defined = 0;
        for atom in self.atoms() {
            let name = atom.symbol.map(|name| (name, &self.symbols()[name]));
            defined = name.map_or(0, |(nth, name)| points(name, entry.defined.of(nth))).max(defined);
            let mut lines = atom.pattern.lines(content).take(MAX_LINES).peekable();
            if let Some(first) = lines.peek() {
                firsts.push(first.start);
            }
            lines.for_each(|line| keep(&mut best, score_line(atom, (content.text, line), entry)));
            atom.literal.iter().for_each(|literal| name_points(&mut score, literal, entry.path));
        }
        for (nth, name) in self.wanted_symbols() {
            defined = points(name, entry.defined.of(nth)).max(defined);
            name_points(&mut score, name.text(), entry.path);
        }
        score.add(Signal::Definition, best[0].definition.max(defined));
        score.add(Signal::Word, best[0].word);
        score.add(Signal::HalfWord, best[0].half_word);
        score.add(Signal::Case, best[0].case);
        score.add(Signal::OtherLines, (best[1].total() + best[2].total()) / 10);
        together(&mut score, content.text, &firsts);
        let depth = entry.path.iter().filter(|byte| **byte == b'/').count().saturating_sub(FREE_DEPTH);
        score.add(Signal::Depth, DEPTH * i32::try_from(depth).unwrap_or(i32::MAX / -DEPTH));
        score.add(Signal::Class, class_points(class, self.mentions_tests()));
        score
    }

    /// The name, where one is looked for: its definition is what is wanted first.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.atoms() {
            [atom] => atom.name(),
            _ => None,
        }
    }

    /// Whether the query is about tests: then they are no worse than other files.
    fn mentions_tests(&self) -> bool {
        self.atoms().iter().any(|atom| atom.literal.as_ref().is_some_and(|text| text.to_lowercase().contains("test")))
    }
}

/// Of the best definition of a name.
fn points(name: &SymbolName, rows: &[NameRow]) -> i32 {
    rows.iter().map(|row| name.points(row)).max().unwrap_or(0)
}

fn class_points(class: Class, about_tests: bool) -> i32 {
    match class {
        Class::Source => 0,
        Class::Test if about_tests => 0,
        Class::Test => TEST,
        Class::Docs => DOCS,
        Class::Generated | Class::Vendored => NOT_OURS,
    }
}

/// The best match of a line.
fn score_line(atom: &Atom, (content, line): (&[u8], Range<usize>), entry: Entry<'_>) -> LineScore {
    let text = &content[line.clone()];
    let mut best = LineScore::default();
    let mut left = 8;
    atom.pattern.finder.find_each(text, |found| {
        left -= 1;
        let found = found.start..found.end.min(text.len());
        let scored = score_match(atom, text, &found, entry);
        if scored.total() > best.total() {
            best = scored;
        }
        left > 0
    });
    LineScore { start: line.start, ..best }
}

fn score_match(atom: &Atom, line: &[u8], found: &Range<usize>, entry: Entry<'_>) -> LineScore {
    let edge = |inside: Option<&u8>, outside: Option<&u8>| {
        inside.is_some_and(|byte| is_word(*byte)) && outside.is_none_or(|byte| !is_word(*byte))
    };
    let start = edge(line.get(found.start), found.start.checked_sub(1).and_then(|at| line.get(at)));
    let end = edge(found.end.checked_sub(1).and_then(|at| line.get(at)), line.get(found.end));
    let word = start && end && line[found.clone()].iter().all(|byte| is_word(*byte));
    let exact = atom.literal.as_ref().is_none_or(|literal| literal.as_bytes() == &line[found.clone()]);
    let looks_so = word && definition::defines(line, found, entry.path, entry.language);
    let definition = if atom.symbol.is_some() && entry.defined.is_known { LOOK_ALIKE } else { DEFINITION };
    LineScore {
        start: 0,
        definition: if looks_so { definition } else { 0 },
        word: if start && end { WORD } else { 0 },
        half_word: if start != end { HALF_WORD } else { 0 },
        case: if exact { CASE } else { 0 },
    }
}

/// Keeps the three best lines, of equals the earlier ones; a line counts once.
fn keep(best: &mut [LineScore; 3], line: LineScore) {
    if let Some(same) = best.iter_mut().find(|kept| kept.total() > 0 && kept.start == line.start) {
        if line.total() > same.total() {
            *same = line;
        }
    } else if line.total() > best[2].total() {
        best[2] = line;
    }
    best.sort_by_key(|kept| std::cmp::Reverse(kept.total()));
}

fn name_points(score: &mut Score, literal: &str, path: &[u8]) {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    if name.eq_ignore_ascii_case(literal.as_bytes()) || text::stem(path).eq_ignore_ascii_case(literal.as_bytes()) {
        score.add(Signal::Name, NAME);
    } else if name.windows(literal.len().max(1)).any(|part| part.eq_ignore_ascii_case(literal.as_bytes())) {
        score.add(Signal::NamePart, NAME_PART);
    }
}

/// Points for several terms in one file, and for their first places being near each other.
fn together(score: &mut Score, content: &[u8], firsts: &[usize]) {
    let Ok(atoms) = i32::try_from(firsts.len()) else { return };
    let (Some(first), Some(last)) = (firsts.iter().min(), firsts.iter().max()) else { return };
    if atoms < 2 {
        return;
    }
    score.add(Signal::Atoms, ATOMS - ATOMS / atoms);
    let between = memchr::memchr_iter(b'\n', &content[*first..*last]).take(NEAR + 1).count();
    if between <= NEAR {
        let steps = i32::try_from(NEAR - between).unwrap_or(0);
        score.add(Signal::Proximity, PROXIMITY / 2 + PROXIMITY / 2 * steps / NEAR as i32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::text::Language;

    fn score(query: &str, path: &str, class: Class, content: &str) -> Score {
        let plan = Plan::new(&parse(query).expect("a query")).expect("it compiles");
        let language = Language::detect(path.as_bytes(), content.as_bytes());
        plan.score(Entry::new(path.as_bytes(), language), class, content.as_bytes())
    }

    fn total(query: &str, path: &str, content: &str) -> i32 {
        score(query, path, Class::Source, content).total()
    }

    #[test]
    fn better_answers_score_higher() {
        let ladder = [
            total("open", "a/x.c", "reopened();"),
            total("open", "a/x.c", "opened();"),
            total("open", "a/x.c", "\topen(a);"),
            total("open", "a/reopen.c", "\topen(a);"),
            total("open", "a/open.c", "\topen(a);"),
            total("open", "a/x.c", "int open(int a)\n{"),
            total("open", "a/open.c", "int open(int a)\n{"),
        ];
        assert!(ladder.is_sorted_by(|a, b| a < b), "{ladder:?}");
        assert!(total("Open case:no", "x.c", "Open") > total("Open case:no", "x.c", "open"));
        assert!(total("a b", "x.c", "a\nb\n") > total("a b", "x.c", &format!("a\n{}b\n", "\n".repeat(20))));
        assert!(total("a OR b", "x.c", "a b") > total("a OR b", "x.c", "a c"));
        assert!(total("a", "x.c", "a") > total("a", "b/c/d/e/f/x.c", "a"));
    }

    #[test]
    fn classes_rank_and_tests_count_where_they_are_meant() {
        let of = |query: &str, class| score(query, "x.c", class, "a test_a").total();
        let ranks = [Class::Source, Class::Docs, Class::Test, Class::Vendored].map(|class| of("a", class));
        assert!(ranks.is_sorted_by(|a, b| a > b), "{ranks:?}");
        assert_eq!(of("test_a", Class::Test), of("test_a", Class::Source));
    }

    #[test]
    fn a_look_alike_is_worth_less_where_symbols_are_known() {
        let definition = |query: &str, is_known: bool| {
            let plan = Plan::new(&parse(query).expect("a query")).expect("it compiles");
            let mut entry = Entry::new(b"a.c", Language::from_name("c").expect("a language"));
            entry.defined.is_known = is_known;
            let score = plan.score(entry, Class::Source, &b"int open(int a)\n{\n"[..]);
            score.parts().find(|(signal, _)| *signal == Signal::Definition).map(|(_, points)| points)
        };
        assert_eq!((definition("open", false), definition("open", true)), (Some(DEFINITION), Some(LOOK_ALIKE)));
        // What no name is looked up for goes by its shape.
        assert_eq!(definition(r"/\bopen\b/", true), Some(DEFINITION));
    }

    #[test]
    fn a_score_explains_itself() {
        let score = score("open", "a/open.c", Class::Test, "int open(int a)\n{\n\topen(b);\n\topen(c);\n");
        let parts: Vec<_> = score.parts().map(|(signal, points)| (signal.name(), points)).collect();
        let expected = [
            ("definition", 5000),
            ("word", 500),
            ("case", 300),
            ("name", 3000),
            ("other lines", 160),
            ("class", -1000),
        ];
        assert_eq!(parts, expected);
        assert_eq!(score.total(), expected.iter().map(|(_, points)| points).sum::<i32>());
    }
}
