//! A path pattern as git reads it in `.gitattributes`: its own wildcards, written anew as a regex over bytes, which takes
//! linear time where git may try every way to spread its stars.

use regex::bytes::{Regex, RegexBuilder};

/// Most memory of one compiled pattern, in bytes.
const LIMIT: usize = 1 << 20;

/// A pattern of one line.
#[derive(Clone, Debug)]
pub struct GitPattern {
    regex: Regex,
    /// Whether it holds no slash and so matches names in any folder.
    by_name: bool,
}

impl GitPattern {
    /// `None`: no file can match (the pattern is for folders, or has a class without an end).
    pub fn new(pattern: &[u8]) -> Option<Self> {
        if pattern.ends_with(b"/") {
            return None;
        }
        let by_name = !pattern.contains(&b'/');
        let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        // Git compares what stands before the first wildcard by itself, so that a `**` behind it begins the rest.
        let plain = pattern.iter().position(|byte| b"*?[\\".contains(byte)).unwrap_or(pattern.len());
        let mut syntax = String::from("^");
        pattern[..plain].iter().for_each(|byte| push_byte(&mut syntax, *byte));
        let mut translation = Translation { pattern: &pattern[plain..], at: 0, syntax };
        translation.whole()?;
        let syntax = translation.syntax + "$";
        let regex = RegexBuilder::new(&syntax).unicode(false).dot_matches_new_line(true).size_limit(LIMIT).build();
        regex.ok().map(|regex| Self { regex, by_name })
    }

    /// Whether the file at `path`, relative to the folder of the pattern, matches.
    pub fn is_match(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        self.regex.is_match(if self.by_name { name } else { path })
    }
}

/// Follows `dowild` of git's `wildmatch.c`, where no wildcard but `**` crosses a slash.
struct Translation<'p> {
    pattern: &'p [u8],
    at: usize,
    syntax: String,
}

impl Translation<'_> {
    fn whole(&mut self) -> Option<()> {
        while let Some(byte) = self.next() {
            match byte {
                b'*' => self.stars(),
                b'?' => self.syntax.push_str("[^/]"),
                b'[' => self.class()?,
                b'\\' => {
                    let escaped = self.next()?;
                    push_byte(&mut self.syntax, escaped);
                }
                byte => push_byte(&mut self.syntax, byte),
            }
        }
        Some(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.pattern.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn rest(&self) -> &[u8] {
        &self.pattern[self.at..]
    }

    /// After the first star. Two or more cross slashes where they stand between slashes or at an end.
    fn stars(&mut self) {
        let first = self.at - 1;
        self.at += self.rest().iter().take_while(|byte| **byte == b'*').count();
        let begins = first == 0 || self.pattern[first - 1] == b'/';
        let (slash, end) = (self.rest().starts_with(b"/"), self.rest().is_empty());
        let two = self.at - first > 1;
        if two && begins && slash {
            // Also no folder at all.
            self.at += 1;
            self.syntax.push_str("(?:.*/)?");
        } else if two && begins && (end || self.rest().starts_with(b"\\/")) {
            self.syntax.push_str(".*");
        } else {
            self.syntax.push_str("[^/]*");
        }
    }

    /// After the opening bracket. `None`: it is never closed, and nothing matches.
    fn class(&mut self) -> Option<()> {
        let negated = self.rest().first().is_some_and(|byte| b"!^".contains(byte));
        self.at += usize::from(negated);
        let mut members = [false; 256];
        let mut before = None;
        loop {
            let byte = self.next()?;
            before = match byte {
                b'\\' => Some(self.next()?),
                b'-' if before.is_some() && self.rest().first().is_some_and(|next| *next != b']') => {
                    let last = match self.next()? {
                        b'\\' => self.next()?,
                        last => last,
                    };
                    let first = before.unwrap_or(last);
                    (first..=last).for_each(|byte| members[usize::from(byte)] = true);
                    None
                }
                b'[' if self.rest().starts_with(b":") => self.named(&mut members)?,
                other => Some(other),
            };
            if let Some(byte) = before {
                members[usize::from(byte)] = true;
            }
            if self.rest().first() == Some(&b']') {
                break;
            }
        }
        self.at += 1;
        self.syntax.push('[');
        let wanted = (0..=u8::MAX).filter(|byte| members[usize::from(*byte)] != negated && *byte != b'/');
        let before = self.syntax.len();
        wanted.for_each(|byte| push_byte(&mut self.syntax, byte));
        (self.syntax.len() > before).then(|| self.syntax.push(']'))
    }

    /// After `[` of `[:name:]`: adds its members. Without `:]` at the end the bracket stands for itself, and is given
    /// back. `None`: there is no such name, and nothing matches.
    fn named(&mut self, members: &mut [bool; 256]) -> Option<Option<u8>> {
        let rest = &self.rest()[1..];
        let end = rest.iter().position(|byte| *byte == b']')?;
        let Some(name) = rest[..end].strip_suffix(b":") else { return Some(Some(b'[')) };
        let holds: fn(&u8) -> bool = match name {
            b"alnum" => u8::is_ascii_alphanumeric,
            b"alpha" => u8::is_ascii_alphabetic,
            b"blank" => |byte| b" \t".contains(byte),
            b"cntrl" => u8::is_ascii_control,
            b"digit" => u8::is_ascii_digit,
            b"graph" => u8::is_ascii_graphic,
            b"lower" => u8::is_ascii_lowercase,
            b"print" => |byte| (b' '..=b'~').contains(byte),
            b"punct" => u8::is_ascii_punctuation,
            b"space" => |byte| b" \t\n\x0B\x0C\r".contains(byte),
            b"upper" => u8::is_ascii_uppercase,
            b"xdigit" => u8::is_ascii_hexdigit,
            _ => return None,
        };
        (0..=u8::MAX).filter(holds).for_each(|byte| members[usize::from(byte)] = true);
        self.at += 1 + end + 1;
        Some(None)
    }
}

/// A byte as it is, inside and outside of classes.
fn push_byte(syntax: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() {
        syntax.push(char::from(byte));
    } else {
        syntax.push_str(&format!(r"\x{byte:02X}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_those_of_git() {
        for (pattern, path, matches) in [
            ("*.c", "x/y.c", true),
            ("/*.c", "x/y.c", false),
            ("x/*.c", "x/y.c", true),
            ("x/*.c", "x/z/y.c", false),
            ("x/**", "x/z/y.c", true),
            ("**/z/*.c", "x/z/y.c", true),
            ("**/y.c", "y.c", true),
            ("x/**/y", "x/y", true),
            ("x**y", "xay", true),
            ("x/a**/y", "x/ay", true),
            ("x", "x/y.c", false),
            ("x/", "x/y.c", false),
            ("{a}", "{a}", true),
            ("[!a]", "b", true),
            ("x[^a]y", "x/y", false),
            ("[]-]", "]", true),
            ("[a-]", "-", true),
            ("[[:digit:]x]", "7", true),
            ("[[:nothing:]]", "n", false),
            ("[[:]", ":", true),
            ("[a", "[a", false),
            ("\\*", "*", true),
            ("a\\", "a\\", false),
            ("?", "é", false),
            ("??", "é", true),
        ] {
            let found = GitPattern::new(pattern.as_bytes()).is_some_and(|pattern| pattern.is_match(path.as_bytes()));
            assert_eq!(found, matches, "{pattern} on {path}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_few() {
        let stars = GitPattern::new(&b"a*".repeat(500)).expect("it is a pattern");
        assert!(!stars.is_match(&[b'a'; 499]) && stars.is_match(&[b'a'; 4000]));
    }
}
