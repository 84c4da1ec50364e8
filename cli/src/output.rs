//! What `kotadb search` prints: lines with what is around them, paths, JSON, or a count. Pages come one after the other,
//! so that an answer of any length takes the memory of one.

use kotadb_core::id::RepositoryId;
use kotadb_core::search::{FileMatch, Hidden, Score, SearchResult, Totals};
use kotadb_core::store::Skipped;
use kotadb_core::wire::search::{
    Facet, FacetList, HiddenFiles, Hit, HitLine, LeftOut, hidden_notes, hits, near_notes, path_text, printable, summary,
};
use kotadb_indexer::local::WorkingTree;
use std::collections::BTreeMap;

use crate::args::SearchArgs;
use crate::screen::Screen;
use crate::settings::Settings;

/// The output of one search.
pub struct Output<'a> {
    args: &'a SearchArgs,
    has_text: bool,
    out: Screen,
    colour: bool,
    /// What is to be said beside what the answer says.
    notes: Vec<String>,
    /// Lines or files that may still be printed; `None`: any number.
    room: Option<usize>,
    n_lines: u64,
    n_files: u64,
    /// Of all pages, where the first one told.
    totals: Totals,
    hidden: Option<Hidden>,
    facets: Option<FacetList>,
    /// The file printed last: the next page may go on with it.
    last_file: Option<(RepositoryId, Vec<String>, Vec<u8>)>,
    around: Surroundings,
}

/// What is around matching lines: lines that two matches share are printed once.
#[derive(Default)]
struct Surroundings {
    /// Number of the line of the last file that was printed last.
    last_line: u64,
    /// Lines after the last match, which may yet turn out to match themselves.
    later: Vec<(u64, String)>,
}

impl<'a> Output<'a> {
    /// Nothing is printed yet. `has_text`: the query looks for lines, not for files.
    pub fn new(args: &'a SearchArgs, settings: &Settings, has_text: bool) -> Self {
        let out = Screen::new(settings, args.json);
        Self {
            args,
            has_text,
            colour: out.is_coloured(),
            out,
            notes: Vec::new(),
            room: (args.limit > 0).then_some(args.limit),
            n_lines: 0,
            n_files: 0,
            totals: Totals::default(),
            hidden: None,
            facets: None,
            last_file: None,
            around: Surroundings::default(),
        }
    }

    /// Says these sentences at the end, too.
    pub fn notes(&mut self, notes: impl Iterator<Item = String>) {
        self.notes.extend(notes);
    }

    /// Prints a page; returns how many lines or files may follow.
    pub fn page(&mut self, result: &SearchResult) -> anyhow::Result<Option<usize>> {
        if result.totals.exact {
            self.totals = result.totals;
        }
        // The first page is counted where anything is.
        if self.hidden.is_none_or(|hidden| !hidden.exact) {
            self.hidden = result.hidden;
        }
        self.facets = result.facets.as_ref().map(FacetList::from).or(self.facets.take());
        if self.args.count {
            return Ok(Some(0));
        }
        let mut printed = 0;
        let mut hits = hits(result);
        for file in &result.files {
            let is_new = self.begin(file);
            if is_new
                && !self.args.json
                && let Some(score) = &file.score
            {
                self.line(&explanation(file, score))?;
            }
            printed += file.lines.len().max(1);
            for (nth, hit) in hits.by_ref().take(file.lines.len().max(1)).enumerate() {
                match (self.args.json, self.args.ripgrep.vimgrep) {
                    (true, _) => self.json(&hit)?,
                    (_, true) => self.each_match(&hit)?,
                    (false, false) => self.hit(file, nth, &hit, is_new && nth == 0)?,
                }
            }
        }
        self.room = self.room.map(|room| room.saturating_sub(printed));
        Ok(self.room)
    }

    /// Counts a file; whether it is another than the last.
    fn begin(&mut self, file: &FileMatch) -> bool {
        self.n_lines += file.lines.len() as u64;
        let this = (file.repository, file.refs.clone(), file.path.clone());
        let is_new = self.last_file.as_ref() != Some(&this);
        self.n_files += u64::from(is_new);
        self.last_file = Some(this);
        is_new
    }

    /// A line for each match of a line, as editors read them.
    fn each_match(&mut self, hit: &Hit) -> anyhow::Result<()> {
        let Some(found) = &hit.line else { return self.line(&hit.render(self.colour)) };
        let Some((first, _)) = found.ranges.first().copied() else { return self.line(&hit.render(self.colour)) };
        for range in &found.ranges {
            let between = found.text.get(first as usize..range.0 as usize).unwrap_or_default();
            let column = found.column + between.chars().count() as u64;
            let line = HitLine { column, ranges: vec![*range], ..found.clone() };
            self.line(&Hit { line: Some(line), ..hit.clone() }.render(self.colour))?;
        }
        Ok(())
    }

    /// A matching line with what is around it.
    fn hit(&mut self, file: &FileMatch, nth: usize, hit: &Hit, is_first: bool) -> anyhow::Result<()> {
        let (Some(line), Some(around)) = (file.lines.get(nth), file.around.get(nth)) else {
            return self.line(&hit.render(self.colour));
        };
        let number = line.line;
        self.flush_later(if is_first { u64::MAX } else { number })?;
        let known = if is_first { 0 } else { self.around.last_line };
        let first = number - around.before.len() as u64;
        if self.n_files + u64::from(!is_first) > 1 && (is_first || first > known + 1) {
            self.line("--")?;
        }
        for (number, text) in (first..).zip(&around.before).filter(|(number, _)| *number > known) {
            self.line(&hit.render_around(number, text, self.colour))?;
        }
        self.line(&hit.render(self.colour))?;
        self.around.last_line = number;
        let later = (number + 1..).zip(&around.after);
        self.around.later =
            later.map(|(number, text)| (number, hit.render_around(number, text, self.colour))).collect();
        Ok(())
    }

    /// Prints what follows the last match, as far as the line `before`.
    fn flush_later(&mut self, before: u64) -> anyhow::Result<()> {
        for (number, text) in std::mem::take(&mut self.around.later) {
            if number < before {
                self.line(&text)?;
                self.around.last_line = number;
            }
        }
        Ok(())
    }

    /// Prints what comes after the last page; whether anything was found.
    pub fn finish(mut self, result: &SearchResult, tree: Option<&WorkingTree>) -> anyhow::Result<bool> {
        self.flush_later(u64::MAX)?;
        let complete = result.complete && tree.is_none_or(|tree| tree.unread.is_empty());
        if self.args.count {
            let n = if self.has_text { self.totals.lines } else { self.totals.files };
            self.line(&n.to_string())?;
        } else if self.args.json {
            let mut summary = summary(result);
            summary.matches = summary.matches.max(self.n_lines).max(self.totals.lines);
            summary.files = summary.files.max(self.n_files).max(self.totals.files);
            summary.commit = summary.commit.filter(|commit| commit.bytes().any(|digit| digit != b'0'));
            summary.facets = self.facets.take();
            summary.complete = complete;
            summary.reason = summary.reason.or_else(|| (!complete).then(|| "unread".to_owned()));
            summary.hidden = self.hidden.map(HiddenFiles::from);
            summary.left_out = tree.into_iter().flat_map(left_out).collect();
            summary.notes = self.all_notes(result, tree);
            summary.tree = tree.map(state);
            summary.behind = tree.and_then(|tree| tree.behind).map(|behind| behind as u64);
            self.json(&summary)?;
        }
        self.facets()?;
        let is_found = self.totals.files > 0 || result.totals.files > 0 || self.n_files > 0;
        let said = (!self.args.json).then(|| self.said(result, tree));
        // A pager comes first: what is said beside the answer stays below it.
        self.out.finish()?;
        said.into_iter().flatten().for_each(|line| eprintln!("{}", printable(&line)));
        Ok(is_found)
    }

    /// A line a facet: its values, each with the number of files.
    fn facets(&mut self) -> anyhow::Result<()> {
        let Some(FacetList { languages, folders, repositories, classes, .. }) = self.facets.take() else {
            return Ok(());
        };
        let all = [("language", languages), ("folder", folders), ("repository", repositories), ("class", classes)];
        for (name, values) in all.into_iter().filter(|(_, values)| !values.is_empty()) {
            let value = |facet: &Facet| {
                format!("{} {}", if facet.value.is_empty() { "." } else { facet.value.as_str() }, facet.files)
            };
            let values: Vec<String> = values.iter().map(value).collect();
            self.line(&printable(&format!("{name}: {}", values.join(", "))))?;
        }
        Ok(())
    }

    /// What a reader should know, in sentences.
    fn all_notes(&self, result: &SearchResult, tree: Option<&WorkingTree>) -> Vec<String> {
        let mut notes = hidden_notes(self.hidden);
        notes.extend(near_notes(&result.near).chain(self.notes.iter().cloned()));
        if result.n_skipped > 0 && self.args.json {
            notes.push(format!("{} paths of the searched commits are not in the index", result.n_skipped));
        }
        let Some(tree) = tree else { return notes };
        let listed = if self.args.left_out || self.args.json { "" } else { ": `--left-out` lists them" };
        match tree.unread.len() {
            0 => {}
            n => notes.push(format!(
                "the {n} largest of the changed files were not searched, since there is more than 512 MiB of text in them: \
                 commit them and run `kotadb index`, or let git ignore them{listed}"
            )),
        }
        if !tree.left_out.is_empty() {
            notes.push(format!("{} changed paths cannot be searched ({}){listed}", tree.left_out.len(), reasons(tree)));
        }
        notes
    }

    /// The same for whoever watches, a line each.
    fn said(&self, result: &SearchResult, tree: Option<&WorkingTree>) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.args.count && !result.complete {
            let what = if self.args.files { "files" } else { "lines" };
            lines.push(format!("stopped at {} {what}: --limit 0 prints all of them", self.args.limit));
        }
        lines.extend(self.all_notes(result, tree).iter().map(|note| format!("note: {note}")));
        let left = tree.into_iter().flat_map(left_out).filter(|_| self.args.left_out);
        lines.extend(left.map(|LeftOut { path, reason, .. }| format!("left out: {path} ({reason})")));
        lines
    }

    fn json(&mut self, value: &impl serde::Serialize) -> anyhow::Result<()> {
        self.out.json(value)
    }

    /// What is rendered holds no control character but our colours.
    fn line(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.out.painted(text)?)
    }
}

/// `path: score = part 1 + part 2`
fn explanation(file: &FileMatch, score: &Score) -> String {
    let parts =
        score.parts().map(|(signal, points)| format!("{} {points}", signal.name())).collect::<Vec<_>>().join(" + ");
    format!("{}: {} = {parts}", printable(&path_text(&file.path).0), score.total())
}

fn state(tree: &WorkingTree) -> String {
    match tree.n_changed {
        0 => "clean".to_owned(),
        n => format!("dirty({n})"),
    }
}

/// What of the working tree was not searched, by path.
fn left_out(tree: &WorkingTree) -> Vec<LeftOut> {
    let left = tree.left_out.iter().map(|Skipped { path, reason }| (path, reason.name()));
    let mut all: Vec<_> = left.chain(tree.unread.iter().map(|path| (path, "unread"))).collect();
    all.sort_unstable();
    let line = |(path, reason): (&Vec<u8>, &str)| {
        let (path, path_lossy) = path_text(path);
        LeftOut { path, path_lossy, reason: reason.to_owned() }
    };
    all.into_iter().map(line).collect()
}

/// How many paths are left out for each reason.
fn reasons(tree: &WorkingTree) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    tree.left_out.iter().for_each(|skipped| *counts.entry(skipped.reason.name()).or_default() += 1);
    counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use kotadb_core::id::{ObjectId, RepositoryId};
    use kotadb_core::query::{self, Entry, Plan};
    use kotadb_core::segment::Class;
    use kotadb_core::text::Language;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_explanation_names_each_part_of_the_score_and_their_sum() {
        let language = Language::from_name("c").unwrap();
        let (path, class) = (&b"tests/open.c"[..], Class::Test);
        let plan = Plan::new(&query::parse("open").unwrap()).unwrap();
        let score = plan.score(Entry::new(path, language), class, &b"int open(int a)\n{\n\topen(b);\n"[..]);
        let file = FileMatch {
            repository: RepositoryId(Uuid::nil()),
            repository_name: "acme/one".to_owned(),
            refs: vec!["refs/heads/main".to_owned()],
            commit: ObjectId([0; 20]),
            path: path.to_vec(),
            class,
            language,
            score: Some(score),
            lines: Vec::new(),
            around: Vec::new(),
            symbols: Vec::new(),
        };
        let text = explanation(&file, &score);
        let (sum, parts) = text.strip_prefix("tests/open.c: ").unwrap().split_once(" = ").unwrap();
        assert_eq!(parts, "definition 5000 + word 500 + case 300 + name 3000 + other lines 80 + class -1000");
        let told: Vec<(&str, i32)> = parts
            .split(" + ")
            .map(|part| part.rsplit_once(' ').unwrap())
            .map(|(name, points)| (name, points.parse().unwrap()))
            .collect();
        assert_eq!(told, score.parts().map(|(signal, points)| (signal.name(), points)).collect::<Vec<_>>());
        assert_eq!(sum.parse::<i32>().unwrap(), told.iter().map(|(_, points)| points).sum::<i32>());
    }
}
