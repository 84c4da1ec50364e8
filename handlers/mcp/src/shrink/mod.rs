//! How each answer becomes smaller, step by step: first what is round the facts, then the rarer of them, then only how many
//! there are and where. Nothing is cut in the middle, and each step says how to ask for less.

use std::collections::BTreeMap;

use kotadb_core::wire::files::FileText;
use kotadb_core::wire::relations::{
    CallList, DefinitionList, DependencyList, ImpactReport, MemberList, RepositoryMap, SymbolDetail, SymbolRef,
};
use kotadb_core::wire::search::{Facet, FacetList, SearchList, printable};
use kotadb_core::wire::symbols::{SymbolItem, SymbolList};
use kotadb_core::wire::{IndexState, List};
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::question::CodeAnswer;

/// Characters of a line that are left of it where there is too much.
const LINE: usize = 120;
/// Items below which only counts are given.
const FEW: usize = 4;
/// Sites of one caller that are left.
const SITES: usize = 2;

/// End of the note that says how many paths an index has not.
const LEFT_OUT: &str = "are not in the index";
/// Start of the note that names symbols which are called nearly so.
const NEAR: &str = "no symbol is called";
const NARROWER: &str = "ask for less with a filter, or give a higher `max_tokens`";

/// By way of text, as the routes write it: a share of 0.95 would become 0.949999988079071 otherwise.
pub fn to_value(wire: &impl Serialize) -> Value {
    let text = serde_json::to_string(wire).expect("an answer is JSON");
    serde_json::from_str(&text).expect("what was just written is JSON")
}

/// The first half; how many there were is said by the first step that takes some.
fn halve<T>(items: &mut Vec<T>, what: &str) -> Option<String> {
    if items.is_empty() {
        return None;
    }
    items.truncate(items.len() / 2);
    Some(format!("left out: only the first {} {what} are shown: {NARROWER}", items.len()))
}

/// Takes those away that are tests, or lie in one, where others are left.
fn without_tests<T>(items: &mut Vec<T>, symbol: impl Fn(&T) -> &SymbolRef) -> Option<String> {
    let n = items.iter().filter(|item| symbol(item).test).count();
    if n == 0 || n == items.len() {
        return None;
    }
    items.retain(|item| !symbol(item).test);
    Some(format!("{n} tests are left out: {NARROWER}"))
}

/// Says whether it was too long. One that was cut before is not.
fn cut(text: &mut String, most: usize) -> bool {
    let mut ends = text.char_indices().map(|(end, _)| end).skip(most);
    let (Some(end), Some(_)) = (ends.next(), ends.next()) else { return false };
    text.truncate(end);
    text.push('…');
    true
}

impl Answer for SearchList {
    /// Lines of one file stand below its path; where there is a context, with the lines round them.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut last = None;
        for hit in &self.list.items {
            let repository = hit.repository.as_deref().unwrap_or_default();
            if last != Some((repository, &hit.path)) {
                last = Some((repository, &hit.path));
                lines.push(hit.path.clone());
            }
            let Some(line) = &hit.line else { continue };
            let before = line.before.iter().zip(line.line - line.before.len() as u64..);
            lines.extend(before.map(|(text, number)| format!("  {number}- {text}")));
            lines.push(format!("  {}: {}", line.line, line.text.trim_end()));
            lines.extend(line.after.iter().zip(line.line + 1..).map(|(text, number)| format!("  {number}- {text}")));
        }
        lines.extend(self.list.notes.iter().cloned());
        let folders = self.facets.iter().flat_map(|facets| &facets.folders);
        lines.extend(folders.map(|Facet { value, files }| format!("{value}/: {files} files")));
        lines
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    /// That files are left out matters to whoever finds nothing. What names symbols of a repository stays among the data.
    fn take_notes(&mut self) -> Vec<String> {
        let notes = std::mem::take(&mut self.list.notes);
        let (quoting, mut notes): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| note.starts_with(NEAR));
        self.list.notes = quoting;
        notes.retain(|note| self.list.items.is_empty() || !note.ends_with(LEFT_OUT));
        notes
    }

    fn shrink(&mut self) -> Option<String> {
        let items = &mut self.list.items;
        let mut changed = false;
        for line in items.iter_mut().filter_map(|hit| hit.line.as_mut()) {
            changed |= !(line.before.is_empty() && line.after.is_empty());
            line.before.clear();
            line.after.clear();
        }
        if changed {
            return Some(format!("context is left out: {}", NARROWER));
        }
        for line in items.iter_mut().filter_map(|hit| hit.line.as_mut()) {
            let is_cut = cut(&mut line.text, LINE);
            line.cut |= is_cut;
            changed |= is_cut;
        }
        if changed {
            return Some(format!("long lines are cut: {}", NARROWER));
        }
        let (before, mut last) = (items.len(), None);
        items.retain(|hit| {
            last.replace((hit.repository.clone(), hit.path.clone())) != Some((hit.repository.clone(), hit.path.clone()))
        });
        if items.len() < before {
            self.list.next_cursor = None;
            return Some(format!("left out: of each file one line is shown: {}", NARROWER));
        }
        if items.len() > FEW {
            self.list.next_cursor = None;
            return halve(items, "files");
        }
        if items.is_empty() {
            let is_more = self.facets.take().is_some() | !std::mem::take(&mut self.list.notes).is_empty();
            return is_more.then(|| format!("left out: nothing fits: {NARROWER}"));
        }
        self.facets = Some(by_folder(&std::mem::take(items)));
        Some(format!("left out: only folders of the first matches are shown: {NARROWER}"))
    }
}

fn by_folder(items: &[kotadb_core::wire::search::Hit]) -> FacetList {
    let mut folders = BTreeMap::<String, u64>::new();
    for hit in items {
        let folder = hit.path.split_once('/').map_or("", |(folder, _)| folder);
        *folders.entry(folder.chars().take(40).collect()).or_default() += 1;
    }
    let folders = folders.into_iter().map(|(value, files)| Facet { value, files }).collect();
    FacetList { folders, ..FacetList::default() }
}

impl Answer for SymbolList {
    fn lines(&self) -> Vec<String> {
        self.list.items.iter().map(SymbolItem::render).collect()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.list.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        let mut changed = false;
        for item in &mut self.list.items {
            changed |= cut(&mut item.signature, LINE / 2) || !item.other_refs.is_empty();
            item.other_refs.clear();
        }
        if changed {
            return Some(format!("long signatures are cut: {NARROWER}"));
        }
        halve(&mut self.list.items, "symbols")
    }
}

impl Answer for DefinitionList {
    fn lines(&self) -> Vec<String> {
        self.lines()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        halve(&mut self.items, "definitions")
    }
}

impl Answer for SymbolDetail {
    fn lines(&self) -> Vec<String> {
        self.lines()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        if self.doc.len() > FEW {
            self.doc.truncate(FEW);
            return Some("words above it are cut: `read_file` has them".to_owned());
        }
        if !self.body.is_empty() {
            self.body.truncate(self.body.len() * 2 / 3);
            let (n, start, end) = (self.body.len(), self.start_line, self.end_line);
            return Some(format!(
                "left out: its first {n} lines are shown, of {start} to {end}: `read_file` has the rest"
            ));
        }
        if !self.doc.is_empty() {
            self.doc.clear();
            return Some("words above it are left out: `read_file` has them".to_owned());
        }
        halve(&mut self.candidates, "candidates")
    }
}

impl Answer for CallList {
    fn lines(&self) -> Vec<String> {
        self.compact()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        let mut changed = false;
        for site in self.items.iter_mut().flat_map(|item| &mut item.sites) {
            changed |= cut(&mut site.text, LINE / 2);
        }
        if changed {
            return Some(format!("long lines are cut: {NARROWER}"));
        }
        for most in [SITES, 1] {
            for item in self.items.iter_mut().filter(|item| item.sites.len() > most) {
                item.sites.truncate(most);
                changed = true;
            }
            if changed {
                return Some(format!("sites are left out: of each symbol {most} are shown: {NARROWER}"));
            }
        }
        halve(&mut self.candidates, "candidates")
            .or_else(|| without_tests(&mut self.items, |item| &item.symbol))
            .or_else(|| halve(&mut self.items, "symbols"))
    }
}

impl Answer for MemberList {
    fn lines(&self) -> Vec<String> {
        self.compact()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        halve(&mut self.candidates, "candidates")
            .or_else(|| without_tests(&mut self.items, |item| &item.symbol))
            .or_else(|| halve(&mut self.items, "symbols"))
    }
}

impl Answer for DependencyList {
    fn lines(&self) -> Vec<String> {
        self.lines()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn shrink(&mut self) -> Option<String> {
        if !self.component.is_empty() {
            self.component.clear();
            return Some("files of the same circle are left out".to_owned());
        }
        if self.cycles.len() > 1 {
            self.cycles.truncate(1);
            return Some("circles but the shortest are left out".to_owned());
        }
        halve(&mut self.items, "files").or_else(|| halve(&mut self.cycles, "circles"))
    }
}

impl Answer for ImpactReport {
    fn lines(&self) -> Vec<String> {
        self.compact()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        if self.unclear.iter().any(|unclear| unclear.candidates.len() > FEW) {
            self.unclear.iter_mut().for_each(|unclear| unclear.candidates.truncate(FEW));
            return Some("candidates are left out: `find_definition` lists them".to_owned());
        }
        let (items, tests) = (self.items.len(), self.tests.len());
        let longest = if tests > items { &mut self.tests } else { &mut self.items };
        halve(longest, "symbols and tests")
            .or_else(|| halve(&mut self.entry_points, "entry points"))
            .or_else(|| halve(&mut self.changed, "changed symbols"))
            .or_else(|| halve(&mut self.unknown_files, "unknown files"))
            .or_else(|| halve(&mut self.unclear, "unclear names"))
    }
}

impl Answer for RepositoryMap {
    fn lines(&self) -> Vec<String> {
        self.text.lines().map(str::to_owned).collect()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The most important files come first.
    fn shrink(&mut self) -> Option<String> {
        let n = self.text.lines().count();
        if n == 0 {
            return None;
        }
        self.text = self.text.lines().take(n * 3 / 4).map(|line| format!("{line}\n")).collect();
        self.bytes = self.text.len() as u64;
        self.tokens_estimate = self.bytes.div_ceil(4);
        self.truncated = true;
        Some("the end of the map is left out: give a higher `max_tokens`, or a `focus` or `path`".to_owned())
    }
}

impl Answer for FileText {
    fn lines(&self) -> Vec<String> {
        let head = format!("{} lines {}-{} of {}", self.path, self.first_line, self.last_line, self.lines);
        let lines = self.text.lines().zip(self.first_line..);
        std::iter::once(head).chain(lines.map(|(line, number)| format!("{number}: {line}"))).collect()
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn shrink(&mut self) -> Option<String> {
        let n = self.text.lines().count();
        if n > 1 {
            self.text = self.text.split_inclusive('\n').take(n * 2 / 3).collect();
        } else if cut(&mut self.text, LINE) {
            self.cut = true;
        } else {
            return None;
        }
        self.last_line = self.first_line + self.text.lines().count() as u64 - 1;
        self.next_line = (self.last_line < self.lines).then_some(self.last_line + 1);
        Some("left out: go on with `start` at `next_line`".to_owned())
    }
}

impl Answer for IndexState {
    fn lines(&self) -> Vec<String> {
        vec![printable(&self.line())]
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn shrink(&mut self) -> Option<String> {
        self.detail.take().map(|_| "details are left out".to_owned())
    }
}

impl Answer for List<IndexState> {
    fn lines(&self) -> Vec<String> {
        self.items.iter().map(|item| printable(&item.line())).collect()
    }

    fn value(&self) -> Value {
        json!({ "items": self.items, "total": self.total, "total_is_exact": self.total_is_exact, "truncated": self.truncated })
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        halve(&mut self.items, "repositories")
    }
}

macro_rules! each {
    ($self:ident, $answer:ident => $call:expr) => {
        match $self {
            CodeAnswer::Definition($answer) => $call,
            CodeAnswer::Symbol($answer) => $call,
            CodeAnswer::Calls($answer) => $call,
            CodeAnswer::Members($answer) => $call,
            CodeAnswer::Dependencies($answer) => $call,
            CodeAnswer::Impact($answer) => $call,
            CodeAnswer::Map($answer) => $call,
        }
    };
}

impl Answer for CodeAnswer {
    fn lines(&self) -> Vec<String> {
        each!(self, answer => Answer::lines(answer))
    }

    fn value(&self) -> Value {
        each!(self, answer => Answer::value(answer))
    }

    fn take_notes(&mut self) -> Vec<String> {
        each!(self, answer => answer.take_notes())
    }

    fn shrink(&mut self) -> Option<String> {
        each!(self, answer => answer.shrink())
    }
}

#[cfg(test)]
mod tests;
