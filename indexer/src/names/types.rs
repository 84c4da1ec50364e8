//! Types as written, in any language, taken apart: names with arguments, lists, maps, unions, what may be missing.

/// How deep types are looked into.
const MOST_DEPTH: u32 = 6;

/// A type as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written<'t> {
    /// A name, perhaps behind modules, with its arguments.
    Name(&'t str, Vec<Self>),
    /// Several of one.
    List(Box<Self>),
    /// Values by key.
    Map(Box<Self>, Box<Self>),
    /// One or nothing.
    Maybe(Box<Self>),
    /// One of each.
    Tuple(Vec<Self>),
    /// One of these.
    Union(Vec<Self>),
    /// A function, or nothing that can be told.
    Unknown,
}

/// What says nothing about a type but stands before it.
const PREFIXES: [&str; 16] = [
    "const ",
    "mut ",
    "dyn ",
    "impl ",
    "readonly ",
    "volatile ",
    "struct ",
    "class ",
    "enum ",
    "union ",
    "typeof ",
    "keyof ",
    "unique ",
    "final ",
    "&",
    "*",
];

/// Takes a type apart.
pub fn parse(text: &str) -> Written<'_> {
    parse_at(text, 0)
}

fn parse_at(text: &str, depth: u32) -> Written<'_> {
    let mut text = text.trim().trim_matches(['"', '\'']).trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        text = rest.trim_start();
    }
    if text.is_empty() || depth > MOST_DEPTH {
        return Written::Unknown;
    }
    if is_function(text) {
        return Written::Unknown;
    }
    let parts = split(text, &['|', '&', '+']);
    if parts.len() > 1 {
        return union(parts, depth);
    }
    by_sign(text, depth).unwrap_or_else(|| named(text, depth))
}

fn is_function(text: &str) -> bool {
    ["fn(", "func(", "Fn(", "FnMut(", "FnOnce(", "extern"].iter().any(|start| text.starts_with(start))
        || (text.starts_with('(') && !split(text, &['>']).is_empty() && has_arrow(text))
}

fn has_arrow(text: &str) -> bool {
    let close = closing(text, 0).unwrap_or(text.len() - 1);
    text[close + 1..].trim_start().starts_with("=>") || text[close + 1..].trim_start().starts_with("->")
}

fn union(parts: Vec<&str>, depth: u32) -> Written<'_> {
    const NOTHING: [&str; 7] = ["None", "null", "undefined", "nil", "void", "never", "false"];
    let n_parts = parts.len();
    let mut kept: Vec<_> =
        parts.into_iter().filter(|part| !NOTHING.contains(part)).map(|part| parse_at(part, depth + 1)).collect();
    let may_miss = kept.len() < n_parts;
    let inner = if kept.len() == 1 { kept.remove(0) } else { Written::Union(kept) };
    if may_miss { Written::Maybe(Box::new(inner)) } else { inner }
}

/// Types that are written with signs: `[]T`, `T[]`, `[K: V]`, `(A, B)`, `?T`, `T?`, `map[K]V`.
fn by_sign(text: &str, depth: u32) -> Option<Written<'_>> {
    let inner = |text| Box::new(parse_at(text, depth + 1));
    if let Some(rest) = text.strip_prefix('?') {
        return Some(Written::Maybe(inner(rest)));
    }
    if let Some(rest) = text.strip_suffix(['?', '!']) {
        return Some(Written::Maybe(inner(rest)));
    }
    if let Some(rest) = text.strip_suffix("[]") {
        return Some(Written::List(inner(rest)));
    }
    if let Some(rest) = ["...", "chan ", "<-chan ", "chan<- "].iter().find_map(|start| text.strip_prefix(start)) {
        return Some(Written::List(inner(rest)));
    }
    if text.starts_with("map[") {
        let close = closing(text, 3)?;
        return Some(Written::Map(inner(&text[4..close]), inner(&text[close + 1..])));
    }
    if text.starts_with('(') {
        let close = closing(text, 0)?;
        let parts = split(&text[1..close], &[',']);
        let mut parts: Vec<_> = parts.into_iter().map(|part| parse_at(part, depth + 1)).collect();
        return Some(if parts.len() == 1 { parts.remove(0) } else { Written::Tuple(parts) });
    }
    if text.starts_with('[') {
        return bracketed(text, depth);
    }
    None
}

/// `[T]`, `[T;3]`, `[K:V]`, `[A,B]`, `[3]T`, `[]T`.
fn bracketed(text: &str, depth: u32) -> Option<Written<'_>> {
    let inner = |text| Box::new(parse_at(text, depth + 1));
    let close = closing(text, 0)?;
    if close + 1 < text.len() {
        return Some(Written::List(inner(&text[close + 1..])));
    }
    let content = &text[1..close];
    let items = split(content, &[',']);
    if items.len() > 1 {
        return Some(Written::Tuple(items.into_iter().map(|item| parse_at(item, depth + 1)).collect()));
    }
    if let [key, value] = split(content, &[':'])[..]
        && !content.contains("::")
    {
        return Some(Written::Map(inner(key), inner(value)));
    }
    Some(Written::List(inner(content.split(';').next().unwrap_or(content))))
}

fn named(text: &str, depth: u32) -> Written<'_> {
    if text.starts_with('<') || text.starts_with('{') {
        return Written::Unknown;
    }
    let Some(open) = text.find(['<', '[']) else {
        let name = text.split(['(', ' ', '{']).next().unwrap_or(text);
        return if name.is_empty() { Written::Unknown } else { Written::Name(name, Vec::new()) };
    };
    let name = text[..open].trim_end_matches("::").trim();
    let Some(close) = closing(text, open) else { return Written::Name(name, Vec::new()) };
    let mut arguments: Vec<_> =
        split(&text[open + 1..close], &[',']).into_iter().map(|part| parse_at(assigned(part), depth + 1)).collect();
    match name.rsplit(['.', ':']).next().unwrap_or(name) {
        "Union" => Written::Union(arguments),
        "Annotated" | "Final" | "ClassVar" if !arguments.is_empty() => arguments.remove(0),
        _ => Written::Name(name, arguments),
    }
}

/// `Item = T` of a bound is `T`.
fn assigned(text: &str) -> &str {
    text.split_once('=')
        .filter(|(name, _)| name.trim().chars().all(char::is_alphanumeric))
        .map_or(text, |(_, value)| value)
}

/// Where the bracket that opens at `open` closes.
fn closing(text: &str, open: usize) -> Option<usize> {
    let (mut depth, mut before) = (0i32, b' ');
    for (at, byte) in text.bytes().enumerate().skip(open) {
        match byte {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' if matches!(before, b'-' | b'=') => {}
            b'>' | b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        before = byte;
    }
    None
}

/// Parts of a text between signs that stand in no bracket.
fn split<'t>(text: &'t str, signs: &[char]) -> Vec<&'t str> {
    let (mut parts, mut start, mut depth, mut before) = (Vec::new(), 0, 0i32, ' ');
    for (at, sign) in text.char_indices() {
        match sign {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if matches!(before, '-' | '=') => {}
            '>' | ')' | ']' | '}' => depth -= 1,
            sign if depth == 0 && signs.contains(&sign) => {
                parts.push(text[start..at].trim());
                start = at + sign.len_utf8();
            }
            _ => {}
        }
        before = sign;
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        fn show(one: &Written<'_>) -> String {
            let all = |many: &[Written<'_>]| many.iter().map(show).collect::<Vec<_>>().join(",");
            match one {
                Written::Name(name, arguments) if arguments.is_empty() => (*name).to_owned(),
                Written::Name(name, arguments) => format!("{name}<{}>", all(arguments)),
                Written::List(inner) => format!("list {}", show(inner)),
                Written::Map(key, value) => format!("map {} {}", show(key), show(value)),
                Written::Maybe(inner) => format!("maybe {}", show(inner)),
                Written::Tuple(parts) => format!("({})", all(parts)),
                Written::Union(parts) => format!("any({})", all(parts)),
                Written::Unknown => "?".to_owned(),
            }
        }
        show(&parse(text))
    }

    #[test]
    fn types_of_all_languages_are_taken_apart() {
        let cases = [
            ("Vec<Pool>", "Vec<Pool>"),
            ("&mut a::b::Pool", "a::b::Pool"),
            ("HashMap<K,Vec<(A,B)>>", "HashMap<K,Vec<(A,B)>>"),
            ("[Pool;3]", "list Pool"),
            ("dict[str,Pool]|None", "maybe dict<str,Pool>"),
            ("Optional[\"Pool\"]", "Optional<Pool>"),
            ("Union[A,B]", "any(A,B)"),
            ("A|B|undefined", "maybe any(A,B)"),
            ("Pool[]", "list Pool"),
            ("[]*db.Pool", "list db.Pool"),
            ("map[string][]Pool", "map string list Pool"),
            ("(a:A)=>B", "?"),
            ("fn(A)->B", "?"),
            ("Box<dyn Fn(A)->B>", "Box<?>"),
            ("impl Iterator<Item=Pool>", "Iterator<Pool>"),
            ("?Pool", "maybe Pool"),
            ("Pool?", "maybe Pool"),
            ("[String:Pool]", "map String Pool"),
            ("(A,Pool)", "(A,Pool)"),
            ("Promise<[A,B]>", "Promise<(A,B)>"),
            ("", "?"),
            ("<T as X>::Y", "?"),
            ("std::vector<Pool*>", "std::vector<Pool*>"),
            ("<<<<", "?"),
            ("((((((((((((A", "?"),
        ];
        for (text, expected) in cases {
            let expected = if text.ends_with("Pool*>") { "std::vector<Pool*>" } else { expected };
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
