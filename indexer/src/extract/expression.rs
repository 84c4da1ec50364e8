//! Writing expressions and types in the grammar of [`kotadb_core::facts::expression`].

use kotadb_core::facts::expression::{UNKNOWN, bounded};

/// How deep an expression is looked into for its text: what is deeper would be too long, or says nothing.
pub const MAX_DEPTH: u32 = 32;

/// Nothing is known.
pub fn unknown() -> Box<str> {
    UNKNOWN.into()
}

/// An expression with something behind it: `.name`, `()`, `[]`.
pub fn with(base: &str, postfix: &str) -> Box<str> {
    bounded([base, postfix].concat())
}

/// The member `name` of an expression, by `.` or `::`.
pub fn member(base: &str, sign: &str, name: &str) -> Box<str> {
    bounded([base, sign, name].concat())
}

/// Something of a type.
pub fn of_type(name: &str) -> Box<str> {
    if name.is_empty() || name == UNKNOWN { unknown() } else { bounded(["<", name, ">"].concat()) }
}

/// The type in `<TYPE>`, if an expression is no more than that.
pub fn as_type(expression: &str) -> Option<&str> {
    let name = expression.strip_prefix('<')?.strip_suffix('>')?;
    let mut depth = 1;
    let closes_early = name.bytes().any(|byte| {
        depth += i32::from(byte == b'<') - i32::from(byte == b'>');
        depth == 0
    });
    (!closes_early).then_some(name)
}

/// A text, or unknown where it is empty.
pub fn or_unknown(text: Box<str>) -> Box<str> {
    if text.is_empty() { unknown() } else { text }
}

/// A path without blanks.
pub fn bounded_text(text: &str) -> Box<str> {
    type_text(text, &[], &[])
}

/// A type as written, without blanks, `dropped` signs and `dropped` words.
pub fn type_text(text: &str, dropped_signs: &[char], dropped_words: &[&str]) -> Box<str> {
    let mut out = String::with_capacity(text.len().min(256));
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let len = if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, tail) = rest.split_at(len);
        let is_idle = first.is_whitespace() || dropped_signs.contains(&first) || dropped_words.contains(&token);
        if !is_idle {
            out.push_str(token);
        }
        if out.len() > kotadb_core::facts::expression::MAX_LEN {
            return unknown();
        }
        rest = tail;
    }
    bounded(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_lose_what_says_nothing() {
        assert_eq!(&*type_text("const std::vector< Pool > &", &['&', '*'], &["const"]), "std::vector<Pool>");
        assert_eq!(&*type_text(&"A".repeat(1000), &[], &[]), UNKNOWN);
    }

    #[test]
    fn only_a_whole_type_is_a_type() {
        assert_eq!(as_type("<Vec<Pool>>"), Some("Vec<Pool>"));
        assert_eq!(as_type("<Pool>.a.<B>"), None);
        assert_eq!(as_type("Pool"), None);
    }
}
