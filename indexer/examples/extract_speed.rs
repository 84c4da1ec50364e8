//! How fast facts are found, beside bare parsing of the same files, and what of them is odd:
//! `cargo run --release -p kotadb-indexer --example extract_speed -- FOLDER…`, with `--most MB` for the first MB of each
//! language. One line a language; files that are only partly understood are listed with `--partial`; `--bare` only parses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kotadb_core::facts::Facts;
use kotadb_core::text::Language;
use kotadb_indexer::extract::{MAX_BYTES, USUAL_BUDGET, extract, version};
use nix::time::{ClockId, clock_gettime};
use tree_sitter::Parser;

#[derive(clap::Parser)]
struct Arguments {
    /// Megabytes of each language.
    #[arg(long, default_value_t = 64)]
    most: u64,
    /// Parses all files and does nothing else: prints the seconds of processor time alone.
    #[arg(long)]
    bare: bool,
    /// Lists files that are only partly understood.
    #[arg(long)]
    partial: bool,
    /// Folders to read.
    folders: Vec<PathBuf>,
}

#[derive(Default)]
struct Row {
    n_files: u64,
    n_bytes: u64,
    bare_s: f64,
    extract_s: f64,
    n_partial: u64,
    n_symbols: usize,
    n_references: usize,
    /// References behind a receiver, and those of them of whose receiver nothing is known.
    n_receivers: usize,
    n_unknown: usize,
    /// Names that are not what stands in the text at their place.
    n_odd: usize,
}

fn grammar(language: &str, path: &Path) -> Option<tree_sitter::Language> {
    let is_tsx = path.extension().is_some_and(|extension| extension == "tsx");
    Some(match language {
        "rust" => tree_sitter_rust::LANGUAGE.into(),
        "python" => tree_sitter_python::LANGUAGE.into(),
        "typescript" if is_tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        "typescript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        "javascript" => tree_sitter_javascript::LANGUAGE.into(),
        "go" => tree_sitter_go::LANGUAGE.into(),
        "java" => tree_sitter_java::LANGUAGE.into(),
        "c" => tree_sitter_c::LANGUAGE.into(),
        "c++" => tree_sitter_cpp::LANGUAGE.into(),
        "c#" => tree_sitter_c_sharp::LANGUAGE.into(),
        "ruby" => tree_sitter_ruby::LANGUAGE.into(),
        "php" => tree_sitter_php::LANGUAGE_PHP.into(),
        "bash" => tree_sitter_bash::LANGUAGE.into(),
        "kotlin" => tree_sitter_kotlin_ng::LANGUAGE.into(),
        "swift" => tree_sitter_swift::LANGUAGE.into(),
        "scala" => tree_sitter_scala::LANGUAGE.into(),
        "lua" => tree_sitter_lua::LANGUAGE.into(),
        _ => return None,
    })
}

impl Row {
    fn count(&mut self, facts: &Facts, text: &[u8]) {
        self.n_partial += u64::from(facts.partial);
        self.n_symbols += facts.symbols.len();
        self.n_references += facts.references.len();
        let receivers = facts.references.iter().filter_map(|reference| reference.receiver.as_deref());
        self.n_receivers += receivers.clone().count();
        self.n_unknown += receivers.filter(|receiver| receiver.starts_with('?')).count();
        let is_at = |name: &str, at: u32| text[at as usize..].starts_with(name.as_bytes());
        let odd_references = facts.references.iter().filter(|it| !is_at(&it.name, it.start)).count();
        let odd_symbols = facts.symbols.iter().filter(|it| !is_at(&it.name, it.name_span.start)).count();
        self.n_odd += odd_references + odd_symbols;
    }

    fn print(&self, language: &str) {
        let megabytes = self.n_bytes as f64 / 1e6;
        println!(
            "{language:<11} {:>6} files {megabytes:>7.1} MB  bare {:>5.1} MB/s  facts {:>5.1} MB/s  ratio {:.2}  partial {}  symbols {}  references {}  unknown receivers {:.0} %  odd {}",
            self.n_files,
            megabytes / self.bare_s,
            megabytes / self.extract_s,
            self.bare_s / self.extract_s,
            self.n_partial,
            self.n_symbols,
            self.n_references,
            100.0 * self.n_unknown as f64 / self.n_receivers.max(1) as f64,
            self.n_odd,
        );
    }
}

/// Time of this thread: what other programs do meanwhile does not count.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every thread has this clock").into()
}

fn main() {
    let arguments = <Arguments as clap::Parser>::parse();
    let mut rows = BTreeMap::<&str, Row>::new();
    let mut open = arguments.folders.clone();
    let mut parser = Parser::new();
    while let Some(path) = open.pop() {
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            continue;
        }
        let Some(language) = Language::of_path(path.as_os_str().as_encoded_bytes()) else { continue };
        let Some(grammar) = grammar(language.name(), &path).filter(|_| version(language).is_some()) else { continue };
        let Ok(text) = std::fs::read(&path) else { continue };
        let row = rows.entry(language.name()).or_default();
        let is_enough = row.n_bytes > arguments.most * 1_000_000 && !arguments.bare;
        if text.len() > MAX_BYTES || is_enough {
            continue;
        }
        parser.set_language(&grammar).expect("the grammars are of the age of the library");
        let start = cpu_time();
        drop(parser.parse(&text, None));
        row.bare_s += (cpu_time() - start).as_secs_f64();
        if arguments.bare {
            continue;
        }
        let start = cpu_time();
        let Some(facts) = extract(language, &text, USUAL_BUDGET) else { continue };
        row.extract_s += (cpu_time() - start).as_secs_f64();
        (row.n_files, row.n_bytes) = (row.n_files + 1, row.n_bytes + text.len() as u64);
        row.count(&facts, &text);
        if facts.partial && arguments.partial {
            println!("partial: {}", path.display());
        }
    }
    if arguments.bare {
        return println!("{:.3}", rows.values().map(|row| row.bare_s).sum::<f64>());
    }
    rows.iter().for_each(|(language, row)| row.print(language));
}
