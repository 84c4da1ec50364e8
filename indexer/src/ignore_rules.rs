//! `.kotadbignore`: gitignore syntax, read at the commit, in any folder; the deepest file that says something of a path
//! decides. A path below an ignored folder stays ignored, as in git.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// Name of the file.
pub const FILE_NAME: &str = ".kotadbignore";

/// The rules of one `.kotadbignore`.
#[derive(Clone, Debug)]
pub struct IgnoreRules {
    matcher: Gitignore,
}

impl IgnoreRules {
    /// Reads a file. Lines that are no patterns are passed over.
    pub fn parse(text: &[u8]) -> Self {
        let mut builder = GitignoreBuilder::new("");
        for line in String::from_utf8_lossy(text).lines() {
            let _no_pattern = builder.add_line(None, line);
        }
        Self { matcher: builder.build().unwrap_or_else(|_| Gitignore::empty()) }
    }

    /// Whether `path`, relative to the file's folder, is ignored; `None`: the file says nothing of it.
    pub fn decide(&self, path: &Path, is_folder: bool) -> Option<bool> {
        match self.matcher.matched(path, is_folder) {
            Match::None => None,
            Match::Ignore(_) => Some(true),
            Match::Whitelist(_) => Some(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gitignore_syntax() {
        let rules = IgnoreRules::parse(b"# note\n*.log\n!keep.log\n/build/\ndocs/*.txt\n[\n");
        let decide = |path: &str, folder| rules.decide(Path::new(path), folder);
        assert_eq!(decide("a/b.log", false), Some(true));
        assert_eq!(decide("a/keep.log", false), Some(false));
        assert_eq!(decide("build", true), Some(true));
        assert_eq!(decide("build", false), None);
        assert_eq!(decide("a/build", true), None);
        assert_eq!(decide("docs/a.txt", false), Some(true));
        assert_eq!(decide("docs/a/b.txt", false), None);
    }
}
