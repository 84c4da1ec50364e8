//! ripgrep's flags, where they mean the same: each becomes a part of the query, so that the index answers it like any other.

use anyhow::bail;

/// Flags of `kotadb search` that ripgrep has, too.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "As in ripgrep")]
pub struct RipgrepFlags {
    /// Match in either case.
    #[arg(long, short = 'i', conflicts_with = "case_sensitive")]
    pub ignore_case: bool,
    /// Match upper and lower case as written.
    #[arg(long, short = 's')]
    pub case_sensitive: bool,
    /// Match whole words.
    #[arg(long, short = 'w')]
    pub word_regexp: bool,
    /// Take all that is asked for as one text, and not as a query.
    #[arg(long, short = 'F')]
    pub fixed_strings: bool,
    /// A regex to look for; may be given several times, and any of them matches.
    #[arg(long, short = 'e', value_name = "REGEX", allow_hyphen_values = true)]
    pub regexp: Vec<String>,
    /// Only paths that the glob matches, or with `!` in front does not; may be given several times.
    #[arg(long, short = 'g', value_name = "GLOB")]
    pub glob: Vec<String>,
    /// Only files in this language; may be given several times.
    #[arg(long = "type", short = 't', value_name = "LANGUAGE")]
    pub types: Vec<String>,
    /// A line for each match, as `path:line:column:text`.
    #[arg(long, conflicts_with_all = ["json", "count", "files"])]
    pub vimgrep: bool,
}

impl RipgrepFlags {
    /// The query of the words that were typed and of the flags, without files whose path one of the globs `excluded` matches.
    pub fn query(&self, words: &[String], excluded: &[String]) -> anyhow::Result<String> {
        let text = self.text(words)?;
        let narrows = !(self.glob.is_empty() && self.types.is_empty() && excluded.is_empty());
        // What narrows binds more than OR.
        let is_either = text.split_whitespace().any(|word| word == "OR");
        let mut parts = vec![if narrows && is_either { format!("({text})") } else { text }];
        match (self.ignore_case, self.case_sensitive) {
            (true, _) => parts.push("case:no".to_owned()),
            (_, true) => parts.push("case:yes".to_owned()),
            _ => {}
        }
        parts.extend(self.glob.iter().map(|glob| match glob.strip_prefix('!') {
            Some(glob) => format!("-path:{}", quoted(glob)),
            None => format!("path:{}", quoted(glob)),
        }));
        parts.extend(excluded.iter().map(|glob| format!("-path:{}", quoted(glob))));
        if !self.types.is_empty() {
            parts.push(any(self.types.iter().map(|language| format!("lang:{}", quoted(language)))));
        }
        Ok(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }

    fn text(&self, words: &[String]) -> anyhow::Result<String> {
        let typed = words.join(" ");
        if self.regexp.is_empty() {
            return match (self.fixed_strings, self.word_regexp) {
                (false, false) => Ok(typed),
                (true, false) => Ok(quoted(&typed)),
                (is_fixed, true) => whole_words(&typed, is_fixed),
            };
        }
        let of_regex = |regex: &String| match (self.fixed_strings, self.word_regexp) {
            (true, false) => quoted(regex),
            (true, true) => slashed(&bounded(&regex::escape(regex))),
            (false, true) => slashed(&bounded(regex)),
            (false, false) => slashed(regex),
        };
        let regexes = any(self.regexp.iter().map(of_regex));
        // What else is typed narrows, as a path does in ripgrep.
        Ok(if typed.is_empty() { regexes } else { format!("{regexes} {typed}") })
    }
}

fn any(parts: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.len() == 1 { parts.concat() } else { format!("({})", parts.join(" OR ")) }
}

fn bounded(regex: &str) -> String {
    format!(r"\b(?:{regex})\b")
}

fn slashed(regex: &str) -> String {
    format!("/{}/", regex.replace('/', r"\/"))
}

/// As a phrase of the query language, or a value of one of its fields.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Each plain word as a whole one; with `is_fixed` all of it as one text between ends of words.
fn whole_words(typed: &str, is_fixed: bool) -> anyhow::Result<String> {
    if is_fixed {
        return Ok(slashed(&bounded(&regex::escape(typed))));
    }
    if typed.contains(['"', '/', '(']) {
        bail!("`-w` takes plain words, and filters beside them: give a phrase with `-F`, a regex with `-e`");
    }
    let is_plain = |word: &str| !matches!(word, "OR" | "AND" | "NOT") && !word.starts_with('-') && !is_field(word);
    let words = typed.split_whitespace().map(|word| match is_plain(word) {
        true => slashed(&bounded(&regex::escape(word))),
        false => word.to_owned(),
    });
    Ok(words.collect::<Vec<_>>().join(" "))
}

/// `path:x`, and not `std::env`.
fn is_field(word: &str) -> bool {
    word.split_once(':')
        .is_some_and(|(field, rest)| !rest.starts_with(':') && field.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use kotadb_core::query;

    use super::*;

    fn asked(flags: &RipgrepFlags, words: &str) -> String {
        let words: Vec<String> = words.split_whitespace().map(ToOwned::to_owned).collect();
        let text = flags.query(&words, &[]).unwrap();
        assert!(query::parse(&text).is_ok(), "{text}");
        text
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn a_flag_is_a_part_of_the_query() {
        let none = RipgrepFlags::default;
        assert_eq!(asked(&none(), "foo lang:rust"), "foo lang:rust");
        assert_eq!(asked(&RipgrepFlags { ignore_case: true, ..none() }, "Foo"), "Foo case:no");
        assert_eq!(asked(&RipgrepFlags { case_sensitive: true, ..none() }, "foo"), "foo case:yes");
        assert_eq!(asked(&RipgrepFlags { fixed_strings: true, ..none() }, "a \"b\" /c/"), r#""a \"b\" /c/""#);
        let narrowed = RipgrepFlags { glob: texts(&["*.rs", "!my dir/**"]), types: texts(&["rust", "c"]), ..none() };
        assert_eq!(asked(&narrowed, "foo"), r#"foo path:"*.rs" -path:"my dir/**" (lang:"rust" OR lang:"c")"#);
    }

    #[test]
    fn what_narrows_holds_for_both_sides_of_an_or() {
        let rust = RipgrepFlags { glob: texts(&["*.rs"]), ..RipgrepFlags::default() };
        assert_eq!(asked(&rust, "foo OR bar"), r#"(foo OR bar) path:"*.rs""#);
        let text = RipgrepFlags::default().query(&texts(&["foo", "OR", "bar"]), &texts(&["a/**"])).unwrap();
        assert_eq!(text, r#"(foo OR bar) -path:"a/**""#);
    }

    #[test]
    fn words_and_regexes_may_be_whole() {
        let whole = RipgrepFlags { word_regexp: true, ..RipgrepFlags::default() };
        assert_eq!(asked(&whole, "a.b std::env path:x"), r"/\b(?:a\.b)\b/ /\b(?:std::env)\b/ path:x");
        assert!(whole.query(&texts(&["\"a b\""]), &[]).is_err());
        let fixed = RipgrepFlags { fixed_strings: true, ..whole.clone() };
        assert_eq!(asked(&fixed, "a (b"), r"/\b(?:a \(b)\b/");
        let regexes = RipgrepFlags { regexp: texts(&["a/b+", "-c"]), ..RipgrepFlags::default() };
        assert_eq!(asked(&regexes, ""), r"(/a\/b+/ OR /-c/)");
        assert_eq!(asked(&regexes, "path:x"), r"(/a\/b+/ OR /-c/) path:x");
        let both = RipgrepFlags { regexp: texts(&["fn"]), ..whole };
        assert_eq!(asked(&both, ""), r"/\b(?:fn)\b/");
    }
}
