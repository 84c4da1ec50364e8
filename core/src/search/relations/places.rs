//! Nodes and sites as readers want them: paths, lines, columns, the line itself.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;

use crate::facts::{Flags, SymbolKind};
use crate::graph::ask::is_test;
use crate::graph::{GraphError, Manner, NodeId, View};
use crate::text::LineTable;

/// Bytes of a line that are shown at most.
const LINE: usize = 400;

/// A symbol, a file as a whole, or a name of another package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolPlace {
    /// Its node.
    pub node: NodeId,
    /// As people write it: `src/db/pool.rs#Pool.acquire`, `src/db/pool.rs` for the file, `external:reqwest#get`.
    pub id: String,
    /// The name alone.
    pub name: String,
    /// What it is; `None`: a name of another package.
    pub kind: Option<SymbolKind>,
    /// Whether it is a file as a whole.
    pub is_file: bool,
    /// More about it.
    pub flags: Flags,
    /// Path of its file; empty: another package.
    pub path: Vec<u8>,
    /// Line of its name, from 1; 0: not known.
    pub line: u32,
    /// Whether it is a test, or lies in one.
    pub is_test: bool,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitePlace {
    /// Byte in the file.
    pub byte: u32,
    /// Line and column, from 1, in code points; 0: the text is not at hand.
    pub line: usize,
    /// Column.
    pub column: usize,
    /// The line without blanks at its ends, invalid UTF-8 replaced, cut to 400 bytes.
    pub text: String,
    /// How the target is used there.
    pub manner: Manner,
}

/// Describes nodes.
pub(super) fn symbol(view: &View, node: NodeId) -> Result<SymbolPlace, GraphError> {
    if view.is_external(node) {
        return external(view, node);
    }
    let path = view.file_of(node).map_or(&b""[..], |file| view.path(file));
    let (found, text) = (view.node(node)?, String::from_utf8_lossy(path));
    let is_file = found.symbol.is_none();
    let name = if is_file { text.rsplit('/').next().unwrap_or(&text).to_owned() } else { found.name().to_owned() };
    Ok(SymbolPlace {
        node,
        id: if is_file { text.into_owned() } else { format!("{text}#{}", found.label()) },
        name,
        kind: Some(found.kind),
        is_file,
        flags: found.flags,
        path: path.to_vec(),
        line: found.line,
        is_test: is_test(view, node)?,
    })
}

fn external(view: &View, node: NodeId) -> Result<SymbolPlace, GraphError> {
    let external = view.external(node)?;
    let is_package = external.name.is_empty();
    let (name, id) = match is_package {
        true => (external.package.to_string(), format!("external:{}", external.package)),
        false => (external.name.to_string(), format!("external:{}#{}", external.package, external.name)),
    };
    let (flags, path) = (Flags::EXPORTED, Vec::new());
    Ok(SymbolPlace { node, id, name, kind: None, is_file: is_package, flags, path, line: 0, is_test: false })
}

/// Texts of files with their lines.
#[derive(Default)]
pub(in crate::search) struct Texts(HashMap<Vec<u8>, (Bytes, LineTable)>);

impl Texts {
    pub(in crate::search) fn new(texts: HashMap<Vec<u8>, Bytes>) -> Self {
        let with_lines = |(path, text): (Vec<u8>, Bytes)| {
            let lines = LineTable::new(&text);
            (path, (text, lines))
        };
        Self(texts.into_iter().map(with_lines).collect())
    }

    pub(super) fn lines(&self, path: &[u8]) -> Option<&(Bytes, LineTable)> {
        self.0.get(path)
    }

    pub(in crate::search) fn site(&self, path: &[u8], byte: u32, manner: Manner) -> SitePlace {
        let Some((text, lines)) = self.lines(path) else {
            return SitePlace { byte, line: 0, column: 0, text: String::new(), manner };
        };
        let position = lines.position(text, byte as usize);
        let line = lines.range(position.line).and_then(|range| text.get(range)).unwrap_or_default().trim_ascii();
        let cut = &line[..line.len().min(LINE)];
        let line = String::from_utf8_lossy(cut).into_owned();
        SitePlace { byte, line: position.line, column: position.column, text: line, manner }
    }

    /// A part of a text on one line, blanks joined, at most 160 characters.
    pub(super) fn one_line(&self, path: &[u8], part: std::ops::Range<u32>) -> Option<String> {
        let (text, _) = self.lines(path)?;
        let part = text.get(part.start as usize..part.end as usize)?;
        let text = String::from_utf8_lossy(part);
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Some(joined.chars().take(160).collect())
    }
}

/// Each path once.
pub(super) fn distinct<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let paths: BTreeSet<_> = paths.filter(|path| !path.is_empty()).collect();
    paths.into_iter().map(<[u8]>::to_vec).collect()
}
