//! The files of a repository and places in them. What is measured is found by byte offset; people are told lines.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use kotadb_core::text::{Language, LineTable};

/// Largest file that is read, in bytes: as the index takes them.
const MAX_BYTES: u64 = 8 << 20;
/// Folders that are no part of a repository.
const LEFT_OUT: [&str; 5] = [".git", "node_modules", "target", "venv", "__pycache__"];

/// One byte of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Number of the file in its tree.
    pub file: u32,
    /// Offset in bytes.
    pub offset: u32,
}

/// One file.
#[derive(Debug)]
pub struct File {
    /// Path below the root, with `/`.
    pub path: String,
    /// Content.
    pub text: Vec<u8>,
    /// Language, as the index detects it.
    pub language: Language,
    lines: LineTable,
}

/// All files, by path.
#[derive(Debug)]
pub struct Tree {
    /// Files in the order of their paths.
    pub files: Vec<File>,
    by_path: HashMap<String, u32>,
}

impl Tree {
    /// Reads a folder.
    pub fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
                let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
                let is_left_out =
                    path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left_out| name == *left_out));
                if kind.is_dir() && !is_left_out {
                    folders.push(path);
                } else if kind.is_file() && fs::metadata(&path)?.len() <= MAX_BYTES {
                    files.push(File::new(path.strip_prefix(root)?.to_string_lossy().into_owned(), fs::read(&path)?));
                }
            }
        }
        Ok(Self::new(files))
    }

    /// Of files that were read.
    pub fn new(mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
        let by_path = files.iter().zip(0..).map(|(file, number)| (file.path.clone(), number)).collect();
        Self { files, by_path }
    }

    /// The number of the file at a path.
    pub fn find(&self, path: &str) -> Option<u32> {
        self.by_path.get(path).copied()
    }

    /// The file of a place.
    pub fn file(&self, place: Place) -> &File {
        &self.files[place.file as usize]
    }

    /// 1-based line of a place.
    pub fn line(&self, place: Place) -> usize {
        self.file(place).lines.line(place.offset as usize)
    }

    /// `path:line` of a place.
    pub fn show(&self, place: Place) -> String {
        format!("{}:{}", self.file(place).path, self.line(place))
    }

    /// The line of a place, without blanks round it.
    pub fn line_text(&self, place: Place) -> String {
        let text = &self.file(place).text;
        let at = (place.offset as usize).min(text.len());
        let start = text[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
        let end = text[at..].iter().position(|&byte| byte == b'\n').map_or(text.len(), |length| at + length);
        String::from_utf8_lossy(&text[start..end]).trim().to_owned()
    }

    /// The word that begins at a place.
    pub fn word(&self, place: Place) -> &str {
        let rest = self.file(place).text.get(place.offset as usize..).unwrap_or_default();
        let is_first = |byte: u8| byte == b'#' || byte == b'~';
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80;
        let skipped = usize::from(rest.first().is_some_and(|&byte| is_first(byte)));
        let length = rest[skipped..].iter().position(|&byte| !is_part(byte)).unwrap_or(rest.len() - skipped);
        std::str::from_utf8(&rest[..skipped + length]).unwrap_or_default()
    }
}

impl File {
    /// A file with that content.
    pub fn new(path: String, text: Vec<u8>) -> Self {
        let language = Language::detect(path.as_bytes(), &text);
        let lines = LineTable::new(&text);
        Self { path, text, language, lines }
    }

    /// The offset of a 0-based line and column, counted in a unit.
    pub fn offset(&self, line: usize, column: usize, unit: Unit) -> Option<u32> {
        let start = self.lines.range(line + 1)?.start;
        let text = &self.text[start..];
        let mut units = 0;
        let mut bytes = 0;
        while units < column {
            let first = *text.get(bytes)?;
            let length = match first {
                0..0xC0 => 1,
                0xC0..0xE0 => 2,
                0xE0..0xF0 => 3,
                _ => 4,
            };
            units += match unit {
                Unit::Byte => length,
                Unit::Utf16 => 1 + usize::from(length == 4),
            };
            bytes += length;
        }
        u32::try_from(start + bytes).ok()
    }
}

/// What columns are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of UTF-8.
    Byte,
    /// Units of UTF-16.
    Utf16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_in_their_unit() {
        let file = File::new("a.py".into(), "x\nä€𝄞b()\n".as_bytes().to_vec());
        assert_eq!(file.offset(1, 4, Unit::Utf16), Some(2 + 9));
        assert_eq!(file.offset(1, 9, Unit::Byte), Some(2 + 9));
        assert_eq!(file.offset(7, 0, Unit::Byte), None);
    }

    #[test]
    fn words_begin_where_they_are_said_to() {
        let tree = Tree::new(vec![File::new("a.ts".into(), b"this.#code(x)".to_vec())]);
        assert_eq!(tree.word(Place { file: 0, offset: 5 }), "#code");
        assert_eq!(tree.word(Place { file: 0, offset: 11 }), "x");
        assert_eq!(tree.word(Place { file: 0, offset: 99 }), "");
    }
}
