//! The answer of a code search on the wire: one object a matching line, a summary at the end of a stream, a list over
//! REST, and a line of text for people.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::List;
use crate::search::{
    Facets, FileMatch, Hidden, LineMatch, NearNames, Score, SearchResult, SearchStats, StopReason, symbol_id,
};
use crate::segment::Class;

/// One matching line, or a file that matches without a line to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hit {
    /// `owner/name`; left out where only one repository can be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Full name of the ref; left out where only one can be meant.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub ref_name: Option<String>,
    /// Full names of further searched refs that have this hit: the same text under the same path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_refs: Vec<String>,
    /// The commit, 40 hexadecimal digits; left out where only one can be meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Path in the commit; percent-encoded if `path_lossy`.
    pub path: String,
    /// Whether the path is not UTF-8 and thus percent-encoded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub path_lossy: bool,
    /// Language, as `lang:` takes it.
    pub language: String,
    /// Where it was asked for: what ranks the file, the sum of its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<i32>,
    /// The parts of `score`, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub score_parts: BTreeMap<String, i32>,
    /// Where symbols are asked for (`sym:`, `type:symbol`): those that the line defines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub symbols: Vec<HitSymbol>,
    /// The line; absent for a query that lists files.
    #[serde(flatten)]
    #[schema(value_type = HitLine)]
    pub line: Option<HitLine>,
}

/// A symbol that the line of a [`Hit`] defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HitSymbol {
    /// Stable id: `src/db/pool.rs#Pool.acquire`; `~2` follows for the second of that name in the file, and so on.
    pub id: String,
    /// What it is: `function`, `method`, `class`, …
    pub kind: String,
}

/// The line of a [`Hit`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HitLine {
    /// 1-based.
    #[schema(required = false)]
    pub line: u64,
    /// 1-based, in code points, of the first match; a byte that is no part of UTF-8 counts as one.
    #[schema(required = false)]
    pub column: u64,
    /// First match in the file, in bytes.
    #[schema(required = false)]
    pub byte_start: u64,
    /// End of the first match in the file, in bytes.
    #[schema(required = false)]
    pub byte_end: u64,
    /// The line without its `\n`, invalid UTF-8 replaced, cut to 4 KiB round the match.
    #[schema(required = false)]
    pub text: String,
    /// Whether something in `text` is replaced.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub lossy: bool,
    /// Whether `text` is cut. It begins at byte `byte_start - ranges[0][0]` of the file.
    #[serde(default, skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub cut: bool,
    /// All matches that begin in `text`: start and end in its bytes as they are in the file, before any replacement.
    #[schema(required = false)]
    pub ranges: Vec<(u32, u32)>,
    /// Where context was asked for: the lines before this one, each cut to 4 KiB.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub before: Vec<String>,
    /// The lines after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub after: Vec<String>,
}

/// The last line of a stream of hits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Summary {
    /// Always `true`: tells this line from hits.
    pub summary: bool,
    /// Matching lines; no fewer than were given.
    pub matches: u64,
    /// Matching files; no fewer than were given.
    pub files: u64,
    /// Paths of the searched commits that are not in the index.
    pub skipped: u64,
    /// The commit, where just one was searched.
    pub commit: Option<String>,
    /// The working tree, where it was searched: `clean`, or `dirty(n)` with files that differ from its commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// Commits by which the index is behind the working tree, where that was searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<u64>,
    /// Whether all matches were given.
    pub complete: bool,
    /// If not, why: `limit`, `deadline`, `bytes`, or `unread` where changed files were too large together to be read.
    #[serde(default)]
    pub reason: Option<String>,
    /// Matching files that nobody asked for; `null`: there was no time to know.
    #[serde(default)]
    pub hidden: Option<HiddenFiles>,
    /// Paths of the working tree that differ and cannot be searched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What a reader of the answer should know, in sentences.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Where they were asked for: matching files by what the index says of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetList>,
    /// What it cost.
    pub stats: Stats,
}

/// Files that match in classes that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HiddenFiles {
    /// Generated ones.
    pub generated: u64,
    /// Vendored ones.
    pub vendored: u64,
    /// Whether these are the numbers, or the most there can be.
    pub exact: bool,
}

/// A path that cannot be searched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftOut {
    /// Path; percent-encoded if `path_lossy`.
    pub path: String,
    /// Whether `path` had to be encoded, because it is not UTF-8.
    #[serde(default, skip_serializing_if = "is_false")]
    pub path_lossy: bool,
    /// Why, as in the summary of a job: `binary`, `too_large`, `ignored`, `unreadable`, …; or `unread`, where changed files
    /// were too large together.
    pub reason: String,
}

/// Counts of a search that do not depend on the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Sequential waves of reads.
    pub round_trips: u32,
    /// Reads sent to the object store.
    pub gets: u32,
    /// Bytes read from the object store.
    pub bytes: u64,
    /// Reads answered from memory.
    pub cache_hits: u32,
    /// Files whose content decides.
    pub candidates: u32,
    /// Documents whose content was searched.
    pub verified: u32,
}

/// The answer over REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchList {
    /// Lines in rank order.
    #[serde(flatten)]
    pub list: List<Hit>,
    /// Where they were asked for: matching files by what the index says of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facets: Option<FacetList>,
    /// What it cost.
    pub stats: Stats,
}

/// Matching files by language, folder, repository and class; of each, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetList {
    /// By language, as `lang:` takes it.
    pub languages: Vec<Facet>,
    /// By first folder; empty for files in none. At most 100.
    pub folders: Vec<Facet>,
    /// By repository.
    pub repositories: Vec<Facet>,
    /// By class: `source`, `test`, `docs`, `generated`, `vendored`.
    pub classes: Vec<Facet>,
    /// Whether matching files were counted (`count` was asked for), or all that could match.
    pub exact: bool,
}

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// The value.
    pub value: String,
    /// Files that have it.
    pub files: u64,
}

/// The hits of an answer in rank order. Repository, ref and commit are named where the answer has several.
pub fn hits(result: &SearchResult) -> impl Iterator<Item = Hit> + '_ {
    let several_commits = result.commit.is_none();
    let first = result.files.first().map(|file| file.repository);
    let several_repositories = result.files.iter().any(|file| Some(file.repository) != first);
    result.files.iter().flat_map(move |file| {
        let mut head = head(file);
        if !several_commits {
            (head.ref_name, head.commit) = (None, None);
            head.other_refs.clear();
        }
        if !several_repositories {
            head.repository = None;
        }
        of_file(head, file)
    })
}

/// The last line of a stream.
pub fn summary(result: &SearchResult) -> Summary {
    Summary {
        summary: true,
        matches: result.totals.lines,
        files: result.totals.files,
        skipped: result.n_skipped,
        commit: result.commit.map(|commit| commit.to_string()),
        tree: None,
        behind: None,
        complete: result.complete,
        reason: result.reason.map(|why| reason(why).to_owned()),
        hidden: result.hidden.map(HiddenFiles::from),
        left_out: Vec::new(),
        notes: notes(result),
        facets: result.facets.as_ref().map(FacetList::from),
        stats: result.stats.into(),
    }
}

/// The answer over REST: every hit names its repository, ref and commit.
pub fn list(result: &SearchResult) -> SearchList {
    let items: Vec<Hit> = result.files.iter().flat_map(|file| of_file(head(file), file)).collect();
    let mut list = List::page(items, result.next.as_ref().map(ToString::to_string));
    let known = if result.totals.lines == 0 { result.totals.files } else { result.totals.lines };
    list.total = Some(known.max(list.items.len() as u64));
    list.total_is_exact = result.totals.exact;
    list.index = Some(serde_json::json!({
        "root_version": result.root_version,
        "commit": result.commit.map(|commit| commit.to_string()),
        "refs": result.n_refs,
        "files": result.totals.files,
        "skipped": result.n_skipped,
        "complete": result.complete,
        "reason": result.reason.map(reason),
        "hidden": result.hidden.map(HiddenFiles::from),
    }));
    list.notes = notes(result);
    SearchList { list, facets: result.facets.as_ref().map(FacetList::from), stats: result.stats.into() }
}

fn reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Limit => "limit",
        StopReason::Deadline => "deadline",
        StopReason::Bytes => "bytes",
    }
}

fn notes(result: &SearchResult) -> Vec<String> {
    let mut notes = Vec::new();
    if result.n_refs == 0 && result.hidden.is_some() {
        notes.push("nothing was searched: no indexed repository of this key has such a name or ref".to_owned());
    }
    match result.reason {
        None => {}
        Some(StopReason::Limit) => notes.push("there may be more matches: ask with `cursor`".to_owned()),
        Some(StopReason::Deadline) if result.next.is_none() => {
            notes.push("the deadline passed before anything was searched: give it more time".to_owned());
        }
        Some(StopReason::Deadline) => notes.push("the deadline passed: ask with `cursor` for the rest".to_owned()),
        Some(StopReason::Bytes) => {
            notes.push("enough was read for one answer: ask with `cursor` for the rest".to_owned())
        }
    }
    notes.extend(hidden_notes(result.hidden));
    notes.extend(near_notes(&result.near));
    if result.pending {
        notes.push("symbols of some files are pending: what was indexed before is being looked at anew".to_owned());
    }
    if result.n_skipped > 0 {
        notes.push(format!("{} paths of the searched commits are not in the index", result.n_skipped));
    }
    notes
}

/// What may have been meant, in a sentence for each name that no symbol has.
pub fn near_notes(near: &[NearNames]) -> impl Iterator<Item = String> + '_ {
    near.iter().map(|NearNames { name, near }| {
        let near: Vec<_> = near.iter().map(|name| format!("`{name}`")).collect();
        format!("no symbol is called `{name}`: did you mean {}?", near.join(", "))
    })
}

/// What is hidden, in a sentence for each class of which something may be.
pub fn hidden_notes(hidden: Option<Hidden>) -> Vec<String> {
    let Some(Hidden { generated, vendored, exact }) = hidden else {
        return vec!["how much is hidden in generated and vendored files is not known".to_owned()];
    };
    let up_to = if exact { "" } else { "up to " };
    let kinds = [(generated, "generated"), (vendored, "vendored")].into_iter().filter(|(n, _)| *n > 0);
    kinds.map(|(n, kind)| format!("{up_to}{n} hidden in {kind} files: `{kind}:yes` shows them")).collect()
}

impl From<Hidden> for HiddenFiles {
    fn from(Hidden { generated, vendored, exact }: Hidden) -> Self {
        Self { generated, vendored, exact }
    }
}

impl From<&Facets> for FacetList {
    fn from(facets: &Facets) -> Self {
        let facet = |value: String, files: u64| Facet { value, files };
        Self {
            languages: facets.languages.iter().map(|(language, n)| facet(language.name().to_owned(), *n)).collect(),
            folders: facets.folders.iter().map(|(folder, n)| facet(path_text(folder).0, *n)).collect(),
            repositories: facets.repositories.iter().map(|(_, name, n)| facet(name.clone(), *n)).collect(),
            classes: facets.classes.iter().map(|(class, n)| facet(class_name(*class).to_owned(), *n)).collect(),
            exact: facets.exact,
        }
    }
}

pub(super) fn class_name(class: Class) -> &'static str {
    match class {
        Class::Source => "source",
        Class::Test => "test",
        Class::Docs => "docs",
        Class::Generated => "generated",
        Class::Vendored => "vendored",
    }
}

impl Hit {
    /// For people: `path:line:column:text`, or the path alone; after the repository where that is named. Control characters
    /// are replaced, whether or not matches are coloured.
    pub fn render(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| match colour {
            true => format!("\x1b[{code}m{}\x1b[0m", printable(text)),
            false => printable(text),
        };
        let repository = self.repository.iter().map(|name| format!("{}:", paint("36", name))).collect::<String>();
        let path = paint("35", &self.path);
        let Some(line) = &self.line else { return format!("{repository}{path}") };
        let number = paint("32", &line.line.to_string());
        format!("{repository}{path}:{number}:{}:{}", line.column, line.render(colour))
    }

    /// For people: a line near the one of this hit, as `path-line-text`.
    pub fn render_around(&self, line: u64, text: &[u8], colour: bool) -> String {
        let repository = self.repository.iter().map(|name| format!("{name}-")).collect::<String>();
        let text = String::from_utf8_lossy(text);
        let (path, text) = (printable(&self.path), printable(without_return(&text)));
        match colour {
            true => format!("{repository}\x1b[35m{path}\x1b[0m-\x1b[32m{line}\x1b[0m-{text}"),
            false => format!("{repository}{path}-{line}-{text}"),
        }
    }
}

impl HitLine {
    fn render(&self, colour: bool) -> String {
        let text = without_return(&self.text);
        if !colour {
            return printable(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        // Ranges count the bytes of the file, so they do not fit a text with replacements.
        for (start, end) in self.ranges.iter().filter(|_| !self.lossy) {
            let (start, end) = (*start as usize, *end as usize);
            let (Some(before), Some(found)) = (text.get(at..start), text.get(start..end)) else { break };
            out.push_str(&printable(before));
            if !found.is_empty() {
                out.push_str(&format!("\x1b[1;31m{}\x1b[0m", printable(found)));
            }
            at = end;
        }
        out.push_str(&printable(text.get(at..).unwrap_or_default()));
        out
    }
}

impl From<SearchStats> for Stats {
    fn from(stats: SearchStats) -> Self {
        let SearchStats { round_trips, gets, bytes, cache_hits, candidates, verified } = stats;
        Self { round_trips, gets, bytes, cache_hits, candidates, verified }
    }
}

fn head(file: &FileMatch) -> Hit {
    let (path, path_lossy) = path_text(&file.path);
    Hit {
        repository: Some(file.repository_name.clone()),
        ref_name: file.refs.first().cloned(),
        other_refs: file.refs.get(1..).unwrap_or_default().to_vec(),
        commit: Some(file.commit.to_string()),
        path,
        path_lossy,
        language: file.language.name().to_owned(),
        score: file.score.as_ref().map(Score::total),
        score_parts: file
            .score
            .iter()
            .flat_map(Score::parts)
            .map(|(signal, points)| (signal.name().to_owned(), points))
            .collect(),
        symbols: Vec::new(),
        line: None,
    }
}

fn of_file(head: Hit, file: &FileMatch) -> impl Iterator<Item = Hit> + '_ {
    let whole = file.lines.is_empty().then(|| head.clone());
    let lines = file.lines.iter().enumerate().map(move |(nth, line)| {
        let defined = file.symbols.iter().filter(|row| u64::from(row.line) == line.line);
        let symbols = defined.map(|row| HitSymbol { id: symbol_id(&file.path, row), kind: row.kind.name().to_owned() });
        let symbols = symbols.collect();
        let mut line = HitLine::from(line);
        if let Some(around) = file.around.get(nth) {
            let text =
                |lines: &[Vec<u8>]| lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            (line.before, line.after) = (text(&around.before), text(&around.after));
        }
        Hit { symbols, line: Some(line), ..head.clone() }
    });
    whole.into_iter().chain(lines)
}

impl From<&LineMatch> for HitLine {
    fn from(line: &LineMatch) -> Self {
        let text = String::from_utf8_lossy(&line.text);
        Self {
            line: line.line,
            column: line.column,
            byte_start: line.byte_start,
            byte_end: line.byte_end,
            lossy: matches!(text, std::borrow::Cow::Owned(_)),
            text: text.into_owned(),
            cut: line.cut,
            ranges: line.ranges.iter().map(|range| (range.start, range.end)).collect(),
            before: Vec::new(),
            after: Vec::new(),
        }
    }
}

const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// A path as text, and whether it had to be percent-encoded.
pub fn path_text(path: &[u8]) -> (String, bool) {
    match std::str::from_utf8(path) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (percent_encode(path, ESCAPED).to_string(), true),
    }
}

/// A line without the return that ends it in files of Windows: people see no more of it there.
fn without_return(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// Files may hold escape sequences; a terminal must not obey them.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ObjectId, RepositoryId};
    use crate::search::Totals;
    use crate::text::Language;

    fn result() -> SearchResult {
        let line = LineMatch {
            line: 3,
            column: 5,
            byte_start: 24,
            byte_end: 27,
            text: b"let foo = foo;\x1b\xff".to_vec(),
            cut: false,
            ranges: vec![4..7, 10..13],
        };
        let clean = LineMatch { text: b"let foo = foo;\x1b".to_vec(), ..line.clone() };
        let file = FileMatch {
            repository: RepositoryId(uuid::Uuid::nil()),
            repository_name: "o/n".to_owned(),
            refs: vec!["refs/heads/main".to_owned()],
            commit: ObjectId([1; 20]),
            path: b"src/a\xff%.rs".to_vec(),
            class: Class::Source,
            language: Language::TEXT,
            score: None,
            lines: vec![line, clean],
            around: Vec::new(),
            symbols: Vec::new(),
        };
        SearchResult {
            totals: Totals { files: 1, lines: 2, exact: false },
            hidden: Some(Hidden { generated: 2, vendored: 0, exact: false }),
            facets: None,
            pending: false,
            near: Vec::new(),
            n_refs: 1,
            n_skipped: 2,
            complete: false,
            reason: Some(StopReason::Limit),
            next: None,
            commit: Some(file.commit),
            files: vec![file],
            root_version: 7,
            stats: SearchStats::default(),
        }
    }

    #[test]
    fn one_object_a_line() {
        let result = result();
        let json: Vec<_> = hits(&result).map(|hit| serde_json::to_value(hit).expect("it is JSON")).collect();
        assert_eq!(json[0]["path"], "src/a%FF%25.rs");
        assert_eq!(json[0]["path_lossy"], true);
        assert_eq!(json[0]["text"], "let foo = foo;\u{1b}\u{fffd}");
        assert_eq!(json[0]["lossy"], true);
        assert_eq!(json[0]["ranges"], serde_json::json!([[4, 7], [10, 13]]));
        assert!(json[0].get("repository").is_none() && json[0].get("cut").is_none());
        assert!(json[1].get("lossy").is_none());
        let list = serde_json::to_value(list(&result)).expect("it is JSON");
        assert_eq!(list["items"][0]["repository"], "o/n");
        assert_eq!(list["items"][0]["ref"], "refs/heads/main");
        assert_eq!((&list["truncated"], &list["total_is_exact"]), (&false.into(), &false.into()));
        assert_eq!(list["index"]["reason"], "limit");
        assert_eq!(list["stats"]["gets"], 0);
        let summary = serde_json::to_value(summary(&result)).expect("it is JSON");
        assert_eq!(summary["summary"], true);
        for name in ["complete", "reason", "hidden", "skipped", "commit"] {
            assert_eq!(summary[name], list["index"][name], "{name}");
        }
        assert_eq!(summary["notes"], list["notes"]);
        assert_eq!(summary["hidden"], serde_json::json!({ "generated": 2, "vendored": 0, "exact": false }));
    }

    #[test]
    fn what_nobody_had_time_to_know_is_not_said_to_be_nothing() {
        let late = SearchResult { hidden: None, n_refs: 0, reason: Some(StopReason::Deadline), ..result() };
        let list = serde_json::to_value(list(&late)).expect("it is JSON");
        assert_eq!(list["index"]["hidden"], serde_json::Value::Null);
        let notes = list["notes"].as_array().expect("notes");
        assert!(notes[0].as_str().is_some_and(|note| note.contains("before anything was searched")), "{notes:?}");
        assert!(notes[1].as_str().is_some_and(|note| note.contains("not known")), "{notes:?}");
    }

    #[test]
    fn hits_survive_the_wire() {
        let result = result();
        for hit in hits(&result) {
            let json = serde_json::to_string(&hit).expect("it is JSON");
            assert_eq!(serde_json::from_str::<Hit>(&json).expect("it is a hit"), hit);
        }
    }

    #[test]
    fn text_for_people() {
        let hits: Vec<Hit> = hits(&result()).collect();
        assert_eq!(hits[1].render(false), "src/a%FF%25.rs:3:5:let foo = foo;\u{fffd}");
        let red = "\x1b[1;31mfoo\x1b[0m";
        assert!(hits[1].render(true).ends_with(&format!(":5:let {red} = {red};\u{fffd}")));
        assert!(hits[0].render(true).ends_with("let foo = foo;\u{fffd}\u{fffd}"));
        let file = Hit { line: None, repository: Some("o/n".to_owned()), ..hits[0].clone() };
        assert_eq!(file.render(false), "o/n:src/a%FF%25.rs");
    }
}
