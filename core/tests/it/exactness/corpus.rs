//! Random files and patterns, of the kinds that searches get wrong.

use kotadb_core::segment::Class;
use kotadb_core::text::Language;
use proptest::prelude::*;

use super::index::{File, Repository};

/// Words that match each other under some rule of case.
const WORDS: [&str; 14] = [
    "kernel",
    "Kernel",
    "\u{212A}ernel",
    "class",
    "cla\u{17F}s",
    "CLASS",
    "fn",
    "a_b",
    "x9",
    "καφές",
    "ΚΑΦΈΣ",
    "straße",
    "0042",
    "é",
];

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(&WORDS[..]).prop_map(|word| word.as_bytes().to_vec()),
        3 => prop::sample::select(vec![" ", "\t", "(", "::", ".", "-", "/", "\""]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::sample::select(vec![0xFFu8, 0xC5, 0xBF, 0xE2, 0x84, 0xAA, 0x80, b'\r']).prop_map(|byte| vec![byte]),
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let end = prop::sample::select(vec!["\n", "\n", "\n", "\r\n", "\n\n", ""]);
    let line = (prop::collection::vec(piece(), 0..8), end).prop_map(|(pieces, end)| {
        let mut line = pieces.concat();
        line.extend_from_slice(end.as_bytes());
        line
    });
    let lines = prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat()).boxed();
    let long = (piece(), 1000usize..3000).prop_map(|(piece, times)| [&piece[..], b" "].concat().repeat(times)).boxed();
    prop_oneof![
        12 => lines.clone(),
        1 => (lines.clone(), long).prop_map(|(lines, long)| [lines, long].concat()),
        // NUL early: binary. NUL late: text.
        1 => lines.clone().prop_map(|lines| [b"a\0b\n".to_vec(), lines].concat()),
        1 => lines.prop_map(|lines| [b"late ".repeat(1700), b"\0\nkernel\0class\n".to_vec(), lines].concat()),
    ]
}

fn file() -> impl Strategy<Value = File> {
    let classes = vec![Class::Source, Class::Source, Class::Test, Class::Docs, Class::Vendored];
    let folder = prop::sample::select(vec!["", "src/", "src/net/", "docs/", "Src/"]);
    let name = prop::sample::select(vec!["a.rs", "b.rs", "c.c", "d.txt", "e", "f\u{e9}.rs"]);
    let languages = prop::sample::select(vec!["rust", "c", "python"]);
    (folder, name, content(), prop::sample::select(classes), languages).prop_map(
        |(folder, name, content, class, language)| File {
            path: format!("{folder}{name}").into_bytes(),
            content,
            class,
            language: Language::from_name(language).unwrap(),
        },
    )
}

pub fn files() -> impl Strategy<Value = Vec<File>> {
    prop::collection::vec(file(), 0..10).prop_map(|mut files| {
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        files
    })
}

/// Two repositories; the first has a second and a third ref, the third at files of the first.
pub fn repositories() -> impl Strategy<Value = Vec<Repository>> {
    (files(), files(), files()).prop_map(|(main, other, second)| {
        let refs = vec![
            ("refs/heads/main".to_owned(), main.clone()),
            ("refs/heads/feature/x".to_owned(), [other, main.clone()].into_iter().flatten().collect::<Vec<_>>()),
            ("refs/tags/v1".to_owned(), main),
        ];
        let refs = refs.into_iter().map(|(name, mut files)| {
            files.sort_by(|a, b| a.path.cmp(&b.path));
            files.dedup_by(|a, b| a.path == b.path);
            (name, files)
        });
        vec![
            Repository { name: "acme/One".to_owned(), refs: refs.collect() },
            Repository { name: "acme/two".to_owned(), refs: vec![("refs/heads/trunk".to_owned(), second)] },
        ]
    })
}

/// A word, a part of one, or words with what is between them.
pub fn literal() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let part = word().prop_flat_map(|word| {
        let chars: Vec<char> = word.chars().collect();
        (0..chars.len(), 1..=chars.len()).prop_map(move |(start, len)| chars.iter().skip(start).take(len).collect())
    });
    prop_oneof![word(), part, (word(), "[ .:]|::", word()).prop_map(|(a, between, b)| format!("{a}{between}{b}"))]
}

/// A regex of every kind that the engine treats in its own way.
pub fn regex() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        ".",
        r"\w",
        r"\W",
        r"\d+",
        r"\s",
        r"\S+",
        "[a-z]",
        "[^a-z ]",
        "[k-s]{2}",
        r"\p{Greek}",
        r"\p{Lu}",
        "(?i:k)",
        "(?i:S)",
        r"(?-u:\xFF)",
        r"(?-u:[\x80-\xFF])",
        "[[:alpha:]]_",
        r"\x{212A}",
        "(?i:στ|φέσ)",
        ".*",
        "x?",
        "",
    ]);
    // Not Unicode's `\B`: beside a byte that is not UTF-8 it asks what comes after the line, in ripgrep and so here.
    let anchor =
        prop::sample::select(vec!["^", "$", r"\b", r"(?-u:\B)", r"\A", r"\z", r"\r", r"\r$", r"\b{start}", "(?-m:^)"]);
    let leaf = prop_oneof![
        4 => literal().prop_map(|text| regex_syntax::escape(&text)),
        3 => special.prop_map(str::to_owned),
        2 => anchor.prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            1 => prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner.clone(), r"[*+?]\??|\{[0-2](,[23]?)?\}").prop_map(|(part, times)| format!("(?:{part}){times}")),
            1 => inner.prop_map(|part| format!("(?i:{part})")),
        ]
    })
}
