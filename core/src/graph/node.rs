//! Nodes: the file itself and the symbols of it that matter to others, in blocks of rows.

use super::codec::{Cursor, put_bytes, put_signed, put_varint};
use super::error::GraphError;
use crate::facts::{Facts, Flags, Span, Symbol, SymbolKind};

/// A node: a file, or a symbol that an edge touches or that others may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Number of the symbol in the facts of its file; `None`: the file itself.
    pub symbol: Option<u32>,
    /// What it is; of a file a module.
    pub kind: SymbolKind,
    /// More about it.
    pub flags: Flags,
    /// Names from the outermost container to the symbol, with dots; empty: the file.
    pub qualified: Box<str>,
    /// Bytes of the name alone, the end of `qualified`.
    pub name_len: u32,
    /// How many symbols of that qualified name come before it in the file.
    pub ordinal: u32,
    /// Where the name starts.
    pub start: u32,
    /// Line of the name, from 1; 0: not known.
    pub line: u32,
    /// All of the definition.
    pub range: Span,
    /// What is shown as its signature.
    pub signature: Span,
    /// How much others build upon it: tenths of the binary logarithm of (PageRank × number of nodes), plus 30.
    pub rank: u8,
}

impl Node {
    /// The node of a file as a whole.
    pub(super) fn file() -> Self {
        Self {
            symbol: None,
            kind: SymbolKind::Module,
            flags: Flags::default(),
            qualified: Box::default(),
            name_len: 0,
            ordinal: 0,
            start: 0,
            line: 0,
            range: Span::default(),
            signature: Span::default(),
            rank: 0,
        }
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        let start = self.qualified.len().saturating_sub(self.name_len as usize);
        self.qualified.get(start..).unwrap_or(&self.qualified)
    }

    /// As people write it behind the path: `Pool.acquire`, `Pool.acquire~2` for the second of that name.
    pub fn label(&self) -> String {
        if self.ordinal == 0 { self.qualified.to_string() } else { format!("{}~{}", self.qualified, self.ordinal + 1) }
    }

    /// Whether it is in the graph although no edge touches it.
    pub(super) fn is_offered(&self) -> bool {
        let offers = self.kind.is_type() || (self.kind.is_callable() && self.kind != SymbolKind::Macro);
        offers && self.flags.has(Flags::EXPORTED)
    }
}

/// All symbols of a file as nodes, by their numbers.
pub(crate) fn nodes_of(facts: &Facts) -> Vec<Node> {
    let mut seen = std::collections::HashMap::<Box<str>, u32>::new();
    let node = |(number, symbol): (usize, &Symbol)| {
        let qualified: Box<str> = facts.qualified(number).join(".").into();
        let ordinal = seen.entry(qualified.clone()).and_modify(|times| *times += 1).or_default();
        of_symbol(number as u32, symbol, qualified, *ordinal)
    };
    facts.symbols.iter().enumerate().map(node).collect()
}

fn of_symbol(number: u32, symbol: &Symbol, qualified: Box<str>, ordinal: u32) -> Node {
    Node {
        symbol: Some(number),
        kind: symbol.kind,
        flags: symbol.flags,
        qualified,
        name_len: symbol.name.len() as u32,
        ordinal,
        start: symbol.name_span.start,
        line: symbol.line,
        range: symbol.range,
        signature: symbol.signature,
        rank: 0,
    }
}

/// Columns of a block, names apart.
pub(super) const N_COLUMNS: usize = 14;

/// Writes rows that follow each other. A row is told from the one before, which is forgotten where a file begins.
#[derive(Debug, Default)]
pub(super) struct NodeRows {
    columns: [Vec<u8>; N_COLUMNS],
    names: Vec<u8>,
    n_rows: usize,
    before: Option<Node>,
}

impl NodeRows {
    pub(super) fn len(&self) -> usize {
        self.n_rows
    }

    /// Appends a row; `begins`: it is the first of its file.
    pub(super) fn push(&mut self, node: Node, begins: bool) {
        let before = self.before.take().filter(|_| !begins).unwrap_or_else(Node::file);
        let shared = shared_prefix(&before.qualified, &node.qualified);
        let [symbol, kind, flags, prefix, suffix, outer, ordinal, start, line, spans @ .., rank] = &mut self.columns;
        put_varint(symbol, node.symbol.map_or(0, |number| u64::from(number - before.symbol.unwrap_or(0)) + 1));
        kind.push(node.kind as u8);
        put_varint(flags, node.flags.0);
        put_varint(prefix, shared as u64);
        put_varint(suffix, (node.qualified.len() - shared) as u64);
        put_varint(outer, node.qualified.len().saturating_sub(node.name_len as usize) as u64);
        put_varint(ordinal, node.ordinal);
        put_signed(start, i64::from(node.start) - i64::from(expected(&before, &node.qualified)));
        put_signed(line, i64::from(node.line) - i64::from(before.line));
        for (column, (from, to)) in spans.iter_mut().zip(steps(&node)) {
            put_signed(column, i64::from(to) - i64::from(from));
        }
        rank.push(node.rank);
        self.names.extend_from_slice(&node.qualified.as_bytes()[shared..]);
        self.n_rows += 1;
        self.before = Some(node);
    }

    /// The rows so far; starts anew.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut raw = Vec::new();
        put_varint(&mut raw, self.n_rows as u64);
        self.columns.iter().for_each(|column| put_bytes(&mut raw, column));
        put_bytes(&mut raw, &self.names);
        *self = Self::default();
        raw
    }
}

/// Reads rows; `begins(n)`: whether row `n` is the first of its file.
pub(super) fn read_rows(raw: &[u8], begins: impl Fn(usize) -> bool) -> Result<Vec<Node>, GraphError> {
    let mut cursor = Cursor::new("nodes", raw);
    let n_rows = cursor.count()?;
    let mut columns = Vec::with_capacity(N_COLUMNS);
    for _ in 0..N_COLUMNS {
        columns.push(cursor.column()?);
    }
    let mut names = cursor.column()?;
    let mut rows: Vec<Node> = Vec::new();
    let file = Node::file();
    for nth in 0..n_rows {
        let before = rows.last().filter(|_| !begins(nth)).unwrap_or(&file);
        let row = read_row(&mut columns, &mut names, before)?;
        rows.push(row);
    }
    columns.into_iter().try_for_each(Cursor::finish)?;
    names.finish()?;
    Ok(rows)
}

/// The next symbol of its column.
pub(super) fn next_symbol(column: &mut Cursor<'_>, before: Option<u32>) -> Result<Option<u32>, GraphError> {
    Ok(match column.varint()? {
        0 => None,
        step => Some(before.unwrap_or(0).checked_add(step - 1).ok_or_else(|| column.error("is out of reach"))?),
    })
}

fn read_row(columns: &mut [Cursor<'_>], names: &mut Cursor<'_>, before: &Node) -> Result<Node, GraphError> {
    let [symbol, kind, flags, prefix, suffix, outer, ordinal, start, line, spans @ .., rank] = columns else {
        return Err(names.error("has not its columns"));
    };
    let symbol = next_symbol(symbol, before.symbol)?;
    let known = SymbolKind::ALL.get(usize::from(kind.u8()?)).copied();
    let qualified = read_name(&before.qualified, prefix.varint()?, names.take(suffix.varint()? as usize)?);
    let qualified = qualified.ok_or_else(|| names.error("has a name that is none"))?;
    let name_len = (qualified.len() as u32).checked_sub(outer.varint()?);
    let mut node = Node {
        symbol,
        kind: known.ok_or_else(|| kind.error("has a kind that is unknown"))?,
        flags: Flags(flags.varint()? as u16),
        name_len: name_len.ok_or_else(|| outer.error("is longer than the name"))?,
        ordinal: ordinal.varint()?,
        start: start.moved(expected(before, &qualified))?,
        qualified,
        line: line.moved(before.line)?,
        range: Span::default(),
        signature: Span::default(),
        rank: rank.u8()?,
    };
    for (nth, column) in spans.iter_mut().enumerate() {
        let to = column.moved(steps(&node)[nth].0)?;
        *[&mut node.range.start, &mut node.range.end, &mut node.signature.start, &mut node.signature.end][nth] = to;
    }
    Ok(node)
}

/// Where the name of a row probably starts: shortly behind the row before, or within it.
fn expected(before: &Node, qualified: &str) -> u32 {
    let within = qualified.strip_prefix(&*before.qualified).is_some_and(|rest| rest.starts_with('.'));
    if within { before.start } else { before.range.end }
}

/// The ends of both spans, each behind what it is told from: what is there before it is known.
fn steps(node: &Node) -> [(u32, u32); 4] {
    let Node { start, range, signature, name_len, .. } = node;
    [
        (*start, range.start),
        (start.saturating_add(*name_len), range.end),
        (range.start, signature.start),
        (range.end, signature.end),
    ]
}

fn read_name(before: &str, prefix: u32, suffix: &[u8]) -> Option<Box<str>> {
    let prefix = before.get(..prefix as usize)?;
    Some([prefix, std::str::from_utf8(suffix).ok()?].concat().into())
}

/// Bytes that two texts begin with alike, whole characters of both.
fn shared_prefix(a: &str, b: &str) -> usize {
    let mut shared = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(shared) && b.is_char_boundary(shared)) {
        shared -= 1;
    }
    shared
}
