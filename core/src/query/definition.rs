//! Whether a line looks like the definition of a word in it: by its shape alone, without a parser. Where symbols are
//! known they say it better.

use std::ops::Range;

use crate::text::Language;

/// Words that stand before the name that they define.
const KEYWORDS: [&[u8]; 29] = [
    b"fn",
    b"def",
    b"class",
    b"trait",
    b"interface",
    b"type",
    b"func",
    b"function",
    b"define",
    b"const",
    b"namespace",
    b"module",
    b"mod",
    b"package",
    b"macro_rules",
    b"macro",
    b"record",
    b"object",
    b"protocol",
    b"sub",
    b"defmodule",
    b"defp",
    b"typedef",
    b"val",
    b"static",
    b"signature",
    b"instance",
    b"data",
    b"newtype",
];

/// Words that define a name only where a body follows, and use it otherwise.
const WITH_BODY: [&[u8]; 3] = [b"struct", b"enum", b"union"];

/// Languages in which a function is defined by its head at the start of a line.
const HEADS: [&str; 3] = ["c", "c++", "bash"];

/// Whether `line` of a file at `path` looks like it defines the word at `word`.
pub(super) fn defines(line: &[u8], word: &Range<usize>, path: &[u8], language: Language) -> bool {
    let (before, after) = (&line[..word.start], line[word.end..].trim_ascii());
    let keyword = last_word(before.trim_ascii_end().strip_suffix(b"!").unwrap_or(before.trim_ascii_end()));
    if WITH_BODY.contains(&keyword) {
        let declared = after.first().is_none_or(|next| b"{<:(".contains(next));
        return declared || (language.name() == "rust" && after.starts_with(b";"));
    }
    if KEYWORDS.contains(&keyword) {
        // A macro that stands for a name with the same word in it only renames it.
        let name = &line[word.clone()];
        return keyword != b"define" || !after.windows(name.len()).any(|part| part == name);
    }
    let called = after.first() == Some(&b'(') && after.last() != Some(&b';');
    let go_method = before.starts_with(b"func (") && before.trim_ascii_end().ends_with(b")");
    // What a header has is mostly declared there, and defined elsewhere.
    let header = [&b".h"[..], b".hh", b".hpp"].iter().any(|extension| path.ends_with(extension));
    called && (go_method || (is_head(before, language) && (!header || after.ends_with(b"{"))))
}

/// Whether what stands before a name can begin the head of a function: a type at the start of the line, and no call.
fn is_head(before: &[u8], language: Language) -> bool {
    let at_start = before.first().is_none_or(|first| first.is_ascii_alphabetic() || *first == b'_');
    let of_type = before.iter().all(|byte| is_word(*byte) || b" \t*&:<>,".contains(byte));
    at_start && of_type && HEADS.contains(&language.name()) && !before.starts_with(b"return")
}

fn last_word(text: &[u8]) -> &[u8] {
    let start = text.iter().rposition(|byte| !is_word(*byte)).map_or(0, |at| at + 1);
    &text[start..]
}

/// Whether a byte is part of a word: a letter, a digit, `_`, or no ASCII.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(line: &str, language: &str) -> bool {
        let start = line.find("name").expect("the word is in the line");
        let language = Language::from_name(language).expect("a language");
        defines(line.as_bytes(), &(start..start + 4), if language.name() == "c++" { b"a.hpp" } else { b"a" }, language)
    }

    #[test]
    fn definitions_have_a_shape() {
        for (line, language) in [
            ("pub fn name(&self) {", "rust"),
            ("macro_rules! name {", "rust"),
            ("pub struct name;", "rust"),
            ("    def name(self):", "python"),
            ("class name(Base):", "python"),
            ("func (t *T) name(a int) error {", "go"),
            ("type name struct {", "go"),
            ("#define name 3", "c"),
            ("struct name {", "c"),
            ("static int name(struct a *b)", "c"),
            ("unsigned long *name(void)", "c"),
            ("name(int a,", "c"),
            ("export function name() {", "javascript"),
            ("void name() {", "c++"),
            ("name() {", "bash"),
        ] {
            assert!(shape(line, language), "{line}");
        }
        for (line, language) in [
            ("\treturn name(a);", "c"),
            ("return name(a)", "c"),
            ("static int name(struct a *b);", "c"),
            ("struct name *a = b;", "c"),
            ("\tname(a, b)", "c"),
            ("a = name(b)", "python"),
            ("let a = name(b);", "rust"),
            ("if name(a) {", "go"),
            ("#define name PREFIX(name)", "c"),
            ("void name(int a,", "c++"),
        ] {
            assert!(!shape(line, language), "{line}");
        }
    }
}
