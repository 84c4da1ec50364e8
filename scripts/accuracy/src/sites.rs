//! Where names are called, by the text round them: the truth of SCIP tells names, not calls, and what ours takes for a call
//! must not decide what is asked of it.

use crate::tree::{Place, Tree};

/// Longest list of type arguments between a name and its `(`.
const MAX_ARGUMENTS: usize = 300;

/// A call.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where the name stands.
    pub place: Place,
    /// How it is written.
    pub form: Form,
    /// What it calls: numbers of symbols.
    pub meanings: Vec<u32>,
}

/// How a call is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// `f()`.
    Bare,
    /// `a::f()`.
    Path,
    /// `a.f()`, `a->f()`.
    Member,
    /// `f!()`.
    Macro,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 4] = [Self::Bare, Self::Path, Self::Member, Self::Macro];

    /// In rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Path => "path",
            Self::Member => "member",
            Self::Macro => "macro",
        }
    }
}

/// How the name at a place is called; `None`: it is not. `is_told`: a compiler says that it is.
pub fn form(tree: &Tree, place: Place, language: &str, is_told: bool) -> Option<Form> {
    let text = &tree.file(place).text[..];
    let before = &text[..place.offset as usize];
    let after = &text[place.offset as usize + tree.word(place).len()..];
    if !is_told {
        let after = match language {
            "rust" => after.strip_prefix(b"::").map_or(Some(after), without_arguments)?,
            "python" => after.trim_ascii_start(),
            _ => without_arguments(after).unwrap_or(after),
        };
        let is_macro = language == "rust" && after.starts_with(b"!") && !after.starts_with(b"!=");
        if is_macro {
            return Some(Form::Macro);
        }
        let is_mixin = before.trim_ascii_end().ends_with(b"extends");
        if language == "typescript" && !is_mixin && is_method(after) {
            return None;
        }
        let signs: &[&[u8]] = if language == "python" || language == "rust" { &[b"("] } else { &[b"(", b"?.(", b"!("] };
        let is_attribute = before.ends_with(b"#[") || before.ends_with(b"#![");
        if is_attribute || !signs.iter().any(|sign| after.starts_with(sign)) {
            return None;
        }
    }
    Some(of_text_before(before))
}

/// Whether it is the head of a method: `next(value) {` in an object names what its type has, and calls nothing.
fn is_method(after: &[u8]) -> bool {
    let mut depth = 0;
    for (at, byte) in after.iter().enumerate().take(MAX_ARGUMENTS) {
        match byte {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return byte == &b')' && after[at + 1..].trim_ascii_start().starts_with(b"{");
        }
    }
    false
}

fn of_text_before(before: &[u8]) -> Form {
    let before = before.trim_ascii_end();
    match before {
        [.., b'.'] | [.., b'-', b'>'] => Form::Member,
        [.., b':', b':'] => Form::Path,
        _ => Form::Bare,
    }
}

/// What follows the type arguments that a text begins with; `None`: it begins with none.
fn without_arguments(text: &[u8]) -> Option<&[u8]> {
    let mut depth = 0;
    for (at, &byte) in text.iter().enumerate().take(MAX_ARGUMENTS) {
        match byte {
            b'<' => depth += 1,
            b'>' if at > 0 && text[at - 1] == b'=' => {}
            b'>' => depth -= 1,
            b';' => return None,
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then_some(&text[at + 1..]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::File;

    fn form_of(path: &str, language: &str, text: &str, name: &str) -> Option<Form> {
        let tree = Tree::new(vec![File::new(path.into(), text.as_bytes().to_vec())]);
        form(&tree, Place { file: 0, offset: text.find(name).unwrap() as u32 }, language, false)
    }

    #[test]
    fn calls_are_found_by_what_follows() {
        for (text, form) in [
            ("found(1)", Some(Form::Bare)),
            ("a::found::<Vec<u8>>(1)", Some(Form::Path)),
            ("a\n    .found()", Some(Form::Member)),
            ("found![1]", Some(Form::Macro)),
            ("found != 1", None),
            ("found::x()", None),
            ("#[found(x)]", None),
            ("map(found)", None),
        ] {
            assert_eq!(form_of("a.rs", "rust", text, "found"), form, "{text}");
        }
    }

    #[test]
    fn calls_of_typescript_may_have_type_arguments() {
        for (text, form) in [
            ("found<A, (x: B) => C>(1)", Some(Form::Bare)),
            ("new found<A>()", Some(Form::Bare)),
            ("a?.found?.()", Some(Form::Member)),
            ("a.found!()", Some(Form::Member)),
            ("found < 3", None),
            ("let x: found<A>;", None),
            ("const x: A = { found(a, { b } = {}) { a; } }", None),
            ("{ if (found(a)) { b } }", Some(Form::Bare)),
            ("class A extends found(B) {}", Some(Form::Bare)),
        ] {
            assert_eq!(form_of("a.ts", "typescript", text, "found"), form, "{text}");
        }
    }
}
