//! Macros that stand before a declaration like an attribute: `LUA_API int lua_gettop (lua_State *L);`. The grammar takes one for
//! the type and the type for the name, so it is given blanks in its place.

use std::borrow::Cow;

/// Words that are part of a type or say something of a declaration, and are never a name.
const QUALIFIERS: [&[u8]; 8] = [b"const", b"static", b"inline", b"extern", b"struct", b"enum", b"union", b"volatile"];

/// The text without such macros, of the same length. Only lines that begin with one are looked at: elsewhere a loud word is
/// mostly a type or a constant.
pub(super) fn masked(text: &[u8]) -> Cow<'_, [u8]> {
    let mut known = Cow::Borrowed(text);
    let (mut start, mut is_continued) = (0, false);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let len = loud_len(line);
        if len > 0 && !is_continued && declares(&line[len..]) {
            known.to_mut()[start..start + len].fill(b' ');
        }
        is_continued = line.trim_ascii_end().ends_with(b"\\");
        start += line.len();
    }
    known
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
            assert_eq!(String::from_utf8_lossy(&masked(text.as_bytes())), expected);
        }
    }
}
