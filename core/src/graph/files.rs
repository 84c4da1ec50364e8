//! The table of files: paths in order, and which nodes belong to each.

use std::ops::Range;

use super::codec::{Cursor, put_bytes, put_varint};
use super::error::GraphError;
use crate::segment::Class;

/// What a delta says of a file that it names. Numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// All is told here: nodes and edges. So of every file of a base.
    Whole = 0,
    /// Its text is that of the base, its edges are told here, with nodes that the base has not.
    Edges = 1,
    /// Nodes that the base has not.
    Nodes = 2,
}

/// Files in path order.
#[derive(Clone, Debug)]
pub(super) struct Files {
    paths: Vec<u8>,
    ends: Vec<u32>,
    classes: Vec<u8>,
    states: Vec<u8>,
    /// The first node of each file, and the number of nodes.
    first_nodes: Vec<u32>,
}

impl Default for Files {
    fn default() -> Self {
        Self { paths: Vec::new(), ends: Vec::new(), classes: Vec::new(), states: Vec::new(), first_nodes: vec![0] }
    }
}

impl Files {
    /// Appends a file; its number.
    pub(super) fn push(&mut self, path: &[u8], class: Class, state: State) -> Result<u32, GraphError> {
        if self.last().is_some_and(|last| last >= path) {
            let path = String::from_utf8_lossy(path);
            return Err(GraphError::Build(format!("files are not in the order of paths at `{path}`")));
        }
        self.paths.extend_from_slice(path);
        let end = u32::try_from(self.paths.len()).map_err(|_| GraphError::Build("paths exceed 4 GiB".into()))?;
        self.ends.push(end);
        self.classes.push(class as u8);
        self.states.push(state as u8);
        Ok(self.ends.len() as u32 - 1)
    }

    /// Says how many nodes the files have, in their order.
    pub(super) fn set_nodes(&mut self, first_nodes: Vec<u32>) {
        self.first_nodes = first_nodes;
    }

    pub(super) fn memory(&self) -> usize {
        self.paths.len() + self.ends.len() * 10
    }

    pub(super) fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    pub(super) fn n_nodes(&self) -> u32 {
        self.first_nodes.last().copied().unwrap_or(0)
    }

    pub(super) fn path(&self, file: u32) -> &[u8] {
        let file = file as usize;
        let begin = file.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        self.ends.get(file).map_or(&[], |end| &self.paths[begin..*end as usize])
    }

    pub(super) fn class(&self, file: u32) -> Class {
        let class = self.classes.get(file as usize).and_then(|class| Class::ALL.get(usize::from(*class)));
        class.copied().unwrap_or(Class::Source)
    }

    pub(super) fn state(&self, file: u32) -> State {
        match self.states.get(file as usize) {
            Some(1) => State::Edges,
            Some(2) => State::Nodes,
            _ => State::Whole,
        }
    }

    pub(super) fn find(&self, path: &[u8]) -> Option<u32> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.path(middle).cmp(path) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// Files whose path begins so.
    pub(super) fn under(&self, prefix: &[u8]) -> Range<u32> {
        let point = |before: &dyn Fn(&[u8]) -> bool| {
            let (mut low, mut high) = (0, self.len());
            while low < high {
                let middle = low + (high - low) / 2;
                if before(self.path(middle)) { low = middle + 1 } else { high = middle }
            }
            low
        };
        point(&|path| path < prefix)..point(&|path| path < prefix || path.starts_with(prefix))
    }

    pub(super) fn nodes(&self, file: u32) -> Range<u32> {
        let at = |nth: usize| self.first_nodes.get(nth).copied().unwrap_or_default();
        at(file as usize)..at(file as usize + 1)
    }

    /// The file of a node.
    pub(super) fn of_node(&self, node: u32) -> u32 {
        let after = self.first_nodes.partition_point(|first| *first <= node) as u32;
        after.saturating_sub(1)
    }

    fn last(&self) -> Option<&[u8]> {
        self.len().checked_sub(1).map(|last| self.path(last))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (mut lens, mut bytes, mut nodes) = (Vec::new(), Vec::new(), Vec::new());
        let mut before: &[u8] = b"";
        for file in 0..self.len() {
            let path = self.path(file);
            let shared = before.iter().zip(path).take_while(|(a, b)| a == b).count();
            put_varint(&mut lens, shared as u64);
            put_varint(&mut lens, (path.len() - shared) as u64);
            bytes.extend_from_slice(&path[shared..]);
            put_varint(&mut nodes, u64::from(self.nodes(file).end - self.nodes(file).start));
            before = path;
        }
        let mut raw = Vec::new();
        [&lens, &bytes, &self.classes, &self.states, &nodes].into_iter().for_each(|column| put_bytes(&mut raw, column));
        raw
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("files", raw);
        let (mut lens, mut bytes) = (cursor.column()?, cursor.column()?);
        let (classes, states, mut nodes) = (cursor.bytes()?, cursor.bytes()?, cursor.column()?);
        let mut files = Self { classes: classes.into(), states: states.into(), ..Self::default() };
        let mut before = 0..0;
        while !lens.is_empty() {
            let (shared, fresh) = (lens.varint()? as usize, lens.varint()? as usize);
            let fresh = bytes.take(fresh)?;
            if shared > before.len() {
                return Err(lens.error("has a path that shares more than there is"));
            }
            let start = files.paths.len();
            files.paths.extend_from_within(before.start..before.start + shared);
            files.paths.extend_from_slice(fresh);
            // A path shares at most what the one before has, so a small table can tell of long paths only by many rows.
            let end = u32::try_from(files.paths.len()).ok().filter(|end| *end <= MAX_PATHS);
            files.ends.push(end.ok_or_else(|| lens.error("has too long paths"))?);
            before = start..files.paths.len();
            let first = files.n_nodes();
            files.first_nodes.push(nodes.beyond(first)?);
        }
        let n_files = files.ends.len();
        if files.classes.len() != n_files || files.states.len() != n_files {
            return Err(lens.error("has columns of different lengths"));
        }
        [bytes, nodes].into_iter().try_for_each(Cursor::finish)?;
        Ok(files)
    }
}

/// Bytes of all paths at most: 500,000 files of 512 bytes.
const MAX_PATHS: u32 = 1 << 28;
