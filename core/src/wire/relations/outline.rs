//! What is defined in a file, in the order of the text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::GraphState;
use crate::facts::{Facts, Flags, Symbol};
use crate::text::LineTable;

/// A definition of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OutlineItem {
    /// The name alone.
    pub name: String,
    /// `function`, `class`, `section`, ….
    pub kind: String,
    /// How many definitions it stands in.
    pub depth: u32,
    /// First line of the whole definition, from 1.
    pub line: u64,
    /// Its last line.
    pub end_line: u64,
    /// The declaration on one line, at most 160 characters.
    pub signature: String,
    /// Whether others may use it by name.
    pub exported: bool,
}

/// What is defined in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outline {
    /// The file.
    pub path: String,
    /// Definitions in the order of the text; a container before what it contains.
    pub items: Vec<OutlineItem>,
    /// Whether part of the text could not be read as its language: definitions may be missing.
    pub partial: bool,
    /// What the answer was made from.
    pub index: GraphState,
}

/// The outline of a text.
pub fn outline(path: String, facts: &Facts, text: &[u8], index: GraphState) -> Outline {
    let lines = LineTable::new(text);
    let mut depths: Vec<u32> = Vec::with_capacity(facts.symbols.len());
    for symbol in &facts.symbols {
        let container = symbol.container.and_then(|container| depths.get(container as usize));
        depths.push(container.map_or(0, |depth| depth + 1));
    }
    let item = |(symbol, depth): (&Symbol, u32)| OutlineItem {
        name: symbol.name.to_string(),
        kind: symbol.kind.name().to_owned(),
        depth,
        line: lines.line(symbol.range.start as usize) as u64,
        end_line: lines.line(symbol.range.end.saturating_sub(1).max(symbol.range.start) as usize) as u64,
        signature: signature(symbol, text),
        exported: symbol.flags.has(Flags::EXPORTED),
    };
    let items = facts.symbols.iter().zip(depths).map(item).collect();
    Outline { path, items, partial: facts.partial, index }
}

fn signature(symbol: &Symbol, text: &[u8]) -> String {
    let span = symbol.signature.start as usize..symbol.signature.end as usize;
    let text = String::from_utf8_lossy(text.get(span).unwrap_or_default());
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = joined.chars().take(160).collect();
    if cut.is_empty() { symbol.name.to_string() } else { cut }
}

impl Outline {
    /// A line for each definition, indented as it is contained.
    pub fn lines(&self) -> Vec<String> {
        let line = |item: &OutlineItem| {
            format!(
                "{}{}-{}: {} {}",
                "  ".repeat(item.depth as usize),
                item.line,
                item.end_line,
                item.kind,
                item.signature
            )
        };
        let partial =
            self.partial.then(|| "note: part of the text could not be read: definitions may be missing".to_owned());
        self.items.iter().map(line).chain(partial).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Span, SymbolKind};

    #[test]
    fn definitions_are_indented_by_their_containers() {
        let text = b"struct Pool {\n  size: u32,\n}\n";
        let symbol = |kind, name: &str, container, range: (u32, u32), signature: (u32, u32)| Symbol {
            name: name.into(),
            container,
            range: Span { start: range.0, end: range.1 },
            signature: Span { start: signature.0, end: signature.1 },
            ..Symbol::new(kind)
        };
        let symbols = vec![
            symbol(SymbolKind::Struct, "Pool", None, (0, 28), (0, 11)),
            symbol(SymbolKind::Field, "size", Some(0), (16, 25), (16, 25)),
        ];
        let facts = Facts { symbols, partial: true, ..Facts::default() };
        let outline = outline("a.rs".into(), &facts, text, GraphState::default());
        let expected = [
            "1-3: struct struct Pool",
            "  2-2: field size: u32",
            "note: part of the text could not be read: definitions may be missing",
        ];
        assert_eq!(outline.lines(), expected);
    }
}
