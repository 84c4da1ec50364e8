//! `using x = …` and `await using x = …`, which the grammars do not know: read as `const x = …`.

use std::borrow::Cow;

use memchr::memmem;

const USING: &[u8] = b"using";
const AWAIT: &[u8] = b"await";

/// The text with `const` in place of every `using` that declares; of the same length.
pub(super) fn as_const(text: &[u8]) -> Cow<'_, [u8]> {
    let mut known = Cow::Borrowed(text);
    for at in memmem::find_iter(text, USING).filter(|&at| declares(text, at)) {
        let text = known.to_mut();
        text[at..at + USING.len()].copy_from_slice(b"const");
        if let Some(start) = await_before(text, at) {
            text[start..start + AWAIT.len()].fill(b' ');
        }
    }
    known
}

/// Whether a statement begins with the word, and a name and `=`, `:` or `of` follow in its line.
fn declares(text: &[u8], at: usize) -> bool {
    let start = await_before(text, at).unwrap_or(at);
    let before = text[..start].trim_ascii_end().last();
    let begins = before.is_none_or(|byte| matches!(byte, b';' | b'{' | b'}' | b'(' | b')' | b','))
        || text[..start].iter().rev().take_while(|byte| byte.is_ascii_whitespace()).any(|&byte| byte == b'\n');
    let line = text[at + USING.len()..].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let name = line.trim_ascii_start();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || *byte >= 0x80;
    let len = name.iter().take_while(|byte| is_name(byte)).count();
    let rest = name[len..].trim_ascii_start();
    let is_declared = (rest.starts_with(b"=") && !rest.starts_with(b"==") && !rest.starts_with(b"=>"))
        || rest.starts_with(b":")
        || rest.starts_with(b"of ");
    begins && len > 0 && name.len() < line.len() && is_declared
}

/// Where the `await` before the word begins.
fn await_before(text: &[u8], at: usize) -> Option<usize> {
    let before = text[..at].trim_ascii_end();
    let start = before.len().checked_sub(AWAIT.len())?;
    (before.len() < at && before.ends_with(AWAIT)).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_alone_are_read_anew() {
        let cases = [
            ("using a = f();", "const a = f();"),
            ("{\n  await using a: A = f();", "{\n        const a: A = f();"),
            ("for (using a of b) {}", "for (const a of b) {}"),
            ("using(a);", "using(a);"),
            ("x.using = 1; // using a = b", "x.using = 1; // using a = b"),
            ("let using = 1;\nusing == 2;", "let using = 1;\nusing == 2;"),
            ("musing a = 1", "musing a = 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&as_const(text.as_bytes())), expected, "{text}");
        }
    }
}
