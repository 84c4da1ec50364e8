//! Files of a commit on the wire: what is in a folder, and the lines of a file; and the same as lines for people.

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::List;
use super::search::{Stats, class_name, path_text};
use crate::search::SearchStats;
use crate::search::commit::{CommitState, FileContent, Tree, TreeItem, TreeItemKind};

/// What an answer about files was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedCommit {
    /// `owner/name`.
    pub repository: String,
    /// Full name of the ref; of a commit that refs have left, its digits.
    #[serde(rename = "ref")]
    pub ref_name: String,
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
}

/// Lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileText {
    /// Path in the commit; percent-encoded if `path_lossy`.
    pub path: String,
    /// Whether the path is not UTF-8 and thus percent-encoded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub path_lossy: bool,
    /// Language, as `lang:` takes it.
    pub language: String,
    /// `source`, `test`, `docs`, `generated` or `vendored`.
    pub class: String,
    /// The first line of `text`, from 1.
    pub first_line: u64,
    /// The last line of `text`; below `first_line` where there is none.
    pub last_line: u64,
    /// Lines of the file.
    pub lines: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The lines with their ends, invalid UTF-8 replaced.
    pub text: String,
    /// Whether something in `text` is replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lossy: bool,
    /// Whether the only line is cut, since it alone is longer than what was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// Ask for lines from here on to get the rest; absent: these are all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_line: Option<u64>,
    /// What the answer was made from.
    pub index: AskedCommit,
    /// What it cost.
    pub stats: Stats,
}

/// A file or folder of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeEntry {
    /// Path in the commit; percent-encoded if `path_lossy`. That of a folder ends with `/`.
    pub path: String,
    /// Whether the path is not UTF-8 and thus percent-encoded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub path_lossy: bool,
    /// `file` or `folder`.
    pub kind: String,
    /// Of a folder: files below it that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Of a file in the index: its language, as `lang:` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Of a file in the index: `source`, `test`, `docs`, `generated` or `vendored`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Of a file that is not in the index, why: `binary`, `too_large`, `ignored`, `symlink`, `submodule`, `path_too_long`,
    /// `unreadable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TreeList {
    /// Files and folders in path order.
    #[serde(flatten)]
    pub list: List<TreeEntry>,
    /// What it cost.
    pub stats: Stats,
}

impl From<&CommitState> for AskedCommit {
    fn from(state: &CommitState) -> Self {
        Self {
            repository: state.repository_name.clone(),
            ref_name: state.ref_name.clone(),
            commit: state.commit.to_string(),
        }
    }
}

/// Lines of a file.
pub fn file_text(content: &FileContent, state: &CommitState, stats: SearchStats) -> FileText {
    let (path, path_lossy) = path_text(&content.path);
    let text = String::from_utf8_lossy(&content.text);
    FileText {
        path,
        path_lossy,
        language: content.language.name().to_owned(),
        class: class_name(content.class).to_owned(),
        first_line: content.first,
        last_line: content.last,
        lines: content.n_lines,
        bytes: content.n_bytes,
        lossy: std::str::from_utf8(&content.text).is_err(),
        text: text.into_owned(),
        cut: content.cut,
        next_line: content.next,
        index: state.into(),
        stats: stats.into(),
    }
}

/// What is in a folder. `cursor` makes the cursor that leads on behind a path.
pub fn tree_list(
    tree: &Tree,
    state: &CommitState,
    stats: SearchStats,
    cursor: impl FnOnce(&str) -> String,
) -> TreeList {
    let last = tree.items.last().filter(|_| tree.more).map(|item| path_text(&item.path).0);
    let items = tree.items.iter().map(TreeEntry::from).collect();
    let mut list = List::page(items, last.as_deref().map(cursor)).with_total(tree.total);
    list.index = serde_json::to_value(AskedCommit::from(state)).ok();
    if tree.hidden > 0 {
        let n = tree.hidden;
        list.notes
            .push(format!("{n} generated and vendored files are left out: `generated:yes`, `vendored:yes` show them"));
    }
    TreeList { list, stats: stats.into() }
}

impl From<&TreeItem> for TreeEntry {
    fn from(item: &TreeItem) -> Self {
        let (path, path_lossy) = path_text(&item.path);
        let is_folder = matches!(item.kind, TreeItemKind::Folder { .. });
        let kind = if is_folder { "folder" } else { "file" }.to_owned();
        let entry = Self { path, path_lossy, kind, files: None, language: None, class: None, left_out: None };
        match item.kind {
            TreeItemKind::Folder { files } => Self { files: Some(files), ..entry },
            TreeItemKind::File { language, class, .. } => {
                let (language, class) = (language.name().to_owned(), class_name(class).to_owned());
                Self { language: Some(language), class: Some(class), ..entry }
            }
            TreeItemKind::LeftOut(reason) => Self { left_out: Some(reason.name().to_owned()), ..entry },
        }
    }
}

/// The bytes of a path as answers write it: one that is percent-encoded is none of UTF-8.
pub fn path_bytes(text: &str) -> Vec<u8> {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    if std::str::from_utf8(&decoded).is_err() { decoded } else { text.as_bytes().to_vec() }
}

impl FileText {
    /// Each line with its number, then what is to be said.
    pub fn lines_text(&self) -> Vec<String> {
        let width = self.last_line.to_string().len();
        let numbered = |(number, line): (u64, &str)| format!("{number:>width$}  {line}");
        let more = self.next_line.map(|next| format!("note: {} lines in all: go on with line {next}", self.lines));
        let cut = self.cut.then(|| format!("note: line {} is cut", self.first_line));
        (self.first_line..).zip(self.text.lines()).map(numbered).chain(cut).chain(more).collect()
    }
}

impl TreeEntry {
    /// The path, and what is known of it.
    pub fn line_text(&self) -> String {
        let more = match (&self.files, &self.language, &self.left_out) {
            (Some(1), ..) => "1 file".to_owned(),
            (Some(files), ..) => format!("{files} files"),
            (_, Some(language), _) => [Some(language), self.class.as_ref().filter(|class| *class != "source")]
                .into_iter()
                .flatten()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
            (_, _, Some(reason)) => format!("left out: {reason}"),
            _ => String::new(),
        };
        format!("{}  {more}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::Class;
    use crate::store::SkipReason;
    use crate::text::Language;

    #[test]
    fn a_path_is_read_as_it_was_written() {
        for path in [&b"a b/%20.rs"[..], b"\xff\xfe%/x", "ä/%C3".as_bytes(), b"100%"] {
            let written = path_text(path).0;
            // A path of UTF-8 that looks like one that is none cannot be told from it.
            if path != "ä/%C3".as_bytes() {
                assert_eq!(path_bytes(&written), path, "{written}");
            }
        }
    }

    #[test]
    fn items_are_lines() {
        let rust = Language::from_name("rust").unwrap();
        let file = |class| TreeItemKind::File { language: rust, class, mode: 0o100_644 };
        let line = |path: &str, kind| TreeEntry::from(&TreeItem { path: path.into(), kind }).line_text();
        assert_eq!(line("src/", TreeItemKind::Folder { files: 3 }), "src/  3 files");
        assert_eq!(line("a.rs", file(Class::Source)), "a.rs  rust");
        assert_eq!(line("a.rs", file(Class::Test)), "a.rs  rust test");
        assert_eq!(line("a.png", TreeItemKind::LeftOut(SkipReason::Binary)), "a.png  left out: binary");
    }
}
