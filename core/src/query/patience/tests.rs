//! The simulation beside the finder that it takes the place of, and that it can be stopped.

use proptest::prelude::*;

use super::super::compile::Text;
use super::super::tree::TextPattern;
use super::*;

fn finder(pattern: &str, multiline: bool) -> Finder {
    let pattern = TextPattern { pattern: pattern.to_owned(), case_insensitive: false, multiline };
    Text::compile(&pattern).expect("the pattern compiles").pattern.finder
}

/// The same, with a regex that seems to have so many states that nothing is left to the finder.
fn heavy(finder: &Finder) -> Finder {
    let mut finder = finder.clone();
    if let Finder::Regex { steps, .. } | Finder::Spanning { steps, .. } = &mut finder {
        steps.weight = UNASKED;
    }
    finder
}

fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a",
        "ab|a",
        "b*",
        "b*?",
        "[^a]",
        r"\s",
        r"\w+",
        "é",
        r"\b",
        r"\B",
        "^",
        "$",
        r"\A",
        r"\z",
        ".",
        ".*",
        "(?:a?){3}",
        "[ab]{0,4}",
        "(?-u:\\xFF)",
        "(?i:k)",
        "(?:a|b b)",
        "",
    ]);
    prop::collection::vec(leaf, 1..5).prop_map(|parts| parts.concat())
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        &b"a"[..],
        b"b",
        b"k",
        "\u{212A}".as_bytes(),
        "é".as_bytes(),
        b"\xFF",
        b" ",
        b"\r",
        b"\n",
        b"\n",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn finds_what_the_finder_finds(
        pattern in pattern(),
        multiline: bool,
        contents in prop::collection::vec(content(), 6),
    ) {
        let finder = finder(&pattern, multiline);
        let heavy = heavy(&finder);
        for content in contents {
            let (count, any) = (heavy.count_while(&content, &|| true), heavy.any_while(&content, &|| true));
            prop_assert_eq!(count, Ok(finder.count(&content)), "{} in {:?}", &pattern, &content);
            prop_assert_eq!(any, Ok(finder.any(&content)), "{} in {:?}", &pattern, &content);
        }
    }

    #[test]
    fn matches_are_those_of_the_regex(pattern in pattern(), contents in prop::collection::vec(content(), 6)) {
        let hir = regex_syntax::ParserBuilder::new().utf8(false).multi_line(true).build().parse(&pattern).expect("it is a regex");
        let simulation = Simulation::new(&hir).expect("it is small");
        let regex = regex::bytes::RegexBuilder::new(&pattern).multi_line(true).build().expect("it is a regex");
        for content in contents {
            for from in 0..=content.len() {
                let found = Threads::new(&simulation.nfa, &content, &|| true).find(from, false).expect("nobody stops it");
                let expected = regex.find_at(&content, from).map(|found| found.range());
                prop_assert_eq!(&found, &expected, "{} in {:?} from {}", &pattern, &content, from);
                if let Some(any) = simulation.quickly(&content, from) {
                    prop_assert_eq!(any, expected.is_some());
                }
            }
        }
    }
}

#[test]
fn a_long_line_and_a_long_text_are_left_when_nobody_waits() {
    let line = [b'a'; 1 << 20];
    let lines = b"a\n".repeat(1 << 19);
    for (pattern, multiline, content) in
        [("[ab]{0,9000}c", false, &line[..]), (r"[ab\n]{0,4000}c", true, &line), (r"[ab\n]{0,4000}c", true, &lines)]
    {
        let asked = Cell::new(0);
        let twice = || asked.replace(asked.get() + 1) < 3;
        let finder = finder(pattern, multiline);
        assert_eq!(finder.count_while(content, &twice), Err(Stopped), "{pattern}");
        assert_eq!(asked.replace(0), 4);
        assert_eq!(finder.any_while(content, &twice), Err(Stopped), "{pattern}");
    }
}

#[test]
fn short_lines_are_left_to_the_finder() {
    let asked = Cell::new(0);
    let ask = || asked.replace(asked.get() + 1) < usize::MAX;
    let finder = finder("[ab]{0,9000}c", false);
    let lines = b"abc\nab\n".repeat(1 << 12);
    assert_eq!(finder.count_while(&lines, &ask), Ok(1 << 12));
    let weight = weight(&regex_syntax::parse("[ab]{0,9000}c").expect("it is a regex"));
    let pieces = lines.len().div_ceil(UNASKED / weight);
    assert!(pieces > 2 && (pieces..=pieces + 1).contains(&asked.get()), "{} of {pieces}", asked.get());
    assert_eq!(finder.count_while(b"abc", &|| false), Ok(1), "what is done before anybody asks is done");
}

#[test]
fn a_weight_is_about_the_number_of_states() {
    let of = |pattern: &str| weight(&regex_syntax::parse(pattern).expect("it is a regex"));
    assert_eq!((of("abc"), of("(?-u:[a-z])"), of("a{100}"), of("a*")), (3, 1, 200, 2));
    assert!((9000..30_000).contains(&of("((a{100}){30}){3}")) && of("(((a{1000}){1000}){1000}){1000}") > 1 << 30);
}
