//! `get_task_context`: for a task in words, the symbols and files to begin with. Names of code among the words are looked for as
//! symbols; what calls them, and the tests that reach them, come with them.

use std::collections::BTreeSet;

use kotadb_core::graph::ask::Reach;
use kotadb_core::search::commit::{Changed, ImpactRequest};
use kotadb_core::search::relations::ChangeSource;
use kotadb_core::wire::relations::{ImpactItem, SymbolRef};
use kotadb_core::wire::symbols::SymbolItem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::arguments::{SymbolsArguments, TaskArguments};
use crate::ground::{Ground, Place, Refusal, Told};
use crate::question::{CodeAnswer, CodeQuestion};
use crate::shrink::to_value;

/// Words that are looked for.
const WORDS: usize = 8;
/// Symbols of one word.
const EACH: u32 = 3;
/// Shortest word that may be a name.
const SHORTEST: usize = 3;

/// What to begin with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskContext {
    /// Symbols whose names the task mentions, the best of each word first.
    pub symbols: Vec<SymbolItem>,
    /// What a change of the best of them may touch.
    pub touched: Vec<SymbolRef>,
    /// Tests that reach them.
    pub tests: Vec<SymbolRef>,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

/// What to begin with for a task.
pub async fn context<G: Ground>(
    ground: &G,
    place: &Place,
    arguments: &TaskArguments,
) -> Result<Told<TaskContext>, Refusal> {
    let mut told = Told::<TaskContext>::default();
    let mut names: Vec<String> = arguments.files.clone();
    for word in words(&arguments.task) {
        let asked = SymbolsArguments { name: word, limit: Some(EACH), ..SymbolsArguments::default() };
        let found = ground.symbols(place, &asked).await?;
        told.freshness = found.freshness;
        let items = found.answer.list.items.into_iter();
        let known: BTreeSet<_> = told.answer.symbols.iter().map(|item| item.id.clone()).collect();
        let good = items.filter(|item| matches!(item.matched.as_str(), "exact" | "case") && !known.contains(&item.id));
        told.answer.symbols.extend(good);
    }
    names.extend(told.answer.symbols.iter().take(WORDS).map(|item| item.id.clone()));
    if names.is_empty() {
        told.answer
            .notes
            .push("no word of the task is the name of a symbol: `search_code` finds other words".to_owned());
        return Ok(told);
    }
    let (changed, reach) = (Changed::Source(ChangeSource::Named(names)), Reach { depth: 3, ..Reach::default() });
    let asked = ground.ask(place, &CodeQuestion::Impact(ImpactRequest { changed, reach })).await?;
    if let CodeAnswer::Impact(report) = asked.answer {
        let symbols = |items: Vec<ImpactItem>| items.into_iter().map(|item| item.symbol).collect();
        (told.answer.touched, told.answer.tests) = (symbols(report.items), symbols(report.tests));
    }
    told.freshness = asked.freshness;
    Ok(told)
}

/// Words that may be names: with an underscore or an inner upper case letter first, in the order of the text.
fn words(task: &str) -> Vec<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let all = task.split(|c: char| !is_part(c)).filter(|word| word.chars().count() >= SHORTEST);
    let mut seen = BTreeSet::new();
    let all: Vec<_> = all.filter(|word| seen.insert(*word)).collect();
    let is_name = |word: &str| word.contains('_') || word.chars().skip(1).any(char::is_uppercase);
    let (names, others): (Vec<&str>, Vec<&str>) = all.into_iter().partition(|word| is_name(word));
    names.into_iter().chain(others).take(WORDS).map(ToOwned::to_owned).collect()
}

impl Answer for TaskContext {
    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.symbols.iter().map(SymbolItem::render).collect();
        for (name, symbols) in [("touched", &self.touched), ("tests", &self.tests)] {
            if !symbols.is_empty() {
                lines.push(format!("{name}:"));
            }
            lines.extend(symbols.iter().map(|symbol| format!("  {}", symbol.line_text())));
        }
        lines
    }

    fn value(&self) -> Value {
        to_value(self)
    }

    fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    fn shrink(&mut self) -> Option<String> {
        let longest = if self.tests.len() > self.touched.len() { &mut self.tests } else { &mut self.touched };
        if !longest.is_empty() {
            longest.truncate(longest.len() / 2);
            return Some("left out: only the likeliest are shown: `analyze_impact` has the rest".to_owned());
        }
        if self.symbols.is_empty() {
            return None;
        }
        self.symbols.truncate(self.symbols.len() / 2);
        Some("left out: only the first symbols are shown: `search_symbols` has the rest".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_code_come_before_words() {
        assert_eq!(
            words("make the pool_size of ConnectionPool an option of it"),
            ["pool_size", "ConnectionPool", "make", "the", "pool", "option",]
                .into_iter()
                .filter(|word| *word != "pool")
                .collect::<Vec<_>>()
        );
    }
}
