//! As much of TOML as manifests need for names: keys with texts, or lists of texts, by section.

/// A key with one text; a list gives one entry for each of its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The section, without brackets.
    pub(super) section: String,
    /// The key.
    pub(super) key: String,
    /// The text.
    pub(super) value: String,
}

/// All entries whose values are texts. Values of several lines end with their bracket.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let (mut entries, mut section, mut key) = (Vec::new(), String::new(), String::new());
    let mut depth = 0i32;
    for line in text.lines() {
        let line = line.trim();
        if depth <= 0 && line.starts_with('[') {
            section = line.trim_matches(['[', ']', ' ']).to_owned();
            continue;
        }
        let value = match line.split_once('=') {
            Some((name, value)) if depth <= 0 => {
                name.trim().clone_into(&mut key);
                value
            }
            _ => line,
        };
        for text in texts(value, &mut depth) {
            entries.push(Entry { section: section.clone(), key: key.clone(), value: text.to_owned() });
        }
    }
    entries
}

/// The quoted texts of a line up to its comment; brackets count.
fn texts<'t>(line: &'t str, depth: &mut i32) -> Vec<&'t str> {
    let (mut found, mut quote) = (Vec::new(), None);
    for (at, sign) in line.char_indices() {
        match (quote, sign) {
            (Some((open, start)), sign) if sign == open => {
                found.push(&line[start..at]);
                quote = None;
            }
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some((sign, at + 1)),
            (None, '[' | '{') => *depth += 1,
            (None, ']' | '}') => *depth -= 1,
            (None, '#') => break,
            (None, _) => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_lists_are_found() {
        let found = entries("a = \"x\" # \"y\"\n[s.t]\nn = 1\nlist = [\n  'p', # q\n  \"r\",\n]\nb='z'\n");
        let entries: Vec<_> = found.iter().map(|entry| (&*entry.section, &*entry.key, &*entry.value)).collect();
        assert_eq!(entries, [("", "a", "x"), ("s.t", "list", "p"), ("s.t", "list", "r"), ("s.t", "b", "z")]);
    }
}
