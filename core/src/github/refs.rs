//! Which refs of a repository are tracked. Patterns are written on full ref names; `*` stands for any characters, `/`
//! included, as in a refspec. An empty list tracks the default branch.

use globset::{GlobBuilder, GlobMatcher};

const MOST_PATTERNS: usize = 100;
const MOST_BYTES: usize = 255;

/// The compiled patterns of one repository.
#[derive(Clone, Debug)]
pub struct RefPatterns {
    matchers: Vec<GlobMatcher>,
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefPatternError {
    /// More than 100.
    #[error("at most {MOST_PATTERNS} ref patterns: join some with `*`")]
    TooMany,
    /// Empty, too long, or with characters that git refuses in ref names.
    #[error(
        "`{0}` is no ref pattern: give a branch (`main`), or a pattern below `refs/heads/` or `refs/tags/` with `*`"
    )]
    Malformed(String),
}

impl RefPatterns {
    /// Full-name patterns from what a user wrote: `main` means `refs/heads/main`. Order and duplicates are kept out.
    pub fn normalise(patterns: &[String]) -> Result<Vec<String>, RefPatternError> {
        if patterns.len() > MOST_PATTERNS {
            return Err(RefPatternError::TooMany);
        }
        let mut full = patterns.iter().map(|pattern| full_name(pattern)).collect::<Result<Vec<_>, _>>()?;
        full.sort();
        full.dedup();
        Ok(full)
    }

    /// Compiles patterns that [`RefPatterns::normalise`] made. One that does not compile matches nothing.
    pub fn new(patterns: &[String]) -> Self {
        let matchers = patterns.iter().filter_map(|pattern| GlobBuilder::new(&escaped(pattern)).build().ok());
        Self { matchers: matchers.map(|glob| glob.compile_matcher()).collect() }
    }

    /// Whether the ref of that full name is tracked. `default_branch` is a short name.
    pub fn tracks(&self, ref_name: &str, default_branch: Option<&str>) -> bool {
        if self.matchers.is_empty() {
            return default_branch.is_some_and(|branch| ref_name.strip_prefix("refs/heads/") == Some(branch));
        }
        self.matchers.iter().any(|matcher| matcher.is_match(ref_name))
    }
}

fn full_name(pattern: &str) -> Result<String, RefPatternError> {
    let refused = || RefPatternError::Malformed(pattern.chars().take(MOST_BYTES).collect());
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '~' | '^' | ':' | '?' | '[' | '\\');
    if pattern.is_empty() || pattern.len() > MOST_BYTES || pattern.contains(is_bad) || pattern.contains("..") {
        return Err(refused());
    }
    if pattern.starts_with("refs/heads/") || pattern.starts_with("refs/tags/") {
        return Ok(pattern.to_owned());
    }
    if pattern.starts_with("refs/") || pattern.starts_with('/') {
        return Err(refused());
    }
    Ok(format!("refs/heads/{pattern}"))
}

/// Only `*` is special in a ref pattern; globs know braces too, which git allows in names.
fn escaped(pattern: &str) -> String {
    pattern.replace('{', "[{]").replace('}', "[}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracks(patterns: &[&str], ref_name: &str) -> bool {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        RefPatterns::new(&RefPatterns::normalise(&patterns).unwrap()).tracks(ref_name, Some("main"))
    }

    #[test]
    fn no_pattern_means_the_default_branch() {
        assert!(tracks(&[], "refs/heads/main"));
        assert!(!tracks(&[], "refs/heads/main2"));
        assert!(!tracks(&[], "refs/tags/main"));
        assert!(!RefPatterns::new(&[]).tracks("refs/heads/main", None));
    }

    #[test]
    fn patterns_match_full_names() {
        assert!(tracks(&["main", "release-*"], "refs/heads/release-1"));
        assert!(tracks(&["refs/tags/v*"], "refs/tags/v1.0/rc"));
        assert!(!tracks(&["v*"], "refs/tags/v1"));
        assert!(tracks(&["a{b}*"], "refs/heads/a{b}c"));
        assert!(!tracks(&["main"], "refs/heads/domain"));
    }

    #[test]
    fn malformed_patterns_are_named() {
        for bad in ["", "a b", "a..b", "refs/pull/1", "/x", "a\\b", "a[b]", &"x".repeat(256)] {
            assert!(matches!(RefPatterns::normalise(&[bad.to_owned()]), Err(RefPatternError::Malformed(_))), "{bad}");
        }
        let many = vec!["a".to_owned(); 101];
        assert_eq!(RefPatterns::normalise(&many), Err(RefPatternError::TooMany));
        assert_eq!(RefPatterns::normalise(&many[..3]), Ok(vec!["refs/heads/a".to_owned()]));
    }
}
