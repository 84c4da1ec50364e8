//! What a program is, for `--version`.

use std::sync::LazyLock;

/// The release, which all programs share, and the commit where the build was told it: `0.1.0 (4f3c…)`.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| stated(env!("CARGO_PKG_VERSION"), option_env!("KOTADB_COMMIT")));
    &TEXT
}

fn stated(release: &str, commit: Option<&str>) -> String {
    match commit {
        Some(commit) if !commit.is_empty() => format!("{release} ({commit})"),
        _ => release.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_said_where_it_is_known() {
        assert_eq!(stated("0.1.0", Some("4f3c")), "0.1.0 (4f3c)");
        assert_eq!((stated("0.1.0", None), stated("0.1.0", Some(""))), ("0.1.0".to_owned(), "0.1.0".to_owned()));
    }
}
