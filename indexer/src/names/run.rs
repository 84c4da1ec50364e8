//! Both passes over a snapshot: definitions are collected, then every file is resolved, on all cores and in order.

use std::collections::{HashMap, HashSet};
use std::thread;

use kotadb_core::facts::Facts;
use kotadb_core::graph::{External, FileEdges, Target};

use super::affected::{self, Change, Touched};
use super::collect::Collector;
use super::family::Family;
use super::file::{FileResult, Resolver};
use super::manifests::{self, Manifests};
use super::paths::Paths;
use super::place::Place;
use super::{Names, Source, SourceFile, implicit, imports, inheritance};
use crate::error::IndexError;
use crate::window::{CloseOnDrop, Window};

/// Files that may be read and not yet taken in.
const WINDOW: u64 = 256;
/// Longest manifest that is read, in bytes.
const MOST_MANIFEST: usize = 1 << 20;

/// A file with what its references lead to.
#[derive(Debug)]
pub struct Resolved {
    /// Number of the file.
    pub file: u32,
    /// What its text says.
    pub facts: Facts,
    /// Its edges.
    pub edges: FileEdges,
}

/// Resolves all files of a snapshot. The sink takes them in order; files without facts come with nothing. What edges call
/// external is numbered by the list that comes back.
pub fn resolve(
    files: &[SourceFile],
    source: &dyn Source,
    threads: usize,
    sink: &mut dyn FnMut(Resolved) -> Result<(), IndexError>,
) -> Result<Vec<External>, IndexError> {
    let all: Vec<u32> = (0..files.len() as u32).collect();
    Resolution::new(files, source, threads)?.resolve(&all, sink)
}

/// Resolves those files of a snapshot that changes touch, the changed ones among them, as [`resolve`] would.
pub fn resolve_changed(
    files: &[SourceFile],
    source: &dyn Source,
    threads: usize,
    changes: &[Change],
    sink: &mut dyn FnMut(Resolved) -> Result<(), IndexError>,
) -> Result<Vec<External>, IndexError> {
    let resolution = Resolution::of_changed(files, source, threads)?;
    resolution.resolve(&resolution.touched(changes.iter()), sink)
}

/// A snapshot whose names are collected, so that its files can be resolved.
pub struct Resolution<'a> {
    names: Names,
    /// What each file mentions; empty where nobody asks what changes touch.
    mentions: Vec<Box<[u32]>>,
    files: &'a [SourceFile],
    source: &'a dyn Source,
    threads: usize,
}

impl<'a> Resolution<'a> {
    /// Collects the names of all files.
    pub fn new(files: &'a [SourceFile], source: &'a dyn Source, threads: usize) -> Result<Self, IndexError> {
        let names = collect(files, source, threads, None)?;
        Ok(Self { names, mentions: Vec::new(), files, source, threads })
    }

    /// The same, with what each file mentions, so that [`Self::touched`] can tell.
    pub fn of_changed(files: &'a [SourceFile], source: &'a dyn Source, threads: usize) -> Result<Self, IndexError> {
        let mut mentions = Vec::with_capacity(files.len());
        let names = collect(files, source, threads, Some(&mut mentions))?;
        Ok(Self { names, mentions, files, source, threads })
    }

    /// The files that these changes touch, ascending, the changed ones among them.
    pub fn touched<'c>(&self, changes: impl Iterator<Item = &'c Change> + Clone) -> Vec<u32> {
        let touched = Touched::new(changes.clone(), &self.names.all);
        let changed: HashSet<&str> = changes.map(|change| &*change.path).collect();
        let mentions = |file: u32| self.mentions.get(file as usize).map_or(&[][..], |mentions| mentions);
        let is_touched =
            |file: &u32| touched.any(mentions(*file)) || changed.contains(&*self.files[*file as usize].path);
        (0..self.files.len() as u32).filter(is_touched).collect()
    }

    /// Resolves these files; the sink takes them in order.
    pub fn resolve(
        &self,
        these: &[u32],
        sink: &mut dyn FnMut(Resolved) -> Result<(), IndexError>,
    ) -> Result<Vec<External>, IndexError> {
        let mut externals = Externals::default();
        in_order(
            these.len(),
            self.threads,
            || Resolver::new(&self.names),
            |resolver, nth| match facts(self.files, self.source, these[nth as usize])? {
                Some(facts) => {
                    let result = resolver.resolve(these[nth as usize], &facts);
                    Ok((facts, result))
                }
                None => Ok((Facts::default(), FileResult::default())),
            },
            &mut |nth, (facts, result)| {
                sink(Resolved { file: these[nth as usize], facts, edges: externals.number(result) })
            },
        )?;
        Ok(externals.list)
    }
}

/// Reads all facts once, and says what each file mentions, where somebody asks.
fn collect(
    files: &[SourceFile],
    source: &dyn Source,
    threads: usize,
    mut mentions: Option<&mut Vec<Box<[u32]>>>,
) -> Result<Names, IndexError> {
    let mut collector = Collector::new(Paths::new(files.iter().map(|file| file.path.clone())));
    let wants_mentions = mentions.is_some();
    let read = |(): &mut (), file: u32| {
        let facts = facts(files, source, file)?;
        let mentioned = facts.as_ref().filter(|_| wants_mentions).map(affected::mentions);
        Ok((facts, mentioned.unwrap_or_default()))
    };
    in_order(files.len(), threads, || (), read, &mut |file, (facts, mentioned): (Option<Facts>, Box<[u32]>)| {
        collector.add(Family::of(files[file as usize].language), facts.as_ref());
        if let Some(all) = &mut mentions {
            all.push(mentioned);
        }
        Ok(())
    })?;
    let mut names = Names { all: collector.finish(), ..Names::default() };
    names.manifests = manifests(&names.all.paths, source)?;
    names.go_packages = go_packages(&names);
    names.places = imports::places(names.modules());
    attach(&mut names);
    let (above_places, above) = inheritance::trace(&names);
    (names.above_places, names.above) = (above_places, above);
    names.implicit = implicit::interfaces(&names);
    Ok(names)
}

fn facts(files: &[SourceFile], source: &dyn Source, file: u32) -> Result<Option<Facts>, IndexError> {
    if Family::of(files[file as usize].language) == Family::Other {
        return Ok(None);
    }
    source.facts(file)
}

fn manifests(paths: &Paths, source: &dyn Source) -> Result<Manifests, IndexError> {
    let mut manifests = Manifests::new(paths);
    for file in (0..paths.len() as u32).filter(|&file| manifests::is_manifest(paths.path(file))) {
        let text = source.text(file)?;
        if text.len() <= MOST_MANIFEST {
            manifests.add(paths, paths.path(file), &String::from_utf8_lossy(&text));
        }
    }
    manifests.finish();
    Ok(manifests)
}

/// The package of each folder of Go; tests may declare another one beside it.
fn go_packages(names: &Names) -> HashMap<Box<str>, super::words::Word> {
    let mut packages = HashMap::new();
    for (file, entry) in (0..).zip(&names.all.files).filter(|(_, entry)| entry.family == Family::Go) {
        let folder = names.all.paths.folder_path(names.all.paths.folder_of(file));
        let is_main = !names.all.words.text(entry.package).ends_with("_test");
        if is_main || !packages.contains_key(folder) {
            packages.insert(folder.into(), entry.package);
        }
    }
    packages
}

/// Gives members that are written apart from their type (`impl Pool`, `func (p *Pool)`) their place in it.
fn attach(names: &mut Names) {
    let found = inheritance::owners(names);
    for (symbol, owner) in found {
        if let Place::Symbol(owner) = owner {
            let whole = names.all.whole(owner);
            names.all.symbols[symbol as usize].scope = super::definitions::Scope::symbol(whole);
        }
    }
    names.all.sort();
}

/// Numbers of externals over all files.
#[derive(Debug, Default)]
struct Externals {
    numbers: HashMap<External, u32>,
    list: Vec<External>,
}

impl Externals {
    fn number(&mut self, result: FileResult) -> FileEdges {
        let numbers: Vec<u32> = result.externals.into_iter().map(|external| self.add(external)).collect();
        let mut edges = result.edges;
        let renumber = |target: &mut Target| {
            if let Target::External(external) = target {
                *external = numbers[*external as usize];
            }
        };
        edges.edges.iter_mut().for_each(|edge| renumber(&mut edge.target));
        edges.inheritance.iter_mut().for_each(|one| renumber(&mut one.above));
        edges
    }

    fn add(&mut self, external: External) -> u32 {
        let next = self.list.len() as u32;
        *self.numbers.entry(external).or_insert_with_key(|external| {
            self.list.push(external.clone());
            next
        })
    }
}

/// Does the work of each file on several threads and takes the results in order.
fn in_order<B, T: Send>(
    n_files: usize,
    threads: usize,
    bench: impl Fn() -> B + Sync,
    work: impl Fn(&mut B, u32) -> Result<T, IndexError> + Sync,
    take: &mut dyn FnMut(u32, T) -> Result<(), IndexError>,
) -> Result<(), IndexError> {
    let window = Window::<Result<T, IndexError>>::new(n_files, WINDOW);
    thread::scope(|scope| {
        let mut taker = CloseOnDrop { window: &window, finished: false };
        for _ in 0..threads.clamp(1, n_files.max(1)) {
            scope.spawn(|| {
                let mut guard = CloseOnDrop { window: &window, finished: false };
                let mut bench = bench();
                while let Some(file) = window.begin(|_| 1) {
                    window.put(file, work(&mut bench, file as u32));
                }
                guard.finished = true;
            });
        }
        for file in 0..n_files as u32 {
            take(file, window.take(|_| 1).ok_or(IndexError::BuildThread)??)?;
        }
        taker.finished = true;
        Ok(())
    })
}
