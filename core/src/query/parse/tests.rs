//! What the parser takes, what it refuses, and that the users' page is true.

use proptest::prelude::*;

use super::*;

fn text(pattern: &str, case_insensitive: bool) -> Expr {
    Expr::Text(TextPattern { pattern: pattern.to_owned(), case_insensitive, multiline: false })
}

fn path(kind: NameKind, pattern: &str) -> Expr {
    Expr::Path(NamePattern { kind, pattern: pattern.to_owned(), case_insensitive: true })
}

fn not(part: Expr) -> Expr {
    Expr::Not(Box::new(part))
}

#[track_caller]
fn parses(query: &str, expr: &Expr) {
    assert_eq!(parse(query).expect("the query is right").expr(), expr, "{query}");
}

#[track_caller]
fn fails(query: &str, position: usize, message: &str) {
    let error = parse(query).expect_err("the query is wrong");
    assert_eq!(error.position, position, "{query}: {error}");
    assert!(error.message.contains(message), "{query}: {error}");
    assert!(!error.help.is_empty());
}

#[test]
fn words_phrases_and_regexes() {
    parses("foo", &text("foo", true));
    parses("Foo", &text("Foo", false));
    parses("a.b(c)", &text(r"a\.b\(c\)", true));
    parses(r#""say \"hi\" \\ \n""#, &text(r#"say "hi" \\ \\n"#, true));
    parses(r"/a\/b\S/", &text(r"a\/b\S", true));
    parses("/aB/", &text("aB", false));
    parses("path::Path", &text("path::Path", false));
    for code in ["std::env", "a:b", "->next", "--force", "-=", "-", "main()", "x=\"1\"", "foo:bar"] {
        parses(code, &text(&regex_syntax::escape(code), true));
    }
}

#[test]
fn operators_bind_as_described() {
    let (a, b, c) = (text("a", true), text("b", true), text("c", true));
    let and = |parts: &[&Expr]| Expr::And(parts.iter().copied().cloned().collect());
    let or = |parts: &[&Expr]| Expr::Or(parts.iter().copied().cloned().collect());
    parses("a b AND c", &and(&[&a, &b, &c]));
    parses("a b OR c", &or(&[&and(&[&a, &b]), &c]));
    parses("a (b OR c)", &and(&[&a, &or(&[&b, &c])]));
    parses("a -b", &and(&[&a, &not(b.clone())]));
    parses("a NOT (b OR c)", &and(&[&a, &not(or(&[&b, &c]))]));
    parses("a -(b c)", &and(&[&a, &not(and(&[&b, &c]))]));
    parses("NOT NOT a", &not(not(a.clone())));
    parses("a and", &and(&[&a, &text("and", true)]));
    parses("(a)(b)", &and(&[&a, &b]));
}

#[test]
fn fields_and_their_short_names() {
    for name in ["path", "file", "f"] {
        parses(&format!("{name}:src/net"), &path(NameKind::Plain, "src/net"));
    }
    parses("path:*.rs", &path(NameKind::Glob, "*.rs"));
    parses(r"path:/a\.c$/", &path(NameKind::Regex, r"a\.c$"));
    parses("path:/src/net", &path(NameKind::Plain, "/src/net"));
    parses("path:\"my file\"", &path(NameKind::Plain, "my file"));
    parses("(path:x)", &path(NameKind::Plain, "x"));
    parses("-path:x", &not(path(NameKind::Plain, "x")));
    for name in ["lang", "language", "l"] {
        let rust = Language::from_name("rust").expect("rust is a language");
        parses(&format!("{name}:rust"), &Expr::Language(rust));
    }
    let main = NamePattern { kind: NameKind::Plain, pattern: "main".to_owned(), case_insensitive: false };
    parses("ref:main", &Expr::Ref(main.clone()));
    parses("b:main", &Expr::Ref(main));
    let owner = NamePattern { kind: NameKind::Glob, pattern: "O/*".to_owned(), case_insensitive: true };
    parses("r:O/*", &Expr::Repository(owner));
}

#[test]
fn case_holds_for_the_whole_query() {
    parses("a case:yes", &text("a", false));
    parses("case:no Ab", &text("Ab", true));
    parses("Ab case:auto", &text("Ab", false));
    parses("(case:no (Ab))", &text("Ab", true));
}

#[test]
fn errors_say_where() {
    fails("", 1, "empty query");
    fails("   ", 1, "empty query");
    fails("case:yes", 1, "empty query");
    fails("é (b", 3, "`(` without `)`");
    fails("a)", 2, "`)` without `(`");
    fails("()", 1, "nothing between");
    fails("a f(b c)", 4, "`(` without `)`");
    fails("é \"b", 3, "closing `\"`");
    fails("\"a\"b", 4, "directly after a phrase");
    fails("a /b", 3, "closing `/`");
    fails("/usr/bin", 6, "directly after a regex");
    fails("//", 1, "empty regex");
    fails("\"\"", 1, "empty phrase");
    fails("é /a(b/", 5, "unclosed group");
    fails(r"/a\nb/", 2, "across lines");
    fails("\"a\nb\"", 1, "across lines");
    fails(r"/\w{1000}/", 2, "larger than");
    fails("a OR", 5, "`OR` with nothing");
    fails("OR a", 1, "`OR` with nothing");
    fails("a OR case:no", 6, "`OR` with nothing");
    fails("a AND", 3, "`AND` with nothing");
    fails("a NOT", 3, "nothing to negate");
    fails("path:", 6, "without a value");
    fails("a lang: b", 8, "without a value");
    fails("path:\"\"", 6, "without a value");
    fails("a lang:rsut", 8, "unknown language `rsut`");
    fails("a case:maybe", 8, "`maybe` is nothing that `case:` can be");
    fails("a case:yes case:no", 17, "given twice");
    fails("path:a[", 6, "invalid glob");
    fails("path:/a(/", 8, "unclosed group");
    fails("-a", 1, "nothing but negated text");
    fails("NOT (a OR b)", 1, "nothing but negated text");
    fails(&"a".repeat(1025), 1, "more than 1024");
    fails(&format!("{}a", "(".repeat(65)), 65, "more than 64 nested");
    assert!(parse("lang:rsut").expect_err("a typing error").help.contains("`rust`"));
}

const OPTIONS: [&str; 5] = ["case", "multiline", "type", "generated", "vendored"];

#[test]
fn options_hold_for_the_whole_query() {
    let spanning = |pattern: &str| {
        Expr::Text(TextPattern { pattern: pattern.to_owned(), case_insensitive: true, multiline: true })
    };
    parses(r"/a\nb/ multiline:yes", &spanning(r"a\nb"));
    parses("multiline:yes \"a\nb\"", &spanning("a\nb"));
    parses("a multiline:no", &text("a", true));
    assert_eq!(parse("a").expect("a word").result_type(), ResultType::Lines);
    let files = parse("type:file a").expect("files with a word");
    assert_eq!((files.result_type(), files.has_lines()), (ResultType::Files, false));
    parses("type:path a.b -/c$/", &Expr::And(vec![path(NameKind::Regex, r"a\.b"), not(path(NameKind::Regex, "c$"))]));
    parses("type:path -a", &not(path(NameKind::Regex, "a")));
    fails("type:lines a", 6, "`lines` is nothing that `type:` can be");
    fails("a multiline:maybe", 13, "nothing that `multiline:`");
    fails("a type:/file/", 8, "nothing that `type:`");
    fails("a type:file type:path", 18, "`type:` given twice");
    fails("a -vendored:yes", 3, "nothing to negate");
    fails("type:file", 1, "empty query");
    assert!(parse("type:fil a").expect_err("a typing error").help.contains("`type:file`"));
    assert!(parse("type:i32 a").expect_err("code").help.contains("\"type:i32\" in quotes"));
}

#[test]
fn classes_are_hidden_shown_or_left_out() {
    use crate::segment::Class::{Docs, Generated, Source, Test, Vendored};

    let classes = |query: &str| {
        let classes = parse(query).expect("the query is right").classes().clone();
        (classes.shown, classes.hidden)
    };
    let plain = vec![Source, Test, Docs];
    assert_eq!(classes("a"), (plain.clone(), vec![Generated, Vendored]));
    assert_eq!(classes("a generated:no"), (plain.clone(), vec![Vendored]));
    assert_eq!(classes("a vendored:yes"), (vec![Source, Test, Docs, Vendored], vec![Generated]));
    assert_eq!(classes("a vendored:only"), (vec![Vendored], vec![]));
    assert_eq!(classes("a vendored:only generated:yes"), (vec![Generated, Vendored], vec![]));
    assert_eq!(classes("a vendored:no generated:no"), (plain, vec![]));
}

#[test]
fn negated_filters_list_files() {
    for query in ["-path:x", "path:x -a", "lang:rust", "-lang:rust -a"] {
        assert!(!parse(query).expect("it lists files").has_lines(), "{query}");
    }
    assert!(parse("NOT (b -a)").expect("a is positive").has_lines());
    assert!(parse("a ref:*").expect("it names refs").names_refs());
}

#[test]
fn examples_of_the_page_parse() {
    let page = include_str!("../syntax.md");
    let mut examples = 0;
    for block in page.split("```query\n").skip(1) {
        let (block, _) = block.split_once("```").expect("a fence is closed");
        for query in block.lines() {
            parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
            examples += 1;
        }
    }
    assert!(examples > 8);
    // In the tables the first column is what users write; placeholders are words.
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let first = row.split('|').nth(1).expect("a table row");
        for query in first.split('`').skip(1).step_by(2) {
            let option = query.split_once(':').is_some_and(|(name, _)| OPTIONS.contains(&name));
            let alone = option || ["-foo", "NOT foo"].contains(&query);
            let query = if alone { format!("bar {query}") } else { query.to_owned() };
            parse(&query).unwrap_or_else(|error| panic!("{query}: {error}"));
        }
    }
}

proptest! {
    #[test]
    fn anything_parses_or_says_why(query in r#"[ab ()"/:\-*\\ORNTé]{0,40}|\PC{0,40}"#) {
        if let Err(error) = parse(&query) {
            prop_assert!(error.position >= 1 && error.position <= query.chars().count() + 1, "{}", error);
        }
    }

    #[test]
    fn quoted_text_is_found_as_it_is(wanted in r#"[^\n]{1,20}"#) {
        let quoted = format!("\"{}\"", wanted.replace('\\', r"\\").replace('"', "\\\""));
        let query = parse(&quoted).expect("quoted text is a query");
        let Expr::Text(pattern) = query.expr() else { panic!("a phrase is text") };
        prop_assert_eq!(&pattern.pattern, &regex_syntax::escape(&wanted));
    }
}

/// A query before it is written down.
#[derive(Clone, Debug)]
enum Written {
    Atom(&'static str),
    And(Vec<Written>),
    Or(Vec<Written>),
    Not(Box<Written>),
}

impl Written {
    fn text(&self) -> String {
        let join = |parts: &[Self], with: &str| parts.iter().map(Self::text).collect::<Vec<_>>().join(with);
        match self {
            Self::Atom(text) => (*text).to_owned(),
            Self::And(parts) if parts.len() == 2 => format!("({})", join(parts, " AND ")),
            Self::And(parts) => format!("({})", join(parts, " ")),
            Self::Or(parts) => format!("({})", join(parts, " OR ")),
            Self::Not(part) if matches!(**part, Self::Not(_)) => format!("NOT {}", part.text()),
            Self::Not(part) => format!("-{}", part.text()),
        }
    }

    fn expr(&self) -> Expr {
        let each = |parts: &[Self]| parts.iter().map(Self::expr).collect();
        match self {
            Self::Atom(text) => parse(text).expect("each atom is a query").expr().clone(),
            Self::And(parts) => Expr::And(each(parts)),
            Self::Or(parts) => Expr::Or(each(parts)),
            Self::Not(part) => not(part.expr()),
        }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let atoms = [
        "a",
        "Ab",
        "\"a b\"",
        "/x+y/",
        "path:*.rs",
        "lang:c",
        "repo:a/b",
        "ref:main",
        "f(x)",
        "std::env",
        "\"-x\"",
        "and",
    ];
    let atom = prop::sample::select(atoms.to_vec()).prop_map(Written::Atom);
    atom.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Written::And),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(Written::Or),
            1 => inner.prop_map(|part| Written::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_what_is_read(written in written()) {
        let query = parse(&format!("anchor {}", written.text()));
        let expected = Expr::And(vec![text("anchor", true), written.expr()]);
        prop_assert_eq!(query.map(|query| query.expr().clone()), Ok(expected), "{}", written.text());
    }
}

fn symbol(name: &str, container: &str, is_beginning: bool, case_insensitive: bool) -> Expr {
    Expr::Symbol(SymbolPattern {
        name: name.to_owned(),
        container: container.to_owned(),
        is_beginning,
        case_insensitive,
    })
}

#[test]
fn symbols_by_name() {
    parses("sym:acquire", &symbol("acquire", "", false, true));
    parses("symbol:Pool.acq*", &symbol("acq", "Pool", true, true));
    parses("sym:\"Pool::Acquire\"", &symbol("Acquire", "Pool", false, false));
    parses("sym:Acquire case:no", &symbol("Acquire", "", false, true));
    parses("a -sym:b", &Expr::And(vec![text("a", true), not(symbol("b", "", false, true))]));
    parses("type:symbol acquire", &symbol("acquire", "", false, true));
    parses("sym::acquire", &text("sym::acquire", true));
    assert!(parse("sym:a").expect("a query").has_lines() && parse("type:symbol a").expect("a query").has_lines());
    assert!(
        !parse("NOT sym:a lang:c").expect("a query").has_lines()
            && !parse("type:file sym:a").expect("a query").has_lines()
    );
    fails("sym:a*", 5, "too short a beginning");
    fails("sym:a*b", 5, "within a name");
    fails("sym:/a/", 5, "a regex for the name");
    fails("type:symbol /a/", 13, "a regex for the name");
    fails("-sym:a", 1, "nothing but negated");
    let error = parse("type:symbl a").expect_err("there is no such type");
    assert!(error.help.contains("`type:symbol`"), "{error}");
    assert!(parse_filter("sym:a").expect_err("no filter").message.contains("symbols"));
}
