//! `.gitattributes`, as far as classes need it: `linguist-generated`, `linguist-vendored`, `linguist-documentation`, and
//! the macros (`[attr]`) that stand for them. Rules: gitattributes(5) and, where that is silent, git's `attr.c`. Deeper files
//! win over shallower ones, later lines over earlier ones; patterns have no `!` and do not reach below a folder they match.

use std::collections::HashMap;

use crate::git_pattern::GitPattern;

/// Longer lines are passed over, as in git.
const MAX_LINE_BYTES: usize = 2048;

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

/// The attributes with a meaning of their own; a macro's number comes after theirs.
const NAMES: [&[u8]; 3] = [b"linguist-generated", b"linguist-vendored", b"linguist-documentation"];

/// The macros that a repository defines: only the `.gitattributes` at its root may.
#[derive(Clone, Debug, Default)]
pub struct Macros {
    numbers: HashMap<Vec<u8>, usize>,
    /// What each stands for.
    settings: Vec<Vec<Setting>>,
}

/// The rules of one `.gitattributes` file.
#[derive(Clone, Debug, Default)]
pub struct AttributeRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: GitPattern,
    settings: Vec<Setting>,
}

/// One attribute, by its number, or a macro.
#[derive(Clone, Copy, Debug)]
struct Setting {
    name: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// `name`: this alone lets a macro speak.
    Set,
    /// `name=value`, with any value but `false`.
    True,
    /// `-name` or `name=false`.
    False,
    /// `!name`
    Unspecified,
}

/// What is known of one path while the rules are asked, those that win first.
#[derive(Debug)]
pub struct Decision<'m> {
    macros: &'m Macros,
    states: Vec<Option<State>>,
}

impl Macros {
    /// Those of the root's file; a later definition replaces an earlier one.
    pub fn parse(text: &[u8]) -> Self {
        let defined: Vec<_> =
            lines(text).filter_map(|line| Some((line.name.strip_prefix(b"[attr]")?.to_vec(), line))).collect();
        let defined = defined.into_iter().filter(|(name, line)| !line.quoted && is_name(name)).collect::<Vec<_>>();
        let mut macros = Self::default();
        for (name, _) in &defined {
            let number = NAMES.len() + macros.numbers.len();
            macros.numbers.entry(name.clone()).or_insert(number);
        }
        macros.settings = vec![Vec::new(); macros.numbers.len()];
        for (name, line) in defined {
            let settings = settings(line.rest, &macros);
            if let (Some(settings), Some(number)) = (settings, macros.numbers.get(&name)) {
                macros.settings[number - NAMES.len()] = settings;
            }
        }
        macros
    }

    fn number(&self, name: &[u8]) -> Option<usize> {
        NAMES.iter().position(|known| *known == name).or_else(|| self.numbers.get(name).copied())
    }
}

impl AttributeRules {
    /// Reads a file. Lines that say nothing of our attributes, or that are no patterns, are passed over.
    pub fn parse(text: &[u8], macros: &Macros) -> Self {
        Self { rules: lines(text).filter_map(|line| rule(&line, macros)).collect() }
    }

    /// Whether the file says nothing.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Lets this file's rules speak on `path`, relative to the file's folder, of what is not decided yet.
    pub fn apply(&self, path: &[u8], decision: &mut Decision<'_>) {
        for rule in self.rules.iter().rev() {
            if rule.pattern.is_match(path) {
                decision.decide(&rule.settings);
            }
        }
    }
}

impl<'m> Decision<'m> {
    /// Nothing is decided.
    pub fn new(macros: &'m Macros) -> Self {
        Self { macros, states: vec![None; NAMES.len() + macros.settings.len()] }
    }

    /// The last word of a line comes first, and what a macro stands for before the words to its left.
    fn decide(&mut self, settings: &[Setting]) {
        let mut left = settings.to_vec();
        while let Some(Setting { name, state }) = left.pop() {
            if self.states[name].is_none() {
                self.states[name] = Some(state);
                let of_macro = name.checked_sub(NAMES.len()).filter(|_| state == State::Set);
                left.extend(of_macro.map_or(&[][..], |number| &self.macros.settings[number]));
            }
        }
    }

    /// What was decided.
    pub fn attributes(&self) -> Attributes {
        let value = |name: usize| match self.states[name]? {
            State::Set | State::True => Some(true),
            State::False => Some(false),
            State::Unspecified => None,
        };
        Attributes { generated: value(0), vendored: value(1), documentation: value(2) }
    }
}

/// A line that is no comment, cut into its pattern and the attributes.
struct Line<'t> {
    /// The pattern, or a macro's name behind `[attr]`.
    name: Vec<u8>,
    quoted: bool,
    rest: &'t [u8],
}

const BLANKS: &[u8] = b" \t\r";

fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).split(|byte| *byte == b'\n').filter_map(line)
}

fn line(line: &[u8]) -> Option<Line<'_>> {
    if line.len() >= MAX_LINE_BYTES {
        return None;
    }
    let start = line.iter().position(|byte| !BLANKS.contains(byte))?;
    let line = &line[start..];
    if line.starts_with(b"#") {
        return None;
    }
    if let Some((name, rest)) = line.strip_prefix(b"\"").and_then(unquote) {
        return Some(Line { name, quoted: true, rest });
    }
    let end = line.iter().position(|byte| BLANKS.contains(byte)).unwrap_or(line.len());
    Some(Line { name: line[..end].to_vec(), quoted: false, rest: &line[end..] })
}

/// The text up to the closing quote, with C's escapes, and what follows it; `None`: it is not quoted right.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        let byte = *text.get(at)?;
        at += 1;
        match byte {
            b'"' => return Some((out, &text[at..])),
            b'\\' => {}
            byte => {
                out.push(byte);
                continue;
            }
        }
        let escape = *text.get(at)?;
        at += 1;
        out.push(match escape {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' | b'"' => escape,
            b'0'..=b'3' => {
                let digits = text.get(at..at + 2)?;
                at += 2;
                digits.iter().try_fold(escape - b'0', |value, digit| {
                    (b'0'..=b'7').contains(digit).then(|| value.wrapping_mul(8) | (digit - b'0'))
                })?
            }
            _ => return None,
        });
    }
}

fn rule(line: &Line<'_>, macros: &Macros) -> Option<Rule> {
    let is_macro = !line.quoted && line.name.len() > 6 && line.name.starts_with(b"[attr]");
    if is_macro || line.name.starts_with(b"!") {
        return None;
    }
    let settings = settings(line.rest, macros).filter(|settings| !settings.is_empty())?;
    Some(Rule { pattern: GitPattern::new(&line.name)?, settings })
}

/// Those that matter; `None`: a word is no attribute, so that the line is none either.
fn settings(words: &[u8], macros: &Macros) -> Option<Vec<Setting>> {
    let words = words.split(|byte| BLANKS.contains(byte)).filter(|word| !word.is_empty());
    let settings = words.map(|word| {
        let (name, value) = match word.iter().position(|byte| *byte == b'=') {
            Some(at) => (&word[..at], Some(&word[at + 1..])),
            None => (word, None),
        };
        let (name, state) = match (name.split_first(), value) {
            (Some((b'-', name)), _) => (name, State::False),
            (Some((b'!', name)), _) => (name, State::Unspecified),
            (_, Some(b"false")) => (name, State::False),
            (_, Some(_)) => (name, State::True),
            (_, None) => (name, State::Set),
        };
        is_name(name).then(|| macros.number(name).map(|name| Setting { name, state }))
    });
    settings.collect::<Option<Vec<_>>>().map(|settings| settings.into_iter().flatten().collect())
}

fn is_name(name: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    name.first().is_some_and(|first| *first != b'-') && name.iter().all(allowed) && !name.starts_with(b"builtin_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(text: &str, path: &str) -> Attributes {
        let macros = Macros::parse(text.as_bytes());
        let mut decision = Decision::new(&macros);
        AttributeRules::parse(text.as_bytes(), &macros).apply(path.as_bytes(), &mut decision);
        decision.attributes()
    }

    #[test]
    fn values() {
        for (text, expected) in [
            ("a linguist-generated", Some(true)),
            ("a linguist-generated=true", Some(true)),
            ("a linguist-generated=false", Some(false)),
            ("a -linguist-generated", Some(false)),
            ("a -linguist-generated=true", Some(false)),
            ("a linguist-generated\na !linguist-generated", None),
            ("# a linguist-generated", None),
            ("!a linguist-generated", None),
            ("a text=auto", None),
            ("a linguist-generated no/name", None),
            ("\"a\" text linguist-generated eol=lf", Some(true)),
            ("\"\\141\" linguist-generated\r", Some(true)),
            ("\u{FEFF}a linguist-generated", Some(true)),
        ] {
            assert_eq!(ask(text, "a").generated, expected, "{text}");
        }
        assert_eq!(ask("\"a b\" linguist-documentation", "a b").documentation, Some(true));
        assert_eq!(ask(&format!("a linguist-vendored {}", "x".repeat(2048)), "a").vendored, None);
    }

    #[test]
    fn later_lines_win() {
        assert_eq!(ask("* linguist-vendored\na -linguist-vendored", "a").vendored, Some(false));
    }

    #[test]
    fn macros_stand_for_what_the_last_definition_says() {
        let of = |text: &str| ask(text, "a").generated;
        assert_eq!(of("[attr]m linguist-generated\na m"), Some(true));
        assert_eq!(of("a m\n[attr]m -linguist-generated"), Some(false), "also when defined later");
        assert_eq!(of("[attr]m linguist-generated\n[attr]m text\na m"), None);
        assert_eq!(of("[attr]m n\n[attr]n linguist-generated m\na m"), Some(true), "one may stand for another");
        assert_eq!(of("[attr]m linguist-generated\na m=true"), None, "a value is no macro's");
        assert_eq!(of("[attr]m linguist-generated\na m\na -m"), None, "it is taken back before it speaks");
        assert_eq!(of("[attr]m linguist-generated\na m\na -linguist-generated"), Some(false));
        assert_eq!(of("[attr]m linguist-generated\na -linguist-generated m"), Some(true), "the last word wins");
    }

    #[test]
    fn a_long_chain_of_macros_is_followed() {
        let chain = (0..50_000).map(|nth| format!("[attr]m{nth} m{}\n", nth + 1)).collect::<String>();
        assert_eq!(ask(&format!("{chain}[attr]m50000 linguist-generated\na m0"), "a").generated, Some(true));
    }
}
