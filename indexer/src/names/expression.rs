//! Receivers taken apart: what they begin with and what follows, as [`kotadb_core::facts::expression`] writes them.

/// What an expression begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Primary<'e> {
    /// A name.
    Name(&'e str),
    /// The instance.
    This,
    /// The instance as one of the type above.
    Super,
    /// The type round it.
    Own,
    /// Something of that type.
    Of(&'e str),
    /// Nothing is known.
    Unknown,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'e> {
    /// A member, or a name inside a type or module.
    Member(&'e str),
    /// The result of a call.
    Call,
    /// An element.
    Element,
    /// The value inside.
    Inside,
    /// The value that is waited for.
    Await,
    /// An element of a tuple.
    Part(usize),
    /// What the function that is this argument is handed as this parameter.
    Handed(usize, usize),
}

/// Takes an expression apart; what cannot be read makes it unknown.
pub fn parse(text: &str) -> (Primary<'_>, Vec<Step<'_>>) {
    let Some((primary, mut rest)) = primary(text.trim()) else { return (Primary::Unknown, Vec::new()) };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let Some((step, after)) = step(rest) else { return (Primary::Unknown, Vec::new()) };
        steps.push(step);
        rest = after;
    }
    (primary, steps)
}

fn primary(text: &str) -> Option<(Primary<'_>, &str)> {
    if let Some(rest) = text.strip_prefix('?') {
        return Some((Primary::Unknown, rest));
    }
    if text.starts_with('<') {
        let close = close_of_type(text)?;
        return Some((Primary::Of(&text[1..close]), &text[close + 1..]));
    }
    let text = text.trim_start_matches("::");
    let (name, rest) = text.split_at(word_len(text));
    let primary = match name {
        "" => return None,
        "this" => Primary::This,
        "super" if rest.starts_with("::") => Primary::Name(name),
        "super" => Primary::Super,
        "Self" => Primary::Own,
        name => Primary::Name(name),
    };
    Some((primary, rest))
}

fn step(text: &str) -> Option<(Step<'_>, &str)> {
    let fixed = [("()", Step::Call), ("[]", Step::Element), ("?", Step::Inside), (".await", Step::Await)];
    for (sign, step) in fixed {
        if let Some(rest) = text.strip_prefix(sign).filter(|rest| step != Step::Await || word_len(rest) == 0) {
            return Some((step, rest));
        }
    }
    if let Some(inner) = text.strip_prefix('(') {
        let (numbers, rest) = inner.split_once(')')?;
        let (argument, parameter) = numbers.split_once('.')?;
        return Some((Step::Handed(argument.parse().ok()?, parameter.parse().ok()?), rest));
    }
    let after = text.strip_prefix("::").or_else(|| text.strip_prefix('.')).or_else(|| text.strip_prefix('\\'))?;
    let (name, rest) = after.split_at(word_len(after));
    if name.is_empty() {
        return None;
    }
    let part = name.parse().ok().filter(|_| name.len() < 4);
    Some((part.map_or(Step::Member(name), Step::Part), rest))
}

/// Bytes of the name at the start.
fn word_len(text: &str) -> usize {
    let is_word = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$' | '#' | '@' | '~');
    text.find(|sign: char| !is_word(sign)).unwrap_or(text.len())
}

/// Where the type that opens the text closes; the arrow of a function type closes nothing.
fn close_of_type(text: &str) -> Option<usize> {
    let (mut depth, mut before) = (0, b' ');
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if !matches!(before, b'-' | b'=') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
        before = byte;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_are_taken_apart() {
        use Step::{Await, Call, Element, Inside, Member, Part};
        let cases: [(&str, Primary<'_>, &[Step<'_>]); 11] = [
            ("operate(0.1).x", Primary::Name("operate"), &[Step::Handed(0, 1), Member("x")]),
            ("this.pool", Primary::This, &[Member("pool")]),
            ("Pool::new()?", Primary::Name("Pool"), &[Member("new"), Call, Inside]),
            ("<Vec<Pool>>[].0", Primary::Of("Vec<Pool>"), &[Element, Part(0)]),
            ("<(A)=>B>.x", Primary::Of("(A)=>B"), &[Member("x")]),
            ("f().await.awaited", Primary::Name("f"), &[Call, Await, Member("awaited")]),
            ("super::db", Primary::Name("super"), &[Member("db")]),
            ("super.run()", Primary::Super, &[Member("run"), Call]),
            ("?.x", Primary::Unknown, &[Member("x")]),
            ("Self", Primary::Own, &[]),
            ("App\\Db", Primary::Name("App"), &[Member("Db")]),
        ];
        for (text, primary, steps) in cases {
            assert_eq!(parse(text), (primary, steps.to_vec()), "{text}");
        }
        for wrong in ["", "<A", "a b", "a.", "(", "a[0]"] {
            assert_eq!(parse(wrong), (Primary::Unknown, Vec::new()), "{wrong}");
        }
    }
}
