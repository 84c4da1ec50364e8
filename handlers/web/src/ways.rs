//! Other ways to take the words of a query: as whole ones, or as a regex; and back. A query that has more to it than plain words has none.

/// The query in the other way, and whether it is in this one now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) query: String,
    pub(crate) is_on: bool,
}

/// Each word as a whole one.
pub(crate) fn whole(query: &str) -> Option<Way> {
    let bounded = |word: &str| {
        word.strip_prefix(r"/\b")?.strip_suffix(r"\b/").filter(|word| is_name(word)).map(ToOwned::to_owned)
    };
    let plain = |word: &str| is_name(word).then(|| format!(r"/\b{word}\b/"));
    let way = |query, is_on| Way { query, is_on };
    each(query, &bounded).map(|query| way(query, true)).or_else(|| each(query, &plain).map(|query| way(query, false)))
}

/// The one word as a regex.
pub(crate) fn regex(query: &str) -> Option<Way> {
    let (mut terms, fields): (Vec<&str>, Vec<&str>) = query.split_whitespace().partition(|word| !is_field(word));
    let (term, true) = (terms.pop()?, terms.is_empty()) else { return None };
    let with = |term: String| fields.iter().fold(term, |query, field| format!("{query} {field}"));
    if let Some(inner) =
        term.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).filter(|inner| !inner.is_empty())
    {
        return Some(Way { query: with(inner.replace(r"\/", "/")), is_on: true });
    }
    let is_plain = !term.starts_with(['"', '-', '(', '/']) && !is_operator(term);
    is_plain.then(|| Way { query: with(format!("/{}/", term.replace('/', r"\/"))), is_on: false })
}

/// The query with all of its terms changed; `None`: one of them cannot be, or there is none.
fn each(query: &str, change: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut n = 0;
    let words = query.split_whitespace().map(|word| match is_field(word) || is_operator(word) {
        true => Some(word.to_owned()),
        false => {
            n += 1;
            change(word)
        }
    });
    let changed = words.collect::<Option<Vec<_>>>()?.join(" ");
    (n > 0).then_some(changed)
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn is_operator(word: &str) -> bool {
    matches!(word, "OR" | "AND" | "NOT")
}

/// `path:x`, and not `std::env`.
fn is_field(word: &str) -> bool {
    let field = word.trim_start_matches('-').split_once(':');
    field.is_some_and(|(name, rest)| !rest.starts_with(':') && name.bytes().all(|byte| byte.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use kotadb_core::query;

    use super::*;

    fn way(query: &str, is_on: bool) -> Option<Way> {
        assert!(query::parse(query).is_ok(), "{query}");
        Some(Way { query: query.to_owned(), is_on })
    }

    #[test]
    fn words_are_whole_and_parts_again() {
        assert_eq!(whole("foo lang:rust OR bar"), way(r"/\bfoo\b/ lang:rust OR /\bbar\b/", false));
        assert_eq!(whole(r"/\bfoo\b/ lang:rust OR /\bbar\b/"), way("foo lang:rust OR bar", true));
        for other in ["\"a b\"", "std::env", "-foo", "/a/", "lang:rust", ""] {
            assert_eq!(whole(other), None, "{other}");
        }
    }

    #[test]
    fn a_word_is_a_regex_and_text_again() {
        assert_eq!(regex("a/b lang:rust"), way(r"/a\/b/ lang:rust", false));
        assert_eq!(regex(r"/a\/b/ lang:rust"), way("a/b lang:rust", true));
        for other in ["a b", "\"a\"", "-a", "lang:rust", "OR", ""] {
            assert_eq!(regex(other), None, "{other}");
        }
    }
}
