//! Which repositories are measured: the committed table, and where `scripts/accuracy.sh` put what it made of it.

use std::path::{Path, PathBuf};

use anyhow::Context;

/// The committed table.
const TABLE: &str = include_str!("../repositories.tsv");

/// One repository of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its language, as `lang:` has it.
    pub language: String,
    /// What it is called here.
    pub name: String,
    /// Only its figures are looked at while rules are written, never its confusions.
    pub is_held_out: bool,
    /// Where it comes from: `crate regex-syntax 0.8.12`.
    pub source: String,
    /// Why it was chosen.
    pub why: String,
}

/// One repository that is there, with its truth.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the table says of it.
    pub repository: Repository,
    /// Folder with its files.
    pub root: PathBuf,
    /// What compilers say of it.
    pub truth: PathBuf,
    /// What ctags says of it.
    pub ctags: PathBuf,
}

/// The whole table.
pub fn repositories() -> anyhow::Result<Vec<Repository>> {
    TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(repository).collect()
}

fn repository(line: &str) -> anyhow::Result<Repository> {
    let columns: Vec<&str> = line.split('\t').collect();
    let [language, name, set, kind, package, version, _part, why] = columns[..] else {
        anyhow::bail!("`{line}` has not 8 columns");
    };
    let is_held_out = match set {
        "tuned" => false,
        "held out" => true,
        _ => anyhow::bail!("`{set}` is neither `tuned` nor `held out`"),
    };
    let source = format!("{kind} `{package}` {version}");
    Ok(Repository { language: language.to_owned(), name: name.to_owned(), is_held_out, source, why: why.to_owned() })
}

/// What was prepared: a line each with name, root and truth, in the order of the table.
pub fn prepared(list: &Path) -> anyhow::Result<Vec<Prepared>> {
    let text = std::fs::read_to_string(list)
        .with_context(|| format!("cannot read `{}`: run scripts/accuracy.sh", list.display()))?;
    let table = repositories()?;
    let of_line = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, root, truth] = columns[..] else { anyhow::bail!("`{line}` has not 3 columns") };
        let repository = table.iter().find(|row| row.name == name);
        let repository = repository.with_context(|| format!("`{name}` is not in the table"))?.clone();
        let ctags = PathBuf::from(format!("{truth}.ctags"));
        Ok(Prepared { repository, root: root.into(), truth: truth.into(), ctags })
    };
    text.lines().map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_language_has_repositories_of_both_kinds() {
        let table = repositories().unwrap();
        let names: HashSet<&str> = table.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), table.len(), "names are unique");
        for language in ["rust", "typescript", "python", "go", "java", "c", "c++"] {
            let of_language = || table.iter().filter(|row| row.language == language);
            assert!(of_language().count() >= 2, "{language}");
            assert!(of_language().any(|row| row.is_held_out), "{language}");
            assert!(of_language().any(|row| !row.is_held_out), "{language}");
        }
    }

    #[test]
    fn a_bad_line_is_refused() {
        assert!(repository("rust\tx").is_err());
        assert!(repository("rust\tx\tbest\tcrate\tx\t1\t.\twhy").is_err());
    }
}
