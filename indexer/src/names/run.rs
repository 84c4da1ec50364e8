//! Both passes over a snapshot: definitions are collected, then every file is resolved, on all cores and in order.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::thread;

use kotadb_core::facts::{Facts, Outline};
use kotadb_core::graph::{External, FileEdges, Target};

use super::affected::{self, Change, Halves, Touched};
use super::collect::Collector;
use super::family::Family;
use super::file::{FileResult, Resolver};
use super::manifests::{self, Manifests};
use super::paths::Paths;
use super::place::Place;
use super::{Names, Source, SourceFile, implicit, imports, inheritance, is_resolved};
use crate::error::IndexError;
use crate::window::{CloseOnDrop, Window};

/// Files that may be read and not yet taken in.
const WINDOW: u64 = 256;
/// Of very many files those that a thread works on in a row: to wake another for each takes longer than to read it.
const CHUNK: usize = 16;
/// Words that a text is searched for, at most: its facts cost as much as some tens of searches.
const MOST_WORDS: usize = 32;
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
    resolution.resolve(&resolution.touched(changes.iter())?, sink)
}

/// A snapshot whose names are collected, so that its files can be resolved.
pub struct Resolution<'a> {
    names: Names,
    /// What strings in the facts of each file mention; empty where nobody asks what changes touch.
    spoken: Vec<Box<[u32]>>,
    files: &'a [SourceFile],
    source: &'a dyn Source,
    threads: usize,
}

impl<'a> Resolution<'a> {
    /// Collects the names of all files.
    pub fn new(files: &'a [SourceFile], source: &'a dyn Source, threads: usize) -> Result<Self, IndexError> {
        let mut names = collect(files, source, threads, None)?;
        // Most are asked for, so they are found once for all threads.
        names.places = imports::places(names.modules());
        Ok(Self { names, spoken: Vec::new(), files, source, threads })
    }

    /// The same, where [`Self::touched`] is to tell which few files are resolved.
    pub fn of_changed(files: &'a [SourceFile], source: &'a dyn Source, threads: usize) -> Result<Self, IndexError> {
        let mut spoken = Vec::with_capacity(files.len());
        let names = collect(files, source, threads, Some(&mut spoken))?;
        Ok(Self { names, spoken, files, source, threads })
    }

    /// The files that these changes touch, ascending, the changed ones among them.
    pub fn touched<'c>(&self, changes: impl Iterator<Item = &'c Change> + Clone) -> Result<Vec<u32>, IndexError> {
        let touched = Touched::new(changes.clone(), &self.names.all);
        if touched.everything {
            return Ok((0..self.files.len() as u32).collect());
        }
        let changed: HashSet<&str> = changes.map(|change| &*change.path).collect();
        let numbered = (0u32..).zip(self.files);
        let changed = numbered.filter(|(_, file)| changed.contains(&*file.path)).map(|(number, _)| number);
        let mut these: BTreeSet<u32> = changed.collect();
        let words = touched.names();
        let asked = self.suspected(&touched, &words)?;
        for some in asked.chunks(WINDOW as usize) {
            self.source.expect(&some.iter().map(|(file, _)| *file).collect::<Vec<_>>())?;
            let mentions = |(): &mut (), nth: u32| self.mentions(some[nth as usize], &touched, &words);
            in_order(some.len(), self.threads, || (), mentions, &mut |nth, is_touched| {
                these.extend(is_touched.then_some(some[nth as usize].0));
                Ok(())
            })?;
        }
        self.source.expect(&[])?;
        Ok(these.into_iter().collect())
    }

    fn mentions(
        &self,
        (file, only_in_text): (u32, bool),
        touched: &Touched,
        words: &[&str],
    ) -> Result<bool, IndexError> {
        if only_in_text && !has_one(&self.source.text(file)?, words) {
            return Ok(false);
        }
        let facts = facts(self.files, self.source, file)?;
        Ok(facts.is_some_and(|facts| touched.any(&affected::mentions(&facts))))
    }

    /// Files among which are all that mention a touched name, and whether they do only if their text has it.
    fn suspected(&self, touched: &Touched, words: &[&str]) -> Result<Vec<(u32, bool)>, IndexError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let all = (0u32..).zip(self.files).filter(|(_, file)| is_resolved(file.language)).map(|(number, _)| number);
        let Some(found) = self.source.mentioning(words)? else { return Ok(all.map(|file| (file, false)).collect()) };
        let spoken = |file: u32| self.spoken.get(file as usize).is_some_and(|spoken| touched.any(spoken));
        let suspect = |file: u32| match spoken(file) {
            true => Some((file, false)),
            false => found.binary_search(&file).is_ok().then_some((file, true)),
        };
        Ok(all.filter_map(suspect).collect())
    }

    /// Gives the memory back on another thread: of millions of names that takes a tenth of a second, in which the caller goes on.
    pub fn let_go(self) {
        let Self { names, spoken, .. } = self;
        // Without a thread it is done here.
        drop(thread::Builder::new().spawn(move || drop((names, spoken))));
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

/// Whether a text has one of some words somewhere: most texts that have their trigrams do not. Many words are not looked for.
fn has_one(text: &[u8], words: &[&str]) -> bool {
    words.len() > MOST_WORDS || words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

/// Reads all outlines once, and says what strings in the facts of each file mention, where somebody asks.
fn collect(
    files: &[SourceFile],
    source: &dyn Source,
    threads: usize,
    mut spoken: Option<&mut Vec<Box<[u32]>>>,
) -> Result<Names, IndexError> {
    let mut collector = Collector::new(Paths::new(files.iter().map(|file| &*file.path)));
    let is_asked = spoken.is_some();
    let read = |(): &mut (), file: u32| outline(files, source, file, is_asked);
    in_order(files.len(), threads, || (), read, &mut |file, (outline, mut strings): (Option<Outline>, _)| {
        collector.add(Family::of(files[file as usize].language), outline.as_ref());
        spoken.iter_mut().for_each(|all| all.push(std::mem::take(&mut strings)));
        Ok(())
    })?;
    name(&mut collector, files, source, threads)?;
    let mut names = Names { all: collector.finish(), ..Names::default() };
    names.manifests = manifests(&names.all.paths, source)?;
    names.go_packages = go_packages(&names);
    attach(&mut names);
    let (above_places, above) = inheritance::trace(&names);
    (names.above_places, names.above) = (above_places, above);
    names.implicit = implicit::interfaces(&names);
    Ok(names)
}

/// The outline of a file, and what its strings mention, if that is asked.
fn outline(
    files: &[SourceFile],
    source: &dyn Source,
    file: u32,
    is_asked: bool,
) -> Result<(Option<Outline>, Box<[u32]>), IndexError> {
    if !is_resolved(files[file as usize].language) {
        return Ok(<_>::default());
    }
    let outline = source.outline(file)?;
    let Some(texts) = outline.as_ref().map(|outline| &outline.texts).filter(|_| is_asked) else {
        return Ok((outline, <_>::default()));
    };
    let mut halves = Halves::with_capacity(texts.len());
    texts.each().for_each(|text| halves.add(text));
    Ok((outline, halves.finish()))
}

/// Gives symbols the names that their outlines lack.
fn name(
    collector: &mut Collector,
    files: &[SourceFile],
    source: &dyn Source,
    threads: usize,
) -> Result<(), IndexError> {
    let read = |(): &mut (), nth: u32| source.names(nth as usize);
    in_order(source.n_names()?, threads, || (), read, &mut |_, named| {
        collector.name(&named);
        Ok(())
    })?;
    for file in collector.nameless() {
        if let Some(facts) = facts(files, source, file)? {
            collector.name_all(file, &facts);
        }
    }
    Ok(())
}

fn facts(files: &[SourceFile], source: &dyn Source, file: u32) -> Result<Option<Facts>, IndexError> {
    if !is_resolved(files[file as usize].language) {
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
    let mut moved = Vec::new();
    for (symbol, owner) in inheritance::owners(names) {
        if let Place::Symbol(owner) = owner {
            let whole = names.all.whole(owner);
            names.all.symbols[symbol as usize].scope = super::definitions::Scope::symbol(whole);
            moved.push(names.all.symbol(symbol).name);
        }
    }
    names.all.sort_named(moved);
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
    let size = (n_files / WINDOW as usize).clamp(1, CHUNK);
    let chunk = |nth: usize| (nth * size) as u32..n_files.min((nth + 1) * size) as u32;
    let n_chunks = n_files.div_ceil(size);
    let window = Window::<Result<Vec<T>, IndexError>>::new(n_chunks, WINDOW / size as u64);
    thread::scope(|scope| {
        let mut taker = CloseOnDrop { window: &window, finished: false };
        for _ in 0..threads.clamp(1, n_chunks.max(1)) {
            scope.spawn(|| {
                let mut guard = CloseOnDrop { window: &window, finished: false };
                let mut bench = bench();
                while let Some(nth) = window.begin(|_| 1) {
                    window.put(nth, chunk(nth).map(|file| work(&mut bench, file)).collect());
                }
                guard.finished = true;
            });
        }
        for nth in 0..n_chunks {
            let done = window.take(|_| 1).ok_or(IndexError::BuildThread)??;
            chunk(nth).zip(done).try_for_each(|(file, done)| take(file, done))?;
        }
        taker.finished = true;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_rows_is_taken_in_order() {
        for n in [0, 1, 255, 256, 513, 5000] {
            let mut taken = Vec::new();
            let work = |(): &mut (), file| Ok(file * 2);
            in_order(n, 3, || (), work, &mut |file, done| {
                assert_eq!(done, file * 2);
                taken.push(file);
                Ok(())
            })
            .unwrap();
            assert!(taken.iter().copied().eq(0..n as u32), "{n}");
        }
        let work = |(): &mut (), file| if file == 700 { Err(IndexError::BuildThread) } else { Ok(()) };
        let mut n_taken = 0;
        let mut take = |_, ()| {
            n_taken += 1;
            Ok(())
        };
        assert!(matches!(in_order(5000, 2, || (), work, &mut take), Err(IndexError::BuildThread)));
        assert!(n_taken <= 700);
    }
}
