//! Small indexes, written byte by byte as the programs write them, over what the real extractors and rules say.

use bytes::Bytes;
use kotadb_core::facts::Facts;
use kotadb_core::graph::{FileEdges, Target, Tier};
use kotadb_core::text::Language;

use super::*;
use crate::error::IndexError;
use crate::extract;
use crate::names::{self, SourceFile};

/// `close` of two types: our rules cannot tell what `thing` is.
const FILES: [(&str, &str); 3] = [
    ("app.py", "from pool import other\n\ndef run(thing):\n    thing.close()\n    other(1)\n"),
    ("lock.py", "class Lock:\n    def close(self):\n        pass\n"),
    ("pool.py", "class Pool:\n    def close(self):\n        pass\n\ndef other(n):\n    pass\n"),
];

struct Program {
    texts: Vec<String>,
}

impl names::Source for Program {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        let python = Language::from_name("python").unwrap();
        Ok(extract::extract(python, self.texts[file as usize].as_bytes(), extract::USUAL_BUDGET))
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        Ok(self.texts[file as usize].clone().into_bytes())
    }
}

impl Program {
    fn new() -> Self {
        Self { texts: FILES.map(|(_, text)| text.to_owned()).to_vec() }
    }

    fn held(&self, path: &str) -> Option<HeldFile> {
        let file = FILES.iter().position(|(other, _)| *other == path)? as u32;
        // A file that has changed is not what the index was made of.
        if self.texts[file as usize] != FILES[file as usize].1 {
            return None;
        }
        let facts = names::Source::facts(self, file).unwrap()?;
        let names = facts.symbols.iter().zip(0..).map(|(symbol, number)| (symbol.name_span.start, number)).collect();
        Some(HeldFile { file, text: Bytes::from(self.texts[file as usize].clone()), names })
    }

    /// Edges of `app.py`: where, to which file and symbol, by which rule.
    fn edges(&self, precise: &Precise) -> Vec<(usize, String, Tier)> {
        let python = Language::from_name("python").unwrap();
        let files = FILES.map(|(path, _)| SourceFile { path: path.into(), language: python });
        let mut found = FileEdges::default();
        names::resolve(&files, self, 1, &mut |mut resolved| {
            precise.apply(resolved.file, &resolved.facts, &mut resolved.edges);
            if resolved.file == 0 {
                found = resolved.edges;
            }
            Ok(())
        })
        .unwrap();
        let name = |target| match target {
            Target::Symbol { file, symbol } => {
                let facts = names::Source::facts(self, file).unwrap().unwrap();
                format!("{}#{}", FILES[file as usize].0, facts.qualified(symbol as usize).join("."))
            }
            other => format!("{other:?}"),
        };
        let line = |site: u32| self.texts[0][..site as usize].matches('\n').count();
        let edges = found.edges.iter().filter(|edge| edge.role.is_call());
        edges.map(|edge| (line(edge.site), name(edge.target), edge.tier)).collect()
    }
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn field(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn document_of(path: &str, encoding: u64, occurrences: &[([u64; 3], &str, bool)]) -> Vec<u8> {
    let occurrence = |(range, symbol, defines): &([u64; 3], &str, bool)| {
        let range = range.map(varint).concat();
        let roles = [varint(3 << 3), varint(u64::from(*defines))].concat();
        field(2, &[field(1, &range), field(2, symbol.as_bytes()), roles].concat())
    };
    let occurrences: Vec<u8> = occurrences.iter().flat_map(occurrence).collect();
    field(2, &[field(1, path.as_bytes()), occurrences, varint(6 << 3), varint(encoding)].concat())
}

/// `thing` is a `Lock`, and `other` is of another package.
fn index() -> Vec<u8> {
    [
        document_of("app.py", 0, &[([3, 10, 15], "p lock/Lock#close().", false), ([4, 4, 9], "x other().", false)]),
        document_of("lock.py", 0, &[([1, 8, 13], "p lock/Lock#close().", true)]),
        document_of("gone.py", 0, &[([0, 0, 1], "p gone/x.", true)]),
    ]
    .concat()
}

#[test]
fn an_index_outranks_our_rules() {
    let program = Program::new();
    let ours = program.edges(&Precise::default());
    let of_close = |edges: &[(usize, String, Tier)]| edges.iter().filter(|edge| edge.0 == 3).count();
    assert_eq!(of_close(&ours), 2, "both, and neither surely: {ours:?}");
    assert!(ours.iter().any(|edge| edge.0 == 4), "what is imported: {ours:?}");
    let mut precise = Precise::default();
    assert_eq!(precise.add(&index(), |path| program.held(path)).unwrap(), 2);
    assert_eq!(program.edges(&precise), [(3, "lock.py#Lock.close".to_owned(), Tier::Precise)]);
}

#[test]
fn of_a_file_that_has_changed_nothing_is_taken() {
    let mut program = Program::new();
    let ours = program.edges(&Precise::default());
    program.texts[0].push_str("\n# changed\n");
    let mut precise = Precise::default();
    assert_eq!(precise.add(&index(), |path| program.held(path)).unwrap(), 1);
    assert_eq!(program.edges(&precise), ours);
    // What is used is what it was, but where it is defined is not known any more.
    program = Program::new();
    program.texts[1].insert_str(0, "# changed\n");
    let mut precise = Precise::default();
    assert_eq!(precise.add(&index(), |path| program.held(path)).unwrap(), 1);
    assert_eq!(program.edges(&precise).iter().filter(|edge| edge.0 == 3).count(), 2, "our rules stand");
}

#[test]
fn columns_are_counted_as_the_document_says() {
    let text = "ä𝒳 = f\n".as_bytes();
    let lines = kotadb_core::text::LineTable::new(text);
    for (encoding, column) in [(0, 6), (1, 9), (2, 6), (3, 5)] {
        let index = document_of("a", encoding, &[([0, column, column + 1], "s", false), ([9, 0, 1], "s", false)]);
        documents(&index, |document| {
            assert_eq!(document.offset(&document.occurrences[0], text, &lines), Some(9), "{encoding}");
            assert_eq!(document.offset(&document.occurrences[1], text, &lines), None);
            Ok::<_, ScipError>(())
        })
        .unwrap();
    }
}

#[test]
fn what_is_no_index_is_an_error_or_nothing() {
    let index = index();
    for end in 0..index.len() {
        let mut cut = Precise::default();
        let _whatever = cut.add(&index[..end], |path| Program::new().held(path));
    }
    for (at, flip) in (0..index.len()).flat_map(|at| [(at, 1), (at, 0x80), (at, 0xff)]) {
        let mut flipped = index.clone();
        flipped[at] ^= flip;
        let _whatever = Precise::default().add(&flipped, |path| Program::new().held(path));
    }
    assert_eq!(Precise::default().add(&index[..3], |_| None), Err(ScipError::Cut));
}
