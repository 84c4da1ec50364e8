//! `.gitattributes`, as far as classes need it: `linguist-generated`, `linguist-vendored`, `linguist-documentation`.
//! Rules: gitattributes(5). Deeper files win over shallower ones, later lines over earlier ones; patterns have no `!`
//! and do not reach below a folder they match. Macros (`[attr]`) are not followed.

use globset::{GlobBuilder, GlobMatcher};

/// What attributes say of one path; `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `linguist-generated`
    pub generated: Option<bool>,
    /// `linguist-vendored`
    pub vendored: Option<bool>,
    /// `linguist-documentation`
    pub documentation: Option<bool>,
}

/// The rules of one `.gitattributes` file.
#[derive(Clone, Debug, Default)]
pub struct AttributeRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    glob: GlobMatcher,
    /// Whether the pattern holds no slash and so matches names at any depth.
    by_name: bool,
    settings: Vec<(Name, Option<bool>)>,
}

#[derive(Clone, Copy, Debug)]
enum Name {
    Generated,
    Vendored,
    Documentation,
}

impl AttributeRules {
    /// Reads a file. Lines that say nothing of our attributes, or that are no patterns, are passed over.
    pub fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        Self { rules: text.lines().filter_map(rule).collect() }
    }

    /// Whether the file says nothing.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Lets this file's rules speak on `path`, relative to the file's folder; they override what `attributes` holds.
    pub fn apply(&self, path: &[u8], attributes: &mut Attributes) {
        let name = path.rsplit(|&b| b == b'/').next().unwrap_or(path);
        for rule in &self.rules {
            let subject = if rule.by_name { name } else { path };
            if rule.glob.is_match(as_path(subject)) {
                rule.settings.iter().for_each(|&(name, value)| *attributes.slot(name) = value);
            }
        }
    }
}

impl Attributes {
    fn slot(&mut self, name: Name) -> &mut Option<bool> {
        match name {
            Name::Generated => &mut self.generated,
            Name::Vendored => &mut self.vendored,
            Name::Documentation => &mut self.documentation,
        }
    }
}

fn as_path(bytes: &[u8]) -> &std::path::Path {
    std::path::Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}

fn rule(line: &str) -> Option<Rule> {
    let line = line.trim_start();
    if line.starts_with('#') || line.starts_with('!') || line.starts_with("[attr]") {
        return None;
    }
    let (pattern, rest) = split_pattern(line)?;
    let settings: Vec<_> = rest.split_ascii_whitespace().filter_map(setting).collect();
    let glob = glob(&pattern)?;
    (!settings.is_empty()).then(|| Rule { glob, by_name: !pattern.contains('/'), settings })
}

/// The pattern, unquoted where it is quoted, and what follows it.
fn split_pattern(line: &str) -> Option<(String, &str)> {
    let Some(quoted) = line.strip_prefix('"') else {
        let (pattern, rest) = line.split_once([' ', '\t'])?;
        return Some((pattern.to_owned(), rest));
    };
    let mut pattern = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((pattern, &quoted[i + 1..])),
            '\\' => pattern.push(chars.next()?.1),
            c => pattern.push(c),
        }
    }
    None
}

/// Braces are plain characters in git's patterns.
fn glob(pattern: &str) -> Option<GlobMatcher> {
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern).replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&pattern).literal_separator(true).backslash_escape(true).build();
    glob.ok().map(|glob| glob.compile_matcher())
}

/// `name`, `-name`, `!name`, `name=value`.
fn setting(word: &str) -> Option<(Name, Option<bool>)> {
    let (word, value) = match (word.strip_prefix('-'), word.strip_prefix('!'), word.split_once('=')) {
        (Some(name), _, _) => (name, Some(false)),
        (_, Some(name), _) => (name, None),
        (_, _, Some((name, value))) => (name, Some(value != "false")),
        _ => (word, Some(true)),
    };
    let name = match word {
        "linguist-generated" => Name::Generated,
        "linguist-vendored" => Name::Vendored,
        "linguist-documentation" => Name::Documentation,
        _ => return None,
    };
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str, path: &str) -> Attributes {
        let mut attributes = Attributes::default();
        AttributeRules::parse(text.as_bytes()).apply(path.as_bytes(), &mut attributes);
        attributes
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("a linguist-generated", Some(true)),
            ("a linguist-generated=true", Some(true)),
            ("a linguist-generated=false", Some(false)),
            ("a -linguist-generated", Some(false)),
            ("a linguist-generated\na !linguist-generated", None),
            ("# a linguist-generated", None),
            ("!a linguist-generated", None),
            ("a text=auto", None),
            ("\"a\" text linguist-generated eol=lf", Some(true)),
        ] {
            assert_eq!(ask(text, "a").generated, expected, "{text}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, path, matches) in [
            ("*.c", "x/y.c", true),
            ("/*.c", "x/y.c", false),
            ("x/*.c", "x/y.c", true),
            ("x/*.c", "x/z/y.c", false),
            ("x/**", "x/z/y.c", true),
            ("**/z/*.c", "x/z/y.c", true),
            ("x", "x/y.c", false),
            ("x/", "x/y.c", false),
            ("{a}", "{a}", true),
            ("[!a]", "b", true),
            ("\\*", "*", true),
        ] {
            let text = format!("{pattern} linguist-vendored");
            assert_eq!(ask(&text, path).vendored == Some(true), matches, "{pattern} on {path}");
        }
        assert_eq!(ask("\"a b\" linguist-documentation", "a b").documentation, Some(true));
    }

    #[test]
    fn later_lines_win() {
        assert_eq!(ask("* linguist-vendored\na -linguist-vendored", "a").vendored, Some(false));
    }
}
