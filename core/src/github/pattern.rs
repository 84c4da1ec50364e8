//! Patterns of repository names: one owner, and `*` for any characters of the name.

use globset::{GlobBuilder, GlobMatcher};

const MOST_BYTES: usize = 200;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct RepositoryPattern {
    owner: String,
    text: String,
    matcher: GlobMatcher,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Not an owner and a name with stars.
    #[error("`{0}` is no pattern of repositories: give one owner and a name with `*`, as in `acme/*` or `acme/lib-*`")]
    Malformed(String),
}

impl RepositoryPattern {
    /// Reads `owner/name`. GitHub knows no case, so neither does a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let refused = || PatternError::Malformed(text.chars().take(MOST_BYTES).collect());
        let text = text.trim().to_lowercase();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let (owner, name) = text.split_once('/').ok_or_else(refused)?;
        let is_owner = !owner.is_empty() && owner.chars().all(plain) && owner != "." && owner != "..";
        let is_name = !name.is_empty() && name.chars().all(|c| plain(c) || c == '*');
        if !is_owner || !is_name || text.len() > MOST_BYTES {
            return Err(refused());
        }
        let glob = GlobBuilder::new(&text).literal_separator(true).build().map_err(|_| refused())?;
        Ok(Self { owner: owner.to_owned(), matcher: glob.compile_matcher(), text })
    }

    /// Its one owner, in lower case.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether `owner/name` is one of those.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.is_match(name.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_within_the_name_and_case_does_not_matter() {
        let pattern = RepositoryPattern::parse(" Acme/Lib-* ").unwrap();
        assert_eq!((pattern.owner(), pattern.as_str()), ("acme", "acme/lib-*"));
        assert!(pattern.matches("acme/lib-a") && pattern.matches("ACME/LIB-"));
        assert!(!pattern.matches("acme/xlib-a") && !pattern.matches("acme2/lib-a") && !pattern.matches("acme/lib-a/b"));
        assert!(RepositoryPattern::parse("acme/*").unwrap().matches("Acme/x.y"));
    }

    #[test]
    fn what_is_no_pattern_is_named() {
        for bad in ["", "acme", "*/*", "ac*/x", "acme/", "/x", "acme/a b", "acme/[a]", "acme/a/b", "../x", "acme/{a}"] {
            assert!(RepositoryPattern::parse(bad).unwrap_err().to_string().contains("pattern"), "{bad}");
        }
    }
}
