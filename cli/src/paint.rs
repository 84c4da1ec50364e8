//! Colours for lines about code, so that places and doubts are seen at a glance. The words stay as they are without.

use kotadb_core::wire::search::printable;

/// Marks of a terminal: the path and number of a place, what is said beside it, what needs attention.
const PATH: &str = "35";
const NUMBER: &str = "32";
const ASIDE: &str = "2";
const NOTE: &str = "33";

/// `line` as people read it, in colours where it is to have some. What is said beside a place does not repeat its path.
pub fn painted(line: &str, is_coloured: bool) -> String {
    let line = printable(line);
    let marked = |code: &str, text: &str| match is_coloured && !text.is_empty() {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    if line.starts_with("note: ") {
        return marked(NOTE, &line);
    }
    let (text, aside) = match line.rfind("  [") {
        Some(at) if line.ends_with(']') => line.split_at(at),
        _ => (line.as_str(), ""),
    };
    let Some((before, path, numbers, rest)) = place(text) else { return format!("{text}{}", marked(ASIDE, aside)) };
    let aside = aside.replacen(&format!("[{path}#"), "[#", 1);
    format!("{before}{}:{}{rest}{}", marked(PATH, path), marked(NUMBER, numbers), marked(ASIDE, &aside))
}

/// What stands before a place, its path, its line (with a column), and the rest from `:` on.
fn place(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (head, rest) = text.split_at(text.find(": ")?);
    let (mut path, mut numbers) = head.rsplit_once(':').filter(|(_, number)| is_number(number))?;
    if let Some((shorter, line)) = path.rsplit_once(':').filter(|(_, line)| is_number(line)) {
        numbers = &head[shorter.len() + 1..];
        path = shorter;
        debug_assert!(numbers.starts_with(line));
    }
    // What leads up to the path holds no slash: steps, confidence, the kind of an edge.
    let begin = path.rfind(' ').map_or(0, |at| at + 1);
    let (before, path) = path.split_at(begin);
    Some((before, path, numbers, rest))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without what colours.
    fn plain(text: &str) -> String {
        let mut parts = text.split("\x1b[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
    }

    #[test]
    fn colours_add_nothing_but_colours() {
        for line in [
            "  src/a b.rs:4:7: x = f(a: 1);  [src/c.rs#g 0.98 import]",
            "  1 0.98 calls src/pool.rs:3: method src/pool.rs#Pool.acquire",
            "note: nothing is sure",
            "risk 0.41: 2 direct",
            "changed:",
            "src/größe.rs:1: function f",
        ] {
            let painted = painted(line, true);
            assert_eq!(plain(&painted), line);
            assert_eq!(super::painted(line, false), line);
        }
        assert!(painted("a.rs:4: f", true).starts_with("\x1b[35ma.rs\x1b[0m:\x1b[32m4\x1b[0m: f"));
        let short = "src/a.rs:4:7: f();  [#T.g 0.98 import]";
        assert_eq!(painted("src/a.rs:4:7: f();  [src/a.rs#T.g 0.98 import]", false), short, "the path once");
        assert!(!painted("a\x1b[2J\u{9b}.rs:1: f", false).contains(['\x1b', '\u{9b}']));
    }
}
