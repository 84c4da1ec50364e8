//! Settings in a file: TOML, one key a line. The file of a repository comes from whoever wrote that repository, so that some keys
//! are refused there.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use kotadb_core::query::near_names;

use super::keys::{KEYS, Key, Value};

/// More is no file of settings, whoever wrote it.
const MOST_BYTES: u64 = 64 << 10;

/// Who wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Who runs the command.
    User,
    /// Anybody.
    Repository,
}

/// What a file sets; nothing where there is none.
pub fn read(path: &Path, author: Author) -> anyhow::Result<BTreeMap<&'static str, Value>> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot look at `{}`", path.display())),
    };
    // A repository may hold a link to anywhere, and reading there may never end.
    let is_plain = found.is_file() || author == Author::User && found.is_symlink();
    ensure!(is_plain, "`{}` is no file: write settings into a file there, or take it away", path.display());
    ensure!(found.len() <= MOST_BYTES, "`{}` is larger than any file of settings", path.display());
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    parse(&text, author).with_context(|| format!("`{}` is wrong", path.display()))
}

fn parse(text: &str, author: Author) -> anyhow::Result<BTreeMap<&'static str, Value>> {
    let table: toml::Table = text.parse()?;
    table.iter().map(|(name, value)| setting(name, value, author)).collect()
}

fn setting(name: &str, value: &toml::Value, author: Author) -> anyhow::Result<(&'static str, Value)> {
    let Some(key) = Key::named(name) else { bail!("`{name}` is no setting: {}", known(name)) };
    if let (Author::Repository, Some(danger)) = (author, key.danger) {
        bail!(
            "`{name}` may not stand in the file of a repository, since {danger}: set it in your own file, \
             or leave this one out by `--no-project-file`"
        );
    }
    match key.of_toml(value) {
        Ok(value) => Ok((key.name, value)),
        Err(why) => bail!("`{name}` {why}"),
    }
}

fn known(name: &str) -> String {
    match near_names(name, KEYS.iter().map(|key| key.name)).as_slice() {
        [] => format!("there are {}", KEYS.map(|key| key.name).join(", ")),
        near => format!("did you mean {}?", near.iter().map(|near| format!("`{near}`")).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str, author: Author) -> String {
        format!("{:#}", parse(text, author).unwrap_err())
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let set = parse("color = \"never\"\nexclude = [\"vendor/**\"]\nrefresh = false\n", Author::Repository).unwrap();
        assert_eq!(set.keys().copied().collect::<Vec<_>>(), ["color", "exclude", "refresh"]);
        assert_eq!(set["refresh"], Value::Switch(false));
        assert!(parse("", Author::User).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_setting_is_refused_with_what_was_meant() {
        assert!(refusal("colour = \"never\"", Author::User).contains("did you mean `color`?"));
        assert!(refusal("zzzzzzzz = 1", Author::User).contains("there are server, color"));
        assert!(refusal("refresh = \"false\"", Author::User).contains("`refresh` takes `true` or `false`"));
        assert!(refusal("exclude = [1]", Author::User).contains("a list of texts"));
        assert!(refusal("key = \"kdb_live_x\"", Author::User).contains("no setting"), "a key is in no such file");
    }

    #[test]
    fn a_repository_names_no_server_no_program_and_spends_nothing() {
        for text in ["server = \"https://evil.example\"", "pager = \"sh -c 'x'\"", "auto_index = true"] {
            assert!(refusal(text, Author::Repository).contains("may not stand in the file of a repository"), "{text}");
            assert!(parse(text, Author::User).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_link_of_a_repository_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(format!("{:#}", read(&link, Author::Repository).unwrap_err()).contains("is no file"));
        assert!(read(&folder.path().join("absent.toml"), Author::Repository).unwrap().is_empty());
    }
}
