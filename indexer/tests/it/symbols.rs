//! Symbols in segments: which documents are seen again when the version of an extractor is raised, what merges keep, and what
//! a text costs with which extractors fare badly.

use std::time::Duration;

use kotadb_core::facts::{Facts, Span, Symbol, SymbolKind};
use kotadb_core::search::commit::{CommitRequest, DefinitionRequest};
use kotadb_core::search::{Searcher, SymbolRequest};
use kotadb_core::text::{self, Language};
use kotadb_core::wire::relations::GraphState;
use kotadb_indexer::extract;
use kotadb_indexer::extractors::Extractors;
use kotadb_indexer::local::{self, LocalOptions};
use kotadb_indexer::summary::Summary;

use crate::support::{Repository, block_on, index};

/// The qualified names and lines that a look-up of the local index finds.
fn find(repository: &Repository, name: &str) -> Vec<(String, u32)> {
    let index = local::open(repository.path()).unwrap();
    let request = SymbolRequest::new(index.tenant, vec![index.visible()], name);
    let answer = block_on(Searcher::new(index.store.clone(), 1 << 20).symbols(&request)).unwrap();
    answer.symbols.iter().map(|hit| (hit.id(), hit.row.line)).collect()
}

fn named(id: &str, line: u32) -> (String, u32) {
    (id.to_owned(), line)
}

#[test]
fn definitions_are_found_by_name() {
    let repository = Repository::new();
    repository.write("a.py", "class Pool:\n    def acquire(self):\n        pass\n");
    repository.write("notes.txt", "class Pool:\n");
    repository.commit();
    let summary = index(repository.path());
    assert_eq!((summary.code.symbols, summary.code.skipped.len()), (2, 0));
    assert_eq!(find(&repository, "acquire"), [named("a.py#Pool.acquire", 2)]);
    assert_eq!(find(&repository, "pool"), [named("a.py#Pool", 1)]);
}

/// Words behind `def` and `fn`; the version of Rust's extractor is 1 or, raised, 2, which also knows `struct`.
fn words(text: &[u8], keywords: &[&str]) -> Facts {
    let (mut facts, mut is_next) = (Facts::default(), false);
    for word in text::words(text) {
        let name = String::from_utf8_lossy(&text[word.clone()]).into_owned();
        if is_next {
            let span = Span { start: word.start as u32, end: word.end as u32 };
            let symbol = Symbol { name: name.as_str().into(), name_span: span, ..Symbol::new(SymbolKind::Function) };
            facts.symbols.push(Symbol { range: span, signature: span, ..symbol });
        }
        is_next = keywords.contains(&name.as_str());
    }
    facts.number_lines(text);
    facts
}

fn is(language: Language, name: &str) -> bool {
    language.name() == name
}

const FIRST: Extractors = Extractors {
    version: |language| (is(language, "rust") || is(language, "python")).then_some(1),
    extract: |_, text, _: Duration| Some(words(text, &["def", "fn"])),
};

const RAISED: Extractors = Extractors {
    version: |language| if is(language, "rust") { Some(2) } else { (FIRST.version)(language) },
    extract: |_, text, _: Duration| Some(words(text, &["def", "fn", "struct"])),
};

fn index_with(repository: &Repository, extractors: Extractors) -> Summary {
    let options = LocalOptions { extractors, ..LocalOptions::default() };
    local::index(repository.path(), &options, &mut |_| {}).unwrap()
}

#[test]
fn a_raised_version_has_exactly_its_documents_seen_again() {
    let repository = Repository::new();
    for n in 0..5 {
        repository.write(&format!("{n}.rs"), format!("fn one_{n} struct Two{n}"));
        repository.write(&format!("{n}.py"), format!("def three_{n} struct Four{n}"));
        repository.write(&format!("{n}.c"), format!("int five_{n}"));
    }
    repository.commit();
    assert_eq!(index_with(&repository, FIRST).new_documents, 15);
    assert!(index_with(&repository, FIRST).unchanged);
    assert_eq!(find(&repository, "Two3"), []);

    let raised = index_with(&repository, RAISED);
    assert_eq!((raised.new_documents, raised.code.symbols, raised.unchanged), (5, 10, false));
    assert_eq!((raised.graphs, raised.graphs_failed), (1, 0), "a graph of the earlier facts is not built upon");
    assert_eq!(find(&repository, "Two3"), [named("3.rs#Two3", 1)]);
    assert_eq!(find(&repository, "one_3"), [named("3.rs#one_3", 1)]);
    assert_eq!(find(&repository, "three_3"), [named("3.py#three_3", 1)], "those of others are as they were");
    assert_eq!(find(&repository, "Four3"), []);
    assert!(index_with(&repository, RAISED).unchanged);
}

#[test]
fn until_they_are_seen_again_answers_say_that_symbols_are_pending() {
    let repository = Repository::new();
    repository.write("a.py", "def one(): pass\n");
    repository.commit();
    let none = Extractors { version: |_| None, extract: |_, _, _| None };
    index_with(&repository, none);
    let is_pending = || {
        let index = local::open(repository.path()).unwrap();
        let request = SymbolRequest::new(index.tenant, vec![index.visible()], "one");
        let searcher = Searcher::new(index.store.clone(), 1 << 20);
        let answer = block_on(searcher.symbols(&request)).unwrap();
        let tip = block_on(index.choose(None)).unwrap().unwrap().tip;
        let state = GraphState::of(None, &block_on(searcher.indexed(index.tenant, &tip)).unwrap());
        assert!(state.indexed_at.is_some() && state.commit == Some(tip.commit.to_string()));
        let asked = DefinitionRequest { symbol: "one".to_owned() };
        let commit = CommitRequest::new(index.tenant, index.visible());
        let asked = block_on(searcher.ask(&commit, &asked)).unwrap();
        assert_eq!(GraphState::of_commit(&asked.state).symbols, state.symbols, "the same by every way");
        (answer.pending, state.symbols, state.resolution, answer.symbols.len())
    };
    let names_are_pending = Some("pending".to_owned());
    assert_eq!(is_pending(), (true, names_are_pending, "graph".to_owned(), 0));
    index(repository.path());
    assert_eq!(is_pending(), (false, None, "graph".to_owned(), 1));
}

#[test]
fn merges_keep_symbols_and_the_versions_that_found_them() {
    let repository = Repository::new();
    // So many commits that their segments are merged.
    for n in 0..16 {
        repository.write(&format!("{n}.rs"), format!("fn one_{n}"));
        repository.write(&format!("{n}.py"), format!("def two_{n}"));
        repository.commit();
        index_with(&repository, FIRST);
    }
    let index = local::open(repository.path()).unwrap();
    let (root, _) = block_on(index.store.head(index.tenant)).unwrap();
    assert!(root.segments.len() < 16, "{} segments", root.segments.len());
    for n in 0..16 {
        assert_eq!(find(&repository, &format!("one_{n}"))[0], named(&format!("{n}.rs#one_{n}"), 1));
        assert_eq!(find(&repository, &format!("two_{n}"))[0], named(&format!("{n}.py#two_{n}"), 1));
    }
    assert!(index_with(&repository, FIRST).unchanged);
    assert_eq!(index_with(&repository, RAISED).new_documents, 16, "those of one language");
}

#[test]
fn a_text_that_an_extractor_fares_badly_with_is_searchable_all_the_same() {
    let broken = Extractors {
        extract: |language, text, _| {
            let mut facts = words(text, &["def", "fn"]);
            let beyond = Span { start: 0, end: u32::MAX };
            facts.symbols.iter_mut().filter(|_| is(language, "rust")).for_each(|symbol| symbol.range = beyond);
            Some(facts)
        },
        ..FIRST
    };
    let repository = Repository::new();
    repository.write("a.rs", "fn one").write("b.py", "def two");
    repository.commit();
    let summary = index_with(&repository, broken);
    assert_eq!((summary.files, summary.new_documents, summary.code.symbols), (2, 2, 1));
    assert_eq!(summary.code.skipped.iter().collect::<Vec<_>>(), [(&"unreadable", &1)]);
    assert_eq!((find(&repository, "one"), find(&repository, "two")), (vec![], vec![named("b.py#two", 1)]));
    assert!(index_with(&repository, broken).unchanged, "and is not tried again");
}

#[test]
fn a_text_that_is_too_long_has_no_symbols_and_says_so() {
    let repository = Repository::new();
    repository.write("a.py", format!("def one(): pass\n{}", "x = 1\n".repeat(extract::MAX_BYTES / 5)));
    repository.commit();
    let summary = index(repository.path());
    assert_eq!((summary.files, summary.code.symbols), (1, 0));
    assert_eq!(summary.code.skipped.iter().collect::<Vec<_>>(), [(&"too_large", &1)]);
}
