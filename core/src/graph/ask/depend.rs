//! What files use, and what uses them: as a tree of a few levels, and the circles that a file is in.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use super::Direction;
use crate::facts::Role;
use crate::graph::edge::Confidence;
use crate::graph::error::GraphError;
use crate::graph::file_edges::FileUse;
use crate::graph::view::View;

/// A line of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The file.
    pub file: u32,
    /// The line that it stands below; `None`: the file that was asked for.
    pub parent: Option<usize>,
    /// Level, from 1.
    pub depth: u32,
    /// How it is used, or uses.
    pub how: FileUse,
}

/// The circles that a file is in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cycles {
    /// Shortest ones, one through each file that is used directly; each begins with the file.
    pub cycles: Vec<Vec<u32>>,
    /// All files that it reaches and that reach it, itself among them; empty: it is in no circle.
    pub component: Vec<u32>,
    /// More files than were looked at lead to it: some circles may be missing.
    pub truncated: bool,
}

/// What is asked of files.
#[derive(Clone, Debug)]
struct Filter<'a> {
    view: &'a View,
    roles: u16,
    min: Confidence,
}

/// The tree from a file, every file once; with at most `most` lines. Where roles are named only those count.
pub fn dependencies(
    view: &View,
    file: u32,
    direction: Direction,
    (depth, min, roles, most): (u32, Confidence, &[Role], usize),
) -> Result<(Vec<Dependency>, bool), GraphError> {
    let filter = Filter::new(view, roles, min);
    let mut tree: Vec<Dependency> = Vec::new();
    let mut seen = HashSet::from([file]);
    let mut level = vec![(file, None)];
    for depth in 1..=depth {
        let found = View::all(&level, |(file, parent)| Ok((*parent, filter.next(*file, direction)?)))?;
        let first = tree.len();
        for (parent, uses) in found {
            for how in uses.into_iter().filter(|how| seen.insert(how.file)) {
                if tree.len() == most {
                    return Ok((tree, true));
                }
                tree.push(Dependency { file: how.file, parent, depth, how });
            }
        }
        level = (first..tree.len()).map(|nth| (tree[nth].file, Some(nth))).collect();
    }
    Ok((tree, false))
}

/// The circles of a file; at most `most` files that lead to it are looked at.
pub fn cycles(view: &View, file: u32, min: Confidence, roles: &[Role], most: usize) -> Result<Cycles, GraphError> {
    let filter = Filter::new(view, roles, min);
    // The next file on the shortest way to `file`, of all that reach it.
    let (nexts, truncated) = filter.reach(file, Direction::Users, most)?;
    let direct = filter.next(file, Direction::Used)?;
    let mut cycles = Vec::new();
    for how in direct.iter().filter(|how| nexts.contains_key(&how.file)) {
        let mut cycle = vec![file];
        let mut at = how.file;
        while at != file {
            cycle.push(at);
            at = nexts[&at];
        }
        cycles.push(cycle);
    }
    cycles.sort_by_key(Vec::len);
    let mut component = Vec::new();
    if !cycles.is_empty() {
        let (forward, _) = filter.reach(file, Direction::Used, most)?;
        let both: BTreeSet<_> = forward.into_keys().filter(|one| nexts.contains_key(one)).chain([file]).collect();
        component.extend(both);
    }
    Ok(Cycles { cycles, component, truncated })
}

impl<'a> Filter<'a> {
    fn new(view: &'a View, roles: &[Role], min: Confidence) -> Self {
        let bits = roles.iter().map(|role| 1 << *role as u16).fold(0, |all, bit| all | bit);
        Self { view, roles: if roles.is_empty() { u16::MAX } else { bits }, min }
    }

    fn next(&self, file: u32, direction: Direction) -> Result<Vec<FileUse>, GraphError> {
        let mut uses = match direction {
            Direction::Used => self.view.uses(file)?,
            Direction::Users => self.view.used_by(file)?,
        };
        uses.retain(|one| one.roles & self.roles != 0 && Confidence(one.confidence) >= self.min);
        Ok(uses)
    }

    /// Every file that is reached from one, with the file before it.
    fn reach(&self, from: u32, direction: Direction, most: usize) -> Result<(BTreeMap<u32, u32>, bool), GraphError> {
        let mut before = BTreeMap::new();
        let mut level = VecDeque::from([from]);
        while !level.is_empty() {
            let found = View::all(level.drain(..), |file| Ok((file, self.next(file, direction)?)))?;
            for (file, uses) in found {
                for one in uses.into_iter().filter(|one| one.file != from) {
                    if before.len() >= most {
                        return Ok((before, true));
                    }
                    before.entry(one.file).or_insert_with(|| {
                        level.push_back(one.file);
                        file
                    });
                }
            }
        }
        Ok((before, false))
    }
}
