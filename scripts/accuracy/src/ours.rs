//! What ours says of a tree: facts of each file, and what their references lead to.

use std::collections::HashMap;

use kotadb_core::facts::{Facts, SymbolKind};
use kotadb_core::graph::{Edge, FileEdges, Target};
use kotadb_indexer::error::IndexError;
use kotadb_indexer::extract::USUAL_BUDGET;
use kotadb_indexer::names::{self, Source, SourceFile};

use crate::namesakes;
use crate::tree::{File, Place, Tree};

/// Facts and edges of a tree.
#[derive(Debug, Default)]
pub struct Ours {
    /// Facts by number of the file; `None`: its language has no extractor.
    pub facts: Vec<Option<Facts>>,
    /// Edges that call, by place of the name; nothing where names are not resolved.
    pub edges: HashMap<Place, Vec<Edge>>,
    /// Edges by name alone, by place of the name: as answers add them where few symbols have a name.
    pub namesakes: HashMap<Place, Vec<Edge>>,
    /// Whether names are resolved at all.
    pub is_resolved: bool,
    /// Symbols, by name.
    pub by_name: HashMap<Box<str>, Vec<Place>>,
}

impl Ours {
    /// Asks the library, as the indexer does.
    pub fn of(tree: &Tree) -> anyhow::Result<Self> {
        let facts: Vec<Option<Facts>> = tree.files.iter().map(extract).collect();
        let edges = resolve(tree, &facts)?;
        Ok(Self::new(facts, Some(edges)))
    }

    /// Of facts and, where names are resolved, edges of each file.
    pub fn new(facts: Vec<Option<Facts>>, edges: Option<Vec<FileEdges>>) -> Self {
        let mut ours = Self { is_resolved: edges.is_some(), ..Self::default() };
        for (file, edges) in (0..).zip(edges.unwrap_or_default()) {
            for edge in edges.edges {
                ours.edges.entry(Place { file, offset: edge.site }).or_default().push(edge);
            }
        }
        for (file, facts) in (0..).zip(&facts) {
            for symbol in facts.iter().flat_map(|facts| &facts.symbols) {
                let place = Place { file, offset: symbol.name_span.start };
                ours.by_name.entry(symbol.name.clone()).or_default().push(place);
            }
        }
        ours.namesakes = namesakes::of(&facts, &ours.edges);
        ours.facts = facts;
        ours
    }

    /// Whether anything is known of a file.
    pub fn knows(&self, file: u32) -> bool {
        self.facts[file as usize].is_some()
    }

    /// Where the target of an edge is defined; nothing where it is no symbol of the repository. A class and its
    /// constructors stand for each other.
    pub fn homes(&self, edge: &Edge) -> Vec<Place> {
        let Target::Symbol { file, symbol } = edge.target else { return Vec::new() };
        let Some(facts) = self.facts.get(file as usize).and_then(Option::as_ref) else { return Vec::new() };
        let place = |number: usize| Place { file, offset: facts.symbols[number].name_span.start };
        let target = &facts.symbols[symbol as usize];
        let mut homes = vec![place(symbol as usize)];
        if is_constructor(facts, symbol as usize) {
            homes.extend(target.container.map(|class| place(class as usize)));
        }
        if target.kind.is_type() {
            let of_type =
                |&number: &usize| facts.symbols[number].container == Some(symbol) && is_constructor(facts, number);
            homes.extend((0..facts.symbols.len()).filter(of_type).map(place));
        }
        homes
    }
}

fn is_constructor(facts: &Facts, number: usize) -> bool {
    let symbol = &facts.symbols[number];
    symbol.kind == SymbolKind::Constructor || ["__init__", "__new__", "constructor"].contains(&&*symbol.name)
}

fn extract(file: &File) -> Option<Facts> {
    kotadb_indexer::extract::extract(file.language, &file.text, USUAL_BUDGET)
}

/// A tree whose facts are known, as the resolver asks for it.
struct Extracted<'a> {
    tree: &'a Tree,
    facts: &'a [Option<Facts>],
}

impl Source for Extracted<'_> {
    fn facts(&self, file: u32) -> Result<Option<Facts>, IndexError> {
        Ok(self.facts[file as usize].clone())
    }

    fn text(&self, file: u32) -> Result<Vec<u8>, IndexError> {
        Ok(self.tree.files[file as usize].text.clone())
    }
}

fn resolve(tree: &Tree, facts: &[Option<Facts>]) -> anyhow::Result<Vec<FileEdges>> {
    let source_file = |file: &File| SourceFile { path: file.path.as_str().into(), language: file.language };
    let files: Vec<SourceFile> = tree.files.iter().map(source_file).collect();
    let mut edges = vec![FileEdges::default(); files.len()];
    names::resolve(&files, &Extracted { tree, facts }, 2, &mut |resolved| {
        edges[resolved.file as usize] = resolved.edges;
        Ok(())
    })?;
    Ok(edges)
}
