//! What is promised of sizes, on code made from this repository's own: a fresh index beside its text, and what a push of
//! twenty files writes. Times and memory are for the benches, and so is a compacted index, which is sealed when it is large.

use std::fs;
use std::path::{Path, PathBuf};

use kotadb_core::store::Kind;
use kotadb_indexer::local;

use crate::support::{Repository, block_on, index};

/// Text of the corpus, in bytes: what a debug build indexes in seconds.
const TEXT: usize = 12 << 20;
/// Files that a push changes.
const PUSHED: usize = 20;
const PUSHES: u64 = 3;

/// Of the text. The lists of so few documents are short, and each trigram costs as much as in a large corpus: Linux, a hundred
/// times as large, takes 0.29, which `make bench PARTS=build` holds against the promised 0.33.
/// With facts and names of symbols it takes 0.66 (0.48 without).
const FRESH: f64 = 0.68;
/// What HEAD takes for a repository, in bytes.
const ROOT: usize = 120;

/// Numbers that look random.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as usize
    }
}

/// This repository's sources.
fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut folders: Vec<PathBuf> =
        ["core", "indexer", "cli", "handlers", "scripts", "migrations"].map(|name| root.join(name)).into();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let is_code =
                ["rs", "sh", "py", "sql", "md"].iter().any(|wanted| path.extension().is_some_and(|it| it == *wanted));
            match path.is_dir() {
                true => folders.push(path),
                false if is_code => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Words, and what is between them.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|c: char| !is_word(c)).flat_map(|part| {
        let end = part.char_indices().last().filter(|(_, c)| !is_word(*c)).map_or(part.len(), |(at, _)| at);
        let (word, rest) = part.split_at(end);
        [word, rest].into_iter().filter(|token| !token.is_empty())
    })
}

/// Other code of the same kind: of the words that name something, a tenth stand for another one through the whole file, drawn
/// as often as words are used; numbers differ, and a part of the lines is left out.
fn mutated(text: &str, names: &[&str], chance: &mut Chance) -> String {
    let mut renamed = std::collections::HashMap::new();
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if chance.below(6) == 0 {
            continue;
        }
        for token in tokens(line) {
            if token.bytes().all(|byte| byte.is_ascii_digit()) {
                out.push_str(&chance.below(10_usize.pow(token.len().min(6) as u32)).to_string());
            } else if token.len() >= 4 && token.starts_with(is_word) {
                let new = renamed
                    .entry(token)
                    .or_insert_with(|| if chance.below(10) == 0 { names[chance.below(names.len())] } else { token });
                out.push_str(new);
            } else {
                out.push_str(token);
            }
        }
    }
    out
}

fn generate(repository: &Repository) -> Vec<(String, String)> {
    let texts: Vec<(String, String)> = sources()
        .iter()
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), fs::read_to_string(path).ok()?)))
        .collect();
    let names: Vec<&str> = texts
        .iter()
        .flat_map(|(_, text)| tokens(text))
        .filter(|token| token.len() >= 4 && token.starts_with(is_word))
        .collect();
    let mut chance = Chance(7);
    let (mut files, mut bytes) = (Vec::new(), 0);
    for round in 0.. {
        for (name, text) in &texts {
            // Files of other repositories are larger than ours: Linux has 14 KB in each.
            let more: String = (0..2).map(|_| texts[chance.below(texts.len())].1.as_str()).collect();
            let text = mutated(text, &names, &mut chance) + &mutated(&more, &names, &mut chance);
            bytes += text.len();
            files.push((format!("part{round:02}/{}/{name}", ["net", "disk", "query", "page"][chance.below(4)]), text));
            if bytes >= TEXT {
                files.sort();
                files.dedup_by(|a, b| a.0 == b.0);
                files.iter().for_each(|(path, text)| _ = repository.write(path, text));
                repository.commit();
                return files;
            }
        }
    }
    unreachable!("rounds do not end")
}

/// What begins a comment. At the top of a file one changes nothing else, whatever is broken below: left out lines leave
/// much of it unbalanced, where a parser guesses, and guesses otherwise for each change behind them.
fn comment(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("rs") => "// ",
        Some("sql") => "-- ",
        Some("md") => "",
        _ => "# ",
    }
}

/// Bytes of segments and snapshots for each byte of text.
fn ratio(path: &Path) -> f64 {
    let local = local::open(path).unwrap();
    block_on(async {
        let (root, _) = local.store.head(local.tenant).await.unwrap();
        let named: u64 = root.segments.iter().map(|segment| segment.bytes).sum();
        let tip = root.repositories[&local.repository].default.clone().unwrap();
        let listed = local.store.list(local.tenant).await.unwrap();
        let snapshot = listed.iter().find(|(kind, key, _)| *kind == Kind::Snapshot && *key == tip.snapshot).unwrap().2;
        (named + snapshot) as f64 / root.segments.iter().map(|segment| segment.text_bytes).sum::<u64>() as f64
    })
}

#[test]
fn index_and_pushes_are_as_small_as_promised() {
    let repository = Repository::new();
    let mut files = generate(&repository);
    index(repository.path());
    let fresh = ratio(repository.path());
    println!("{} files, fresh {fresh:.4} of the text", files.len());
    assert!(fresh <= FRESH, "{fresh}");
    for push in 0..PUSHES {
        let (mut changed, step) = (0, files.len() / PUSHED);
        for (path, text) in files.iter_mut().skip(push as usize).step_by(step).take(PUSHED) {
            text.insert_str(0, &format!("{}push {push}\n\n", comment(path)));
            changed += text.len();
            repository.write(path, &*text);
        }
        repository.commit();
        let written = index(repository.path()).bytes_written as usize;
        println!("push of {changed} bytes writes {written}");
        assert!(written <= 3 * changed + (256 << 10) + ROOT, "{written} bytes for {changed}");
        assert!(written > changed / 10, "{written} bytes for {changed}: counted at all?");
    }
}
