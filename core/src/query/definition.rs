//! Whether a line looks like the definition of a word in it: by its shape alone, without a parser. Where symbols are
//! known they say it better.

use std::ops::Range;

use crate::text::Language;

/// Words that stand before the name that they define.
const KEYWORDS: [&[u8]; 34] = [
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
    b"fun",
    b"proc",
    b"procedure",
    b"constructor",
    b"template",
];

/// Words that define a name only where a body follows, and use it otherwise.
const WITH_BODY: [&[u8]; 3] = [b"struct", b"enum", b"union"];

/// Languages in which a function is defined by its head at the start of a line.
const HEADS: [&str; 3] = ["c", "c++", "bash"];

/// Languages in which a method is defined by a type, its name and what it takes, and by a body after them.
const METHODS: [&str; 6] = ["java", "c#", "c++", "javascript", "typescript", "dart"];

/// Words that can stand before a call, or look like one.
const NO_TYPES: [&[u8]; 15] = [
    b"return", b"new", b"throw", b"else", b"case", b"assert", b"await", b"yield", b"goto", b"delete", b"in", b"not",
    b"and", b"or", b"typeof",
];

/// Languages that define nothing.
const PROSE: [&str; 7] = ["text", "markdown", "restructuredtext", "html", "json", "yaml", "asciidoc"];

/// What a comment begins with, or one of its lines.
const COMMENTS: [&[u8]; 6] = [b"//", b"/*", b"* ", b"%", b"--", b"# "];

/// Whether `line` of a file at `path` looks like it defines the word at `word`.
pub(super) fn defines(line: &[u8], word: &Range<usize>, path: &[u8], language: Language) -> bool {
    let (before, after) = (&line[..word.start], line[word.end..].trim_ascii());
    let start = before.trim_ascii_start();
    if PROSE.contains(&language.name()) || COMMENTS.iter().any(|comment| start.starts_with(comment)) {
        return false;
    }
    let keyword = last_word(owner_of(before.trim_ascii_end(), language));
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
    let body = after.ends_with(b"{");
    let own = !header || body || before.starts_with(b"static ");
    let clause = language.name() == "erlang" && before.is_empty() && after.starts_with(b"(");
    clause
        || is_function_value(after)
        || (called && (go_method || (is_head(before, language) && own) || (body && is_method(before, language))))
}

/// What stands before a name, without what the name belongs to: `self.` in Ruby, `TPage.` in Pascal, `s:` in Vim, and
/// without the `!` or `(` that a keyword has after it.
fn owner_of(before: &[u8], language: Language) -> &[u8] {
    let (last, rest) = match before.split_last() {
        Some((last, rest)) => (*last, rest),
        None => return before,
    };
    let owned = match language.name() {
        "ruby" | "pascal" | "lua" => last == b'.',
        "vim" => last == b':',
        _ => false,
    };
    match last {
        b'!' => rest,
        b'(' if language.name() == "cmake" => rest,
        _ if owned => {
            let owner = last_word(rest).len();
            let rest = rest[..rest.len() - owner].trim_ascii_end();
            rest.strip_suffix(b"!").unwrap_or(rest)
        }
        _ => before,
    }
}

/// `name = function`, `name: function`, as scripts name what has no name of its own.
fn is_function_value(after: &[u8]) -> bool {
    let value = after.strip_prefix(b"=").or_else(|| after.strip_prefix(b":")).map(<[u8]>::trim_ascii_start);
    value.is_some_and(|value| value.starts_with(b"function") || value.starts_with(b"async function"))
}

/// Whether what stands before a name, on a line that ends in a body, is a method's: modifiers and a type.
fn is_method(before: &[u8], language: Language) -> bool {
    let of_type = before.iter().all(|byte| is_word(*byte) || b" \t*&<>,.?[]@".contains(byte));
    let mut words = before.split(|byte| !is_word(*byte));
    METHODS.contains(&language.name()) && of_type && !words.any(|word| NO_TYPES.contains(&word))
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
            ("static inline int name(struct a *b)", "c++"),
            ("  public static Map<String, T> name(int a) throws E {", "java"),
            ("  async name(a, b) {", "typescript"),
            ("  name(a) {", "javascript"),
            ("var name = function (a) {", "javascript"),
            ("  def self.name(a)", "ruby"),
            ("procedure TPage.name(a: integer);", "pascal"),
            ("function! s:name(a)", "vim"),
            ("name(A, [B | C]) ->", "erlang"),
            ("name([]) -> done;", "erlang"),
            ("function(name a b)", "cmake"),
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
            ("  if (name(a)) {", "java"),
            ("    return name(a) {", "java"),
            ("    foo(name(a), () => {", "javascript"),
            ("    name(A),", "erlang"),
            ("// the type name of a file", "rust"),
            ("a class name for this", "markdown"),
            ("%% type name", "erlang"),
        ] {
            assert!(!shape(line, language), "{line}");
        }
    }
}
