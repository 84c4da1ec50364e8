//! The questions and their answers, with paths, lines and texts.

use std::ops::Range;

use super::find::{Found, find};
use super::ground::{Ground, RelationsError, drive};
use super::places::{SitePlace, SymbolPlace, Texts, distinct, symbol};
use crate::facts::{Flags, Relation, Role, SymbolKind};
use crate::graph::ask::{
    self, Cycles, Direction, Impact, MapEntry, Namesake, Question, Reach, Summary, calls, candidates, changed, cycles,
    dependencies, impact, parse_diff, relatives,
};
use crate::graph::{Confidence, Manner, NodeId, View};
use crate::text::LineTable;

/// Sites of one line of a tree that are shown.
const SITES: usize = 20;
/// Files whose circles are looked for.
const CYCLE_FILES: usize = 2000;
/// Symbols that a map may take.
const MAP_ENTRIES: usize = 600;

/// A view with its ground: asks all questions.
#[derive(Debug)]
pub struct Relations<'a, G> {
    /// What is asked.
    pub view: &'a View,
    /// Where blocks and texts come from.
    pub ground: &'a G,
}

/// What a tree is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The symbol.
    pub symbol: SymbolPlace,
    /// Its users by how sure they are; of callees nothing.
    pub summary: Option<Summary>,
}

/// Who calls, or what is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTree {
    /// Whose.
    pub subject: Subject,
    /// Level by level.
    pub lines: Vec<CallLine>,
    /// Some were left out because they are too many.
    pub truncated: bool,
}

/// A line of a [`CallTree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLine {
    /// Who calls, or what is called.
    pub symbol: SymbolPlace,
    /// The line that it stands below; `None`: the subject.
    pub parent: Option<usize>,
    /// Level, from 1.
    pub depth: u32,
    /// The most certain of its sites.
    pub manner: Manner,
    /// The file of the sites.
    pub path: Vec<u8>,
    /// Where, the first 20.
    pub sites: Vec<SitePlace>,
    /// How many sites there are.
    pub n_sites: usize,
}

/// A type or member below or above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberLine {
    /// It.
    pub symbol: SymbolPlace,
    /// The id of the one it stands directly below, or above.
    pub of: String,
    /// Level, from 1.
    pub depth: u32,
    /// `None`: one member overrides another.
    pub relation: Option<Relation>,
    /// How surely.
    pub manner: Manner,
}

/// What files use, or use a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyTree {
    /// Level by level.
    pub lines: Vec<DependencyLine>,
    /// Circles through the file, as paths.
    pub cycles: Vec<Vec<Vec<u8>>>,
    /// All files that it reaches and that reach it.
    pub component: Vec<Vec<u8>>,
    /// Some were left out because they are too many.
    pub truncated: bool,
}

/// A line of a [`DependencyTree`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyLine {
    /// The file.
    pub path: Vec<u8>,
    /// The line that it stands below; `None`: the file that was asked for.
    pub parent: Option<usize>,
    /// Level, from 1.
    pub depth: u32,
    /// Roles of the uses.
    pub roles: Vec<Role>,
    /// The most certain of them.
    pub confidence: Confidence,
    /// How many.
    pub count: u32,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeSource {
    /// Symbols by id or name, and files by path.
    Named(Vec<String>),
    /// A unified diff against the indexed commit.
    Diff(String),
    /// Files of the indexed commit, with the lines that change.
    Files(Vec<ChangedFile>),
}

/// A file in which something changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path.
    pub path: Vec<u8>,
    /// Lines, from 1.
    pub lines: Vec<Range<u32>>,
}

/// What a change may touch.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpactAnswer {
    /// What changes, and whether its signature does.
    pub changed: Vec<(SymbolPlace, bool)>,
    /// What was named and is several symbols, or none.
    pub unclear: Vec<(String, Vec<SymbolPlace>)>,
    /// Files of a diff that the index has not.
    pub unknown_files: Vec<String>,
    /// What is touched.
    pub lines: Vec<ImpactLine>,
    /// The figures, and the risk.
    pub impact: Impact,
}

/// A line of an [`ImpactAnswer`].
#[derive(Clone, Debug, PartialEq)]
pub struct ImpactLine {
    /// It.
    pub symbol: SymbolPlace,
    /// See [`ask::Impacted`].
    pub how: ask::Impacted,
}

/// A map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapAnswer {
    /// File by file, signatures.
    pub text: String,
    /// What is shown.
    pub shown: usize,
    /// What could have been, with more bytes.
    pub candidates: usize,
}

impl<G: Ground> Relations<'_, G> {
    /// What a text means.
    pub async fn find(&self, text: &str) -> Result<Found, RelationsError> {
        find(self.view, self.ground, text).await
    }

    /// Callers, callees or usages, by what the question says.
    pub async fn calls(&self, subject: SymbolPlace, question: &Question) -> Result<CallTree, RelationsError> {
        let roots = [subject.node];
        let users = question.direction == Direction::Users;
        let namesakes = self.namesakes(&subject, question).await?;
        let (tree, places, summary) = drive(self.view, self.ground, |view| {
            let tree = calls(view, &roots, question).and_then(|mut tree| {
                ask::add_namesakes(view, &mut tree, (subject.node, &namesakes), question)?;
                Ok(tree)
            });
            // Both are asked for before either fails, so that both come in one wave.
            let summary = if users { Some(ask::summary(view, &roots, &subject.name, question)) } else { None };
            let (tree, summary) = (tree?, summary.transpose()?);
            let places = View::all(&tree.calls, |call| symbol(view, call.node))?;
            Ok((tree, places, summary))
        })
        .await?;
        let path_of = |nth: usize, parent: Option<usize>| match (users, parent) {
            (true, _) => places[nth].path.clone(),
            (false, Some(parent)) => places[parent].path.clone(),
            (false, None) => subject.path.clone(),
        };
        let paths: Vec<_> = tree.calls.iter().enumerate().map(|(nth, call)| path_of(nth, call.parent)).collect();
        let texts = self.texts(paths.iter().map(Vec::as_slice)).await?;
        let line = |((call, symbol), path): ((ask::Call, SymbolPlace), Vec<u8>)| CallLine {
            sites: call.sites.iter().take(SITES).map(|(site, manner)| texts.site(&path, *site, *manner)).collect(),
            n_sites: call.sites.len(),
            symbol,
            parent: call.parent,
            depth: call.depth,
            manner: call.manner,
            path,
        };
        let lines = tree.calls.into_iter().zip(places).zip(paths).map(line).collect();
        Ok(CallTree { subject: Subject { symbol: subject, summary }, lines, truncated: tree.truncated })
    }

    /// The few other symbols of the name of one, where callers that are hardly possible are asked for, too.
    pub(super) async fn namesakes(
        &self,
        of: &SymbolPlace,
        question: &Question,
    ) -> Result<Vec<Namesake>, RelationsError> {
        let is_asked = question.direction == Direction::Users && question.depth == 1;
        let is_asked = is_asked && question.min_confidence <= ask::NAMESAKE;
        if !is_asked || of.is_file || of.kind.is_none() {
            return Ok(Vec::new());
        }
        let places = match self.find(&of.name).await? {
            Found::Several(places) if places.len() <= ask::NAMESAKES => places,
            _ => Vec::new(),
        };
        let is_other = |place: &SymbolPlace| {
            place.name == of.name && whole(&place.id) != whole(&of.id) && !place.flags.has(Flags::DECLARATION)
        };
        // A class and what makes it.
        let is_in = |inner: &SymbolPlace, outer: &SymbolPlace| {
            inner.kind == Some(SymbolKind::Constructor)
                && whole(&inner.id).rsplit_once('.').map(|(id, _)| id) == Some(whole(&outer.id))
        };
        let namesake =
            |place: SymbolPlace| Namesake { is_same: is_in(&place, of) || is_in(of, &place), node: place.node };
        Ok(places.into_iter().filter(is_other).map(namesake).collect())
    }

    /// What implements, extends or overrides a symbol; or what it does so to.
    pub async fn members(
        &self,
        of: &SymbolPlace,
        below: bool,
        least: Confidence,
    ) -> Result<Vec<MemberLine>, RelationsError> {
        drive(self.view, self.ground, |view| {
            let members = relatives(view, of.node, below, least)?;
            View::all(members, |member| {
                let (place, of) = (symbol(view, member.node), symbol(view, member.of));
                let (depth, relation, manner) = (member.depth, member.relation, member.manner);
                Ok(MemberLine { symbol: place?, of: of?.id, depth, relation, manner })
            })
        })
        .await
    }

    /// What a file uses, or what uses it, and its circles.
    pub async fn dependencies(
        &self,
        path: &[u8],
        direction: Direction,
        filter: (u32, Confidence, &[Role], usize),
    ) -> Result<DependencyTree, RelationsError> {
        let file = self.file(path)?;
        let ((lines, truncated), circles) = drive(self.view, self.ground, |view| {
            let tree = dependencies(view, file, direction, filter);
            let circles = cycles(view, file, filter.1, filter.2, CYCLE_FILES);
            Ok((tree?, circles?))
        })
        .await?;
        let path = |file: &u32| self.view.path(*file).to_vec();
        let line = |line: &ask::Dependency| DependencyLine {
            path: path(&line.file),
            parent: line.parent,
            depth: line.depth,
            roles: Role::ALL.into_iter().filter(|role| line.how.roles >> *role as u16 & 1 == 1).collect(),
            confidence: Confidence(line.how.confidence),
            count: line.how.count,
        };
        let Cycles { cycles, component, truncated: more } = circles;
        Ok(DependencyTree {
            lines: lines.iter().map(line).collect(),
            cycles: cycles.iter().map(|cycle| cycle.iter().map(path).collect()).collect(),
            component: component.iter().map(path).collect(),
            truncated: truncated || more,
        })
    }

    /// What may break when something changes.
    pub async fn impact(&self, source: &ChangeSource, reach: Reach) -> Result<ImpactAnswer, RelationsError> {
        let mut seeds = Seeds::default();
        match source {
            ChangeSource::Named(names) => {
                for name in names {
                    self.add_named(name, &mut seeds).await?;
                }
            }
            ChangeSource::Diff(diff) => self.add_diff(diff, &mut seeds).await?,
            ChangeSource::Files(files) => self.add_files(files, &mut seeds).await?,
        }
        let nodes: Vec<NodeId> = seeds.nodes.iter().map(|(node, _)| *node).collect();
        let (impact, lines, changed) = drive(self.view, self.ground, |view| {
            let impact = impact(view, &nodes, reach)?;
            let lines = View::all(&impact.nodes, |one| Ok(ImpactLine { symbol: symbol(view, one.node)?, how: *one }));
            let changed = View::all(&seeds.nodes, |(node, signature)| Ok((symbol(view, *node)?, *signature)));
            Ok((impact, lines?, changed?))
        })
        .await?;
        Ok(ImpactAnswer { changed, unclear: seeds.unclear, unknown_files: seeds.unknown_files, lines, impact })
    }

    /// What is worth knowing first, in so many bytes. A focus is a path, a symbol or a name.
    pub async fn map(&self, focus: &[String], prefix: &str, budget: usize) -> Result<MapAnswer, RelationsError> {
        let mut seeds = Seeds::default();
        for name in focus {
            self.add_named(name, &mut seeds).await?;
        }
        let focus: Vec<NodeId> = seeds.nodes.iter().map(|(node, _)| *node).collect();
        let most = MAP_ENTRIES.min(budget / 12 + 1);
        let chosen = drive(self.view, self.ground, |view| {
            let chosen = candidates(view, &focus, prefix.as_bytes(), most)?;
            View::all(chosen, |node| {
                let (place, found) = (symbol(view, node)?, view.node(node)?);
                Ok((place, found.signature.start..found.signature.end))
            })
        })
        .await?;
        let texts = self.texts(chosen.iter().map(|(place, _)| place.path.as_slice())).await?;
        let entry = |(place, signature): &(SymbolPlace, Range<u32>)| MapEntry {
            path: String::from_utf8_lossy(&place.path).into_owned(),
            line: place.line,
            signature: texts.one_line(&place.path, signature.clone()).unwrap_or_else(|| place.name.clone()),
        };
        let entries: Vec<_> = chosen.iter().map(entry).collect();
        let (text, shown) = ask::render(&entries, budget);
        Ok(MapAnswer { text, shown, candidates: entries.len() })
    }

    pub(super) async fn texts(&self, paths: impl Iterator<Item = &[u8]>) -> Result<Texts, RelationsError> {
        let paths = distinct(paths);
        if paths.is_empty() {
            return Ok(Texts::default());
        }
        Ok(Texts::new(self.ground.texts(&paths).await?))
    }

    fn file(&self, path: &[u8]) -> Result<u32, RelationsError> {
        let file = self.view.find_file(path);
        file.ok_or_else(|| RelationsError::NoFile(String::from_utf8_lossy(path).into_owned()))
    }

    /// A file stands for all that is in it.
    async fn add_named(&self, name: &str, seeds: &mut Seeds) -> Result<(), RelationsError> {
        match self.find(name).await? {
            Found::One(place) if place.is_file && !place.path.is_empty() => {
                let nodes = self.view.nodes_of(self.file(&place.path)?);
                seeds.nodes.extend(nodes.map(|node| (node, true)));
            }
            Found::One(place) => seeds.nodes.push((place.node, true)),
            Found::Several(places) => seeds.unclear.push((name.to_owned(), places)),
            Found::None => seeds.unclear.push((name.to_owned(), Vec::new())),
        }
        Ok(())
    }

    async fn add_diff(&self, diff: &str, seeds: &mut Seeds) -> Result<(), RelationsError> {
        let changes = parse_diff(diff).map_err(RelationsError::Diff)?;
        let paths = changes.iter().filter_map(|change| change.before.as_deref());
        let texts = self.texts(paths.map(str::as_bytes)).await?;
        for change in changes {
            let Some(path) = &change.before else { continue };
            let (Some(file), Some((text, lines))) =
                (self.view.find_file(path.as_bytes()), texts.lines(path.as_bytes()))
            else {
                seeds.unknown_files.push(path.clone());
                continue;
            };
            let touched = bytes_of(&change.lines, lines, text);
            let nodes = drive(self.view, self.ground, |view| match change.after {
                None => Ok(view.nodes_of(file).map(|node| (node, true)).collect()),
                Some(_) => Ok(changed(view, file, &touched)?
                    .into_iter()
                    .map(|one| (one.node, one.signature))
                    .collect::<Vec<_>>()),
            });
            seeds.nodes.extend(nodes.await?);
        }
        Ok(())
    }
}

impl<G: Ground> Relations<'_, G> {
    async fn add_files(&self, files: &[ChangedFile], seeds: &mut Seeds) -> Result<(), RelationsError> {
        let texts = self.texts(files.iter().map(|file| file.path.as_slice())).await?;
        for ChangedFile { path, lines: changed_lines } in files {
            // A file of no language has no symbols; the graph has every file.
            let (Some(file), Some((text, lines))) = (self.view.find_file(path), texts.lines(path)) else { continue };
            let touched = bytes_of(changed_lines, lines, text);
            let nodes = drive(self.view, self.ground, |view| changed(view, file, &touched)).await?;
            seeds.nodes.extend(nodes.into_iter().map(|one| (one.node, one.signature)));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Seeds {
    nodes: Vec<(NodeId, bool)>,
    unclear: Vec<(String, Vec<SymbolPlace>)>,
    unknown_files: Vec<String>,
}

/// The bytes of the lines that a change touches, without the blanks round them: an indent or a line end belongs to what is
/// round a symbol.
fn bytes_of(changed: &[Range<u32>], lines: &LineTable, text: &[u8]) -> Vec<Range<u32>> {
    let start = |line: u32| lines.range(line as usize).map_or(text.len(), |range| range.start);
    let bare = |part: Range<usize>| {
        let touched = &text[part.clone()];
        let (before, after) = (touched.len() - touched.trim_ascii_start().len(), touched.trim_ascii_end().len());
        // Of lines that are all blank nothing is left to tell: they stand as they are.
        if after == 0 { part } else { part.start + before..part.start + after }
    };
    let parts = changed.iter().map(|part| bare(start(part.start)..start(part.end)));
    parts.filter(|part| !part.is_empty()).map(|part| part.start as u32..part.end as u32).collect()
}

/// An id without the number that tells overloads apart.
fn whole(id: &str) -> &str {
    id.rsplit_once('~').filter(|(_, nth)| nth.parse::<u32>().is_ok()).map_or(id, |(whole, _)| whole)
}
