//! What attributes say of paths, beside what `git check-attr` says.

use std::path::Path;

use kotadb_indexer::attributes::Attributes;
use kotadb_indexer::rules::Rules;
use proptest::prelude::*;

use crate::support::Repository;

const NAMES: [&str; 3] = ["linguist-generated", "linguist-vendored", "linguist-documentation"];

/// Of files in the root and in `x`, which is where the second file of rules lies.
const PATHS: [&str; 14] =
    ["a", "b", "a.c", "ab.c", "]", "a b", "x/a", "x/b.c", "x/y/a", "x/y/b.c", "x/y/z/a.c", "y/x/a", "x/*", "x/a/b/a"];

/// As git says it: one answer a path and name, in that order.
fn by_git(repository: &Repository) -> Vec<Option<bool>> {
    let said = repository.git(&[&["check-attr", "-z"], &NAMES[..], &["--"], &PATHS[..]].concat());
    let values = said.split('\0').skip(2).step_by(3);
    let value = |value: &str| match value {
        "unspecified" => None,
        other => Some(other != "unset" && other != "false"),
    };
    values.map(value).collect()
}

fn by_us(root: &str, folder: &str) -> Vec<Option<bool>> {
    let mut rules = Rules::default();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    rules.enter(0, [text(root), None]);
    let of = |Attributes { generated, vendored, documentation }| [generated, vendored, documentation];
    let mut said = Vec::new();
    for path in PATHS {
        let deeper = Path::new(path).starts_with("x");
        if deeper {
            rules.enter(2, [text(folder), None]);
        }
        said.extend(of(rules.attributes(path.as_bytes())));
        if deeper {
            rules.leave();
        }
    }
    said
}

fn pattern() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "x",
        "y",
        ".c",
        "*",
        "*",
        "**",
        "?",
        "/",
        "/",
        "/**/",
        "[ab]",
        "[!a]",
        "[^x]",
        "[]]",
        "[a-y]",
        "[[:alpha:]]",
        "[",
        "\\",
        "{a}",
    ]);
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

fn attribute() -> impl Strategy<Value = String> {
    let names =
        ["linguist-generated", "linguist-vendored", "linguist-documentation", "m", "n", "o", "text", "-", "builtin_x"];
    let forms = ["", "", "", "-", "!", "=", "=true", "=false"];
    (prop::sample::select(names.to_vec()), prop::sample::select(forms.to_vec()))
        .prop_map(|(name, form)| if form.starts_with('=') { format!("{name}{form}") } else { format!("{form}{name}") })
}

fn line() -> impl Strategy<Value = String> {
    let subject = prop_oneof![
        8 => pattern(),
        3 => "\\[attr\\][mno]",
        1 => pattern().prop_map(|pattern| format!("\"{}\"", pattern.replace('\\', r"\\"))),
        1 => Just("\"a\\040b\"".to_owned()),
        1 => prop::sample::select(vec!["[attr]", "[attr] m", "[attr]-", "#a", "!a", "\"a", "\\!a"]).prop_map(str::to_owned),
    ];
    let blank = prop::sample::select(vec![" ", "\t", "  "]);
    (subject, blank, prop::collection::vec(attribute(), 0..4))
        .prop_map(|(subject, blank, attributes)| format!("{subject}{blank}{}", attributes.join(blank)))
}

fn file() -> impl Strategy<Value = String> {
    let ends = prop::sample::select(vec!["\n", "\r\n"]);
    (prop::collection::vec(line(), 0..8), ends).prop_map(|(lines, end)| lines.join(end) + end)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn attributes_are_those_of_git((root, folder) in (file(), file())) {
        let repository = Repository::new();
        repository.write(".gitattributes", &root).write("x/.gitattributes", &folder);
        prop_assert_eq!(by_us(&root, &folder), by_git(&repository), "{:?} and {:?}", root, folder);
    }
}
