//! Macros that stand in a declaration like attributes. The grammar takes one for the type and the type for the name, so it is
//! given blanks in its place.
//!
//! ```text
//! LUA_API int lua_gettop (lua_State *L);       before a declaration, where a line begins
//! class LEVELDB_EXPORT Cache {                  before the name of a class
//! int n_ GUARDED_BY(mutex_);                    the annotations of Clang for locks, by their documented names
//! DB_DEPRECATED("use open()")                   a line of its own above a declaration of C++
//! ```

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

/// Words that are part of a type or say something of a declaration, and are never a name.
const QUALIFIERS: [&[u8]; 8] = [b"const", b"static", b"inline", b"extern", b"struct", b"enum", b"union", b"volatile"];

/// Ends of the names of Clang's annotations for locks.
const ANNOTATIONS: [&[u8]; 8] = [
    b"GUARDED_BY(",
    b"LOCKS_REQUIRED(",
    b"LOCKS_EXCLUDED(",
    b"LOCK_FUNCTION(",
    b"LOCK_RETURNED(",
    b"EXCLUSIVE_LOCK(",
    b"SHARED_LOCK(",
    b"ACQUIRED_AFTER(",
];
/// Longest annotation.
const MAX_ANNOTATION: usize = 200;

/// The text without such macros, of the same length.
pub(super) fn masked(text: &[u8], is_plus: bool) -> Cow<'_, [u8]> {
    let mut known = Cow::Borrowed(text);
    mask_lines(text, &mut known);
    if is_plus {
        mask_classes(text, &mut known);
        mask_annotations(text, &mut known);
    }
    known
}

/// Elsewhere than where a line begins a loud word is mostly a type or a constant.
fn mask_lines(text: &[u8], known: &mut Cow<'_, [u8]>) {
    let (mut start, mut is_continued) = (0, false);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let len = loud_len(line);
        if len > 0 && !is_continued && declares(&line[len..]) {
            known.to_mut()[start..start + len].fill(b' ');
        }
        is_continued = line.trim_ascii_end().ends_with(b"\\");
        start += line.len();
    }
}

fn mask_classes(text: &[u8], known: &mut Cow<'_, [u8]>) {
    for keyword in [b"class ".as_slice(), b"struct "] {
        for at in memmem::find_iter(text, keyword) {
            let start = at + keyword.len();
            let len = loud_len(&text[start..]);
            if len > 0 && names_class(&text[start + len..]) {
                known.to_mut()[start..start + len].fill(b' ');
            }
        }
    }
}

/// Whether a name follows, and then the body or bases of a class.
fn names_class(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let after = rest[len..].trim_ascii_start();
    len > 0 && (after.starts_with(b"{") || after.starts_with(b"final") || after.starts_with(b":"))
}

fn mask_annotations(text: &[u8], known: &mut Cow<'_, [u8]>) {
    for Annotation { name, end } in annotations(text) {
        known.to_mut()[name.start..end].fill(b' ');
    }
}

/// An annotation: where its name stands, and where it ends.
pub(super) struct Annotation {
    pub(super) name: Range<usize>,
    end: usize,
}

/// Annotations of Clang for locks, but for their own definitions, and calls of macros that are a line above a declaration.
pub(super) fn annotations(text: &[u8]) -> Vec<Annotation> {
    let mut found = lines_above(text);
    for end_of_name in ANNOTATIONS {
        let (mut seen, mut is_directive) = (0, begins_directive(text));
        for at in memmem::find_iter(text, end_of_name) {
            let before = text[..at].iter().rev().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
            // A line may have thousands, and be long.
            if let Some(newline) = memchr::memrchr(b'\n', &text[seen..at]) {
                is_directive = begins_directive(&text[seen + newline + 1..]);
            }
            seen = at;
            let open = at + end_of_name.len();
            let close = close(&text[open..]).filter(|_| !is_directive);
            found.extend(close.map(|close| Annotation { name: at - before..open - 1, end: open + close }));
        }
    }
    found
}

fn begins_directive(line: &[u8]) -> bool {
    line.trim_ascii_start().starts_with(b"#")
}

/// `DB_DEPRECATED("use open()")` with nothing else on its line: what it stands above would be lost with it. Of what is given but
/// literals calls and definitions would be lost, too.
fn lines_above(text: &[u8]) -> Vec<Annotation> {
    let mut found = Vec::new();
    let (mut start, mut is_free, mut is_comment) = (0, true, false);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let was_comment = is_comment;
        is_comment = goes_on_as_comment(line, was_comment);
        let (words, end) = (line.trim_ascii(), start + line.len());
        let at = start + (line.len() - line.trim_ascii_start().len());
        let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
        let len = words.iter().take_while(|byte| is_part(byte)).count();
        let is_loud =
            is_free && !was_comment && len > 3 && words[0].is_ascii_uppercase() && words[len..].starts_with(b"(");
        let is_literal = || words[len + 1..].first().is_some_and(|sign| matches!(sign, b')' | b'"' | b'0'..=b'9'));
        if is_loud && is_literal() && close(&words[len + 1..]) == Some(words.len() - len - 1) && declares(&text[end..])
        {
            found.push(Annotation { name: at..at + len, end: at + words.len() });
        }
        // What goes on from the line before is an argument, or part of a macro.
        let ends = words.last().copied().unwrap_or(b';');
        is_free = matches!(ends, b';' | b'{' | b'}' | b':') || words.starts_with(b"//") || words.ends_with(b"*/");
        start = end;
    }
    found
}

/// Whether a comment of several lines is open at the end of a line.
fn goes_on_as_comment(line: &[u8], is_open: bool) -> bool {
    let begins = memmem::rfind(line, b"/*");
    match memmem::rfind(line, b"*/") {
        Some(ends) => begins.is_some_and(|begins| begins > ends),
        None => is_open || begins.is_some(),
    }
}

/// How far it is to behind the bracket that closes.
fn close(text: &[u8]) -> Option<usize> {
    let mut depth = 1;
    for (at, byte) in text.iter().enumerate().take(MAX_ANNOTATION) {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b';' | b'{' | b'}' | b'\n' => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// Bytes of the word in capitals that a line begins with.
fn loud_len(line: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let len = line.iter().take_while(|byte| is_part(byte)).count();
    let ends = line.get(len).is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    let begins = line.first().is_some_and(u8::is_ascii_uppercase);
    if begins && ends && len > 2 { len } else { 0 }
}

/// Whether a type and a name follow, and then what follows a name that is declared.
fn declares(rest: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let (mut at, mut n_words) = (0, 0);
    loop {
        at += rest[at..].iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'*').count();
        let word = &rest[at..at + rest[at..].iter().take_while(|byte| is_part(byte)).count()];
        if word.is_empty() {
            break;
        }
        n_words += usize::from(!QUALIFIERS.contains(&word));
        at += word.len();
    }
    match rest.get(at) {
        Some(b'(') if n_words == 1 => is_name_in_brackets(&rest[at..]),
        Some(b'(' | b';' | b'=' | b'[') => n_words > 1,
        _ => false,
    }
}

/// `(lua_gettop) (`.
fn is_name_in_brackets(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let len = text[1..].iter().take_while(|byte| is_part(byte)).count();
    let after = &text[1 + len..];
    len > 0 && after.starts_with(b")") && after[1..].trim_ascii_start().starts_with(b"(")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_before_declarations_are_blanked() {
        let cases = [
            ("LUA_API lua_Integer luaL_len (lua_State *L);", "        lua_Integer luaL_len (lua_State *L);"),
            ("LUAI_FUNC const char *f (int a);\n", "          const char *f (int a);\n"),
            ("LUA_API int (lua_gettop) (lua_State *L);", "        int (lua_gettop) (lua_State *L);"),
            ("LUAI_DDEF const char *const names[N] = {", "          const char *const names[N] = {"),
            ("FILE *f;", "FILE *f;"),
            ("DWORD x = 1;", "DWORD x = 1;"),
            ("BOOL f(int a) {", "BOOL f(int a) {"),
            ("EXPORT_SYMBOL(f);", "EXPORT_SYMBOL(f);"),
            ("#define A \\\nLUA_API int f (int);", "#define A \\\nLUA_API int f (int);"),
            ("  OP_MOVE, /* int x (y) */", "  OP_MOVE, /* int x (y) */"),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&masked(text.as_bytes(), false)), expected);
        }
    }

    #[test]
    fn macros_of_classes_and_locks_are_blanked() {
        let cases = [
            ("class DB_EXPORT Cache {", "class           Cache {"),
            ("struct API Pool : Base {", "struct     Pool : Base {"),
            ("class FILE;", "class FILE;"),
            ("  int n_ GUARDED_BY(mutex_);", "  int n_                   ;"),
            ("void f() EXCLUSIVE_LOCKS_REQUIRED(a, b(c)) {", "void f()                                   {"),
            ("#define GUARDED_BY(x) y(x)", "#define GUARDED_BY(x) y(x)"),
            ("GUARDED_BY(", "GUARDED_BY("),
            ("{\n  DB_OLD(\"use f()\")\n  void g(int a);", "{\n                   \n  void g(int a);"),
            ("{\n  TEST_F(a)\n  { run(); }", "{\n  TEST_F(a)\n  { run(); }"),
            ("f(a,\n  MAX(b)\n  int c(d));", "f(a,\n  MAX(b)\n  int c(d));"),
            ("DEFINE_MUTEX(lock)\nint x = 0;", "DEFINE_MUTEX(lock)\nint x = 0;"),
            ("WITH_LOCK(get(1))\nint y = 2;", "WITH_LOCK(get(1))\nint y = 2;"),
            ("/* so:\n DB_OLD(\"a\")\n int x;\n*/", "/* so:\n DB_OLD(\"a\")\n int x;\n*/"),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&masked(text.as_bytes(), true)), expected);
        }
    }
}
