//! Queries made to take for ever, to fill memory or to break the parser: each is answered as a plain scan answers it, or
//! refused with what to do; and a search that is stopped comes to an end page by page.

use std::path::Path;
use std::time::Instant;

use kotadb_core::query;
use kotadb_core::search::{Budget, Page, SearchError, SearchRequest, SearchResult, Searcher};
use kotadb_core::segment::Class;
use kotadb_core::text::Language;

use super::index::{File, Index, Repository};
use super::{CACHE, block_on, found, publish, twin};

fn file(path: &str, content: &[u8]) -> File {
    File { path: path.into(), content: content.to_vec(), class: Class::Source, language: Language::TEXT }
}

fn repository(files: Vec<File>) -> Vec<Repository> {
    vec![Repository { name: "acme/one".to_owned(), refs: vec![("refs/heads/main".to_owned(), files)] }]
}

/// Source as people write it, with a line as machines write it, one of a single letter, and bytes that are no text.
fn real_texts() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/query");
    let mut files: Vec<File> = ["finder.rs", "parse.rs", "syntax.md", "suggest.rs"]
        .map(|name| file(name, &std::fs::read(folder.join(name)).unwrap()))
        .into();
    let minified = files[0].content.iter().filter(|byte| **byte != b'\n').copied().collect::<Vec<_>>();
    files.push(file("t.min.js", &minified));
    files.push(file("u.txt", &[b'a'; 2_000]));
    files.push(file("v.txt", b"\xFF\xFE caf\xC3\xA9 \xE2\x84\xAA\n\r\n\xC3\n"));
    files
}

/// Regexes that are answered.
fn answered() -> Vec<String> {
    let words = (b'a'..=b'z').flat_map(|a| (b'a'..=b'r').map(move |b| String::from_utf8(vec![a, b]).unwrap()));
    let mut regexes = [
        ".*.*.*x",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$",
        "(a*)*(a*)*(a*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(x+x+)+y",
        "(?:a?){300}a{300}",
        "[ab]{0,9000}c",
        "(.{1,32}){1,16}!",
        "(?:)",
        "x*",
        "",
        "^",
        "$",
        "^$",
        ".*",
        ".",
        r"\b",
        r"[^\n]*",
        "(?i)[k-s]{3}",
        r"(?i)\p{Lu}{4}",
        r"\PL{3}",
        r"[\x{80}-\x{10FFFF}]+",
        r"(?-u:[\x80-\xFF])",
        "(?s-u:.){4}",
        r"\w{20}",
        "[[:alpha:]&&[^aeiou]]{6}",
        "(?x) a # b",
    ]
    .map(str::to_owned)
    .to_vec();
    regexes.push(words.take(300).collect::<Vec<_>>().join("|"));
    regexes.push(format!("{}a{}", "(".repeat(200), ")".repeat(200)));
    regexes.push(format!("{}a{}", "(?:".repeat(100), ")*".repeat(100)));
    regexes.push(".*".repeat(400));
    regexes.retain(|regex| !regex.is_empty());
    regexes
}

/// Queries that are refused, with a word of the reason.
fn refused() -> Vec<(String, &'static str)> {
    let mut queries = [
        ("/((a{100}){100}){100}/", "larger than"),
        ("/(((((a{10}){10}){10}){10}){10}){10}/", "larger than"),
        (r"/\w{1000}/", "larger than"),
        (r"/(?i)\pL{500}/", "larger than"),
        (r"/(?:\w{30}){30}x/ path:a", "larger than"),
        (r"path:/(\w{100}){100}/", "larger than"),
        (r"type:path /(\w{100}){100}/", "larger than"),
        ("/a{1000000000}/", "larger than"),
        ("/a{99999999999}/", "invalid regex"),
        (r"/\1/", "invalid regex"),
        ("/(?=a)/", "invalid regex"),
        ("/(a/", "invalid regex"),
        ("/[z-a]/", "invalid regex"),
        (r"/\p{Nothing}/", "invalid regex"),
        (r"/(?-u:\xFF)\pL)/", "invalid regex"),
        (r"/a\nb/", "across lines"),
        ("path:[z-a]", "invalid glob"),
        ("path:{a,{b", "invalid glob"),
    ]
    .map(|(query, reason)| (query.to_owned(), reason))
    .to_vec();
    let many = |part: &str, times: usize| vec![part; times].join(" ");
    queries.push((format!("/{}a{}/", "(".repeat(300), ")".repeat(300)), "invalid regex"));
    queries.push((many(r"/\w{10}/", 100), "too large together"));
    queries.push((many(r"path:/\w{10}/", 70), "too large together"));
    queries.push(("a".repeat(1025), "more than 1024"));
    queries.push((format!("{}a{}", "(".repeat(65), ")".repeat(65)), "more than 64 nested"));
    queries.push((format!("a {}b", "NOT ".repeat(65)), "more than 64 nested"));
    queries.push((format!("a {}b", "-(".repeat(65)), "more than 64 nested"));
    queries
}

#[test]
fn hostile_regexes_find_what_a_plain_scan_finds() {
    let repositories = repository(real_texts());
    block_on(async {
        let (index, searcher) = publish(&repositories, 3).await;
        for pattern in answered() {
            let query = format!("/{}/ case:yes", pattern.replace('/', r"\/"));
            let regexes = [twin::regex(&pattern, false).unwrap()];
            let expected = twin::places(&repositories, false).iter().flat_map(|at| twin::scan(at, &regexes)).collect();
            let result = index.search(&searcher, &query).await;
            assert!(result.complete && found(&result) == expected, "{query}");
        }
    });
}

#[test]
fn what_is_refused_says_where_and_what_to_do() {
    for (text, reason) in refused() {
        let error = query::parse(&text).err().unwrap_or_else(|| panic!("`{text}` is taken"));
        assert!(error.message.contains(reason), "{text}: {error}");
        assert!((1..=text.chars().count() + 1).contains(&error.position) && error.help.len() > 10, "{text}: {error}");
    }
}

#[test]
fn the_deepest_and_longest_queries_are_answered() {
    let repositories = repository(real_texts());
    block_on(async {
        let (index, searcher) = publish(&repositories, 3).await;
        let count = async |query: String| index.search(&searcher, &query).await.totals.files;
        let all = count("fn".to_owned()).await;
        assert_eq!(count(format!("{}fn{}", "(".repeat(64), ")".repeat(64))).await, all);
        assert_eq!(count(format!("fn {}fn", "NOT ".repeat(64))).await, all);
        assert_eq!(count(vec!["fn"; 330].join(" ")).await, all);
        assert_eq!(count(vec!["fn"; 160].join(" OR ")).await, all);
        assert_eq!(count(format!("fn OR {}", "x".repeat(900))).await, all);
    });
}

/// Pages until the answer is complete, each by a process with an empty memory.
async fn pages(index: &Index, query: &str, budget: Budget) -> Vec<SearchResult> {
    let mut pages: Vec<SearchResult> = Vec::new();
    loop {
        let cursor = pages.last().and_then(|page| page.next.clone());
        let request =
            SearchRequest { budget, page: Page { cursor, ..Page::default() }, ..index.request(query, None).unwrap() };
        pages.push(Searcher::new(index.store.clone(), CACHE).search(&request).await.unwrap());
        assert!(pages.len() < 50, "the pages come to no end");
        if pages.last().is_none_or(|page| page.next.is_none()) {
            return pages;
        }
    }
}

#[test]
fn pages_that_find_nothing_go_on_where_they_stopped() {
    // Each has the words, so that it is a candidate, and only the last in the order that is asked for.
    let mut files: Vec<File> = (0..999).map(|nth| file(&format!("f{nth:03}"), b"second word, first word\n")).collect();
    files.push(file("g", b"first word, second word\n"));
    block_on(async {
        let (index, _) = publish(&repository(files), 100).await;
        let query = "/first.*second/";
        let pages = pages(&index, query, Budget { deadline: None, bytes: Some(1) }).await;
        assert!(pages.len() > 2 && pages.iter().all(|page| page.complete == page.next.is_none()));
        let paths: Vec<_> = pages.iter().flat_map(|page| &page.files).map(|file| file.path.clone()).collect();
        assert_eq!(paths, [b"g"]);
    });
}

#[test]
fn a_text_that_takes_too_long_is_named_and_can_be_left_out() {
    // Some 9,000 states a byte: without an end it would take an hour.
    let files = vec![file("a.txt", b"bc\n"), file("b.min.js", &[b'a'; 4 << 20]), file("c.txt", b"abc\n")];
    block_on(async {
        let (index, searcher) = publish(&repository(files), 100).await;
        let budget = Budget { deadline: Some(Instant::now()), bytes: None };
        let ask = async |query: &str, cursor| {
            let page = Page { cursor, ..Page::default() };
            let request = SearchRequest { budget, page, ..index.request(query, None).unwrap() };
            searcher.search(&request).await
        };
        let first = ask("/[ab]{0,9000}c/ case:yes", None).await.unwrap();
        let paths = |result: &SearchResult| result.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
        assert_eq!((paths(&first), first.complete, first.totals.exact), (vec![b"a.txt".to_vec()], false, false));
        match ask("/[ab]{0,9000}c/ case:yes", first.next).await {
            Err(SearchError::TooSlow { path, bytes }) => assert_eq!((path.as_str(), bytes), ("b.min.js", 4 << 20)),
            other => panic!("{other:?}"),
        }
        let rest = ask("/[ab]{0,9000}c/ case:yes -path:b.min.js", None).await.unwrap();
        assert_eq!(paths(&rest), [b"a.txt", b"c.txt"]);
    });
}
