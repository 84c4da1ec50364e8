//! The text of one symbol: what stands above it in words, how it is declared, and all of its definition.

use super::answers::Relations;
use super::ground::{Ground, RelationsError, drive};
use super::places::SymbolPlace;
use crate::text::LineTable;

/// Lines of words above a definition that are given.
const DOC_LINES: usize = 40;
/// What a line of words above a definition begins with; also what stands between them and it.
const DOC_MARKS: [&str; 7] = ["//", "/*", "*", "#", "--", ";", "@"];

/// The text of a symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// First line of the definition, from 1.
    pub start_line: u64,
    /// Its last line.
    pub end_line: u64,
    /// Comments and attributes directly above it, at most 40 lines; invalid UTF-8 replaced.
    pub doc: Vec<String>,
    /// The declaration on one line, at most 160 characters.
    pub signature: String,
    /// The lines of the definition.
    pub body: Vec<String>,
}

impl<G: Ground> Relations<'_, G> {
    /// The text of a symbol; `None`: it is a file or of another package, or its text is not at hand.
    pub async fn source(&self, place: &SymbolPlace) -> Result<Option<Source>, RelationsError> {
        if place.is_file || place.kind.is_none() {
            return Ok(None);
        }
        let node = place.node;
        let (range, signature) = drive(self.view, self.ground, |view| {
            let node = view.node(node)?;
            Ok((node.range, node.signature))
        })
        .await?;
        let texts = self.texts(std::iter::once(place.path.as_slice())).await?;
        let Some((text, lines)) = texts.lines(&place.path) else { return Ok(None) };
        let first = lines.line(range.start as usize);
        let last = lines.line(range.end.saturating_sub(1).max(range.start) as usize);
        let of = |line: usize| line_text(text, lines, line);
        let signature = texts.one_line(&place.path, signature.start..signature.end);
        Ok(Some(Source {
            start_line: first as u64,
            end_line: last as u64,
            doc: above(first, of),
            signature: signature.filter(|text| !text.is_empty()).unwrap_or_else(|| place.name.clone()),
            body: (first..=last).map(of).collect(),
        }))
    }
}

/// The lines directly above a line of a text that are comments or attributes.
pub fn words_above(text: &[u8], line: usize) -> Vec<String> {
    let lines = LineTable::new(text);
    above(line, |line| line_text(text, &lines, line))
}

fn line_text(text: &[u8], lines: &LineTable, line: usize) -> String {
    let bytes = lines.range(line).and_then(|range| text.get(range)).unwrap_or_default();
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// The lines directly above `first` that are comments or attributes.
fn above(first: usize, line: impl Fn(usize) -> String) -> Vec<String> {
    let is_doc = |text: &String| {
        let text = text.trim_start();
        DOC_MARKS.iter().any(|mark| text.starts_with(mark)) && !text.starts_with("#include")
    };
    let mut doc: Vec<_> = (1..first).rev().map(line).take(DOC_LINES).take_while(is_doc).collect();
    doc.reverse();
    doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_above_a_definition_end_where_code_or_nothing_is() {
        let text = ["use a;", "", "/// Adds.", "#[inline]", "fn add() {}"];
        let line = |line: usize| text[line - 1].to_owned();
        assert_eq!(above(5, line), ["/// Adds.", "#[inline]"]);
        assert_eq!(above(1, line), [""; 0]);
    }
}
