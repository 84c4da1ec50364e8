//! What is resolved from outlines, sorted names and trigrams of stored segments is what is resolved from all facts.

use std::collections::BTreeSet;

use kotadb_core::facts::Facts;
use kotadb_core::segment::Class;
use kotadb_core::text::Language;
use kotadb_indexer::error::IndexError;
use kotadb_indexer::extract::{self, USUAL_BUDGET};
use kotadb_indexer::graphs::files::{Files, sources};
use kotadb_indexer::graphs::{footing, whole};
use kotadb_indexer::inspect::edges;
use kotadb_indexer::local::{self, LocalCode, REPOSITORY};
use kotadb_indexer::names::{Resolution, Source};

use crate::support::{Repository, block_on, index};

/// Files with their texts alone.
struct Plain(Vec<(&'static str, String)>);

impl Source for Plain {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        Ok(extract::extract(self.language(file), self.0[file as usize].1.as_bytes(), USUAL_BUDGET))
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        Ok(self.0[file as usize].1.clone().into_bytes())
    }
}

impl Files for Plain {
    fn n_files(&self) -> usize {
        self.0.len()
    }

    fn path(&self, file: u32) -> &[u8] {
        self.0[file as usize].0.as_bytes()
    }

    fn class(&self, _: u32) -> Class {
        Class::Source
    }

    fn language(&self, file: u32) -> Language {
        let (path, text) = &self.0[file as usize];
        Language::detect(path.as_bytes(), text.as_bytes())
    }

    fn find(&self, path: &[u8]) -> Option<u32> {
        self.0.iter().position(|(other, _)| other.as_bytes() == path).map(|at| at as u32)
    }
}

impl Plain {
    fn edges(&self) -> BTreeSet<String> {
        let (files, mut graph) = (sources(self), Vec::new());
        whole::write(self, Resolution::new(&files, self, 2).unwrap(), &mut graph).unwrap();
        edges::lines(&footing::in_memory(graph.into(), None).unwrap()).unwrap()
    }

    fn write(&self, repository: &Repository) {
        self.0.iter().for_each(|(path, text)| _ = repository.write(path, text));
        repository.commit();
        index(repository.path());
    }
}

/// Things that are written in pieces, have several namesakes, and are known by what is in no text.
fn languages() -> Vec<(&'static str, String)> {
    let files = [
        ("Cargo.toml", "[package]\nname = \"acme\"\n"),
        ("cs/a.cs", "namespace Acme { partial class Pool { public int Acquire() { return Open(); } } }\n"),
        (
            "cs/b.cs",
            "namespace Acme { partial class Pool { int Open() { return 1; } } class User { void Run(Pool p) { p.Acquire(); } } }\n",
        ),
        (
            "c/queue.h",
            "struct queue { int len; void (*drain)(struct queue *q); };\nint push(struct queue *q, int x);\n",
        ),
        ("c/queue.c", "#include \"queue.h\"\nint push(struct queue *q, int x) { q->len += x; return q->len; }\n"),
        (
            "c/main.c",
            "#include \"queue.h\"\nint main(void) { struct queue q; push(&q, 1); q.drain(&q); return q.len; }\n",
        ),
        (
            "cpp/a.cpp",
            "namespace acme { struct Node { int size() const; }; }\nint acme::Node::size() const { return 1; }\n",
        ),
        ("cpp/b.cpp", "namespace acme { int twice(const Node &n) { return n.size() + n.size(); } }\n"),
        ("go/go.mod", "module example.org/acme\n"),
        (
            "go/db/db.go",
            "package db\ntype Conn struct{}\nfunc (c *Conn) Close() {}\ntype Closer interface { Close() }\n",
        ),
        ("go/main.go", "package main\nimport \"example.org/acme/db\"\nfunc main() { var c db.Conn; c.Close() }\n"),
        ("java/a/Pool.java", "package a;\npublic class Pool { public Pool acquire() { return this; } }\n"),
        (
            "java/b/Main.java",
            "package b;\nimport a.Pool;\nclass Main { void run(Pool pool) { pool.acquire().acquire(); } }\n",
        ),
        (
            "php/Pool.php",
            "<?php\nnamespace App;\nclass Pool { public function take() { return $this->open(); } private function open() {} }\n",
        ),
        ("py/pool.py", "class Pool:\n    def acquire(self): return self.open()\n    def open(self): return 1\n"),
        ("py/use.py", "from py.pool import Pool\n\ndef run():\n    return Pool().acquire()\n"),
        (
            "rb/a.rb",
            "module Acme\n  class Item\n    attr_accessor :size\n    def grow; self.size = size + 1; end\n  end\nend\n",
        ),
        (
            "rb/b.rb",
            "require_relative 'a'\nmodule Acme\n  class Item\n    def shrink; grow; end\n  end\nend\ndef run(item)\n  item.size = 3\n  item.shrink\nend\n",
        ),
        (
            "rs/lib.rs",
            "pub mod store;\nmod inner { use super::store::Store; pub fn open() -> Store { Store::new() } }\npub fn run() { inner::open().get(); }\n",
        ),
        ("rs/store.rs", "pub struct Store;\nimpl Store { pub fn new() -> Self { Store } pub fn get(&self) {} }\n"),
        ("sh/lib.sh", "log() { echo \"$1\"; }\n"),
        ("sh/run.sh", ". ./lib.sh\nlog start\n"),
        (
            "ts/a.ts",
            "export interface Shape { area(): number }\nexport interface Shape { name: string }\nexport default function make(): Shape { return null as any }\n",
        ),
        (
            "ts/b.ts",
            "import make, { Shape } from './a'\nexport function total(all: Shape[]) { return all.map(one => one.area()).length + make().area() }\n",
        ),
    ];
    let mut files: Vec<_> = files.map(|(path, text)| (path, text.to_owned())).into();
    files.sort();
    files
}

fn stored(repository: &Repository) -> (BTreeSet<String>, bool) {
    let index = local::open(repository.path()).unwrap();
    block_on(async {
        let (root, _) = index.store.head(index.tenant).await.unwrap();
        let tip = root.repositories[&REPOSITORY].default.clone().unwrap();
        let code = LocalCode::of(&index.store, &tip, None).await.unwrap();
        (code.edges().unwrap(), tip.graph.unwrap().base.is_some())
    })
}

#[test]
fn a_stored_graph_is_that_of_all_facts() {
    let repository = Repository::new();
    let plain = Plain(languages());
    plain.write(&repository);
    let (edges, is_delta) = stored(&repository);
    assert!(edges.len() > 60 && !is_delta, "{edges:#?}");
    assert_eq!(edges, plain.edges());
}

/// Each push adds or changes something that other files mention, by names of all kinds.
#[test]
fn a_stored_delta_is_what_all_facts_say() {
    let repository = Repository::new();
    let mut plain = Plain(languages());
    // So that what a push touches is no tenth.
    let fillers = (0..300).map(|n| (&*format!("zz/{n}.py").leak(), format!("def filler_{n}(): return {n}\n")));
    plain.0.extend(fillers);
    plain.0.sort();
    plain.write(&repository);
    let pushes = [
        ("py/pool.py", "class Pool:\n    def acquire(self): return self.opens()\n    def opens(self): return 1\n"),
        ("rb/a.rb", "module Acme\n  class Item\n    attr_reader :size\n    def grow; 1; end\n  end\nend\n"),
        ("sh/lib.sh", "say() { echo \"$1\"; }\n"),
        (
            "c/queue.c",
            "#include \"queue.h\"\nint push(struct queue *q, int x) { return x; }\nint drain(struct queue *q) { return 0; }\n",
        ),
        (
            "cs/b.cs",
            "namespace Acme { partial class Pool { int Close() { return 1; } } class User { void Run(Pool p) { p.Close(); } } }\n",
        ),
        (
            "ts/a.ts",
            "export interface Shape { area(): string }\nexport default function other(): Shape { return null as any }\n",
        ),
        ("zz/7.py", "from py.pool import Pool\ndef f(): return Pool().opens()\n"),
    ];
    let mut deltas = 0;
    for (path, text) in pushes {
        plain.0.iter_mut().find(|(other, _)| *other == path).unwrap().1 = text.to_owned();
        plain.write(&repository);
        let (edges, is_delta) = stored(&repository);
        deltas += u32::from(is_delta);
        assert_eq!(edges, plain.edges(), "after {path}");
    }
    assert!(deltas >= 5, "{deltas}");
}
