//! The files of a snapshot by path, as modules look for them: probing, joining, and by the end of a path.

use std::iter;

use super::words::{Word, Words};

/// Paths of all files, by their number.
#[derive(Debug, Default)]
pub struct Paths {
    paths: Words,
    /// Of each file the number of its path: two may have the same, where bytes that are no UTF-8 were replaced.
    path_of: Vec<Word>,
    /// The last file of each path.
    files: Vec<u32>,
    folders: Words,
    folder_of: Vec<u32>,
    names: Words,
    /// The last file of each name, and of each file the one before it of its name.
    by_name: Vec<u32>,
    before: Vec<u32>,
}

/// No file.
const NONE: u32 = u32::MAX;

impl Paths {
    /// Of these files, in their order.
    pub fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut all = Self::default();
        paths.for_each(|path| all.add(path));
        all
    }

    fn add(&mut self, path: &str) {
        let file = self.path_of.len() as u32;
        let folder = self.add_folder(folder(path));
        self.folder_of.push(folder);
        let before = replace(&mut self.by_name, self.names.add(name(path)), file);
        self.before.push(before);
        let number = self.paths.add(path);
        replace(&mut self.files, number, file);
        self.path_of.push(number);
    }

    fn add_folder(&mut self, path: &str) -> u32 {
        if let Some(known) = self.folders.find(path) {
            return known.0;
        }
        if !path.is_empty() {
            self.add_folder(folder(path));
        }
        self.folders.add(path).0
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.path_of.len()
    }

    /// The path of a file.
    pub fn path(&self, file: u32) -> &str {
        self.paths.text(self.path_of[file as usize])
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<u32> {
        self.paths.find(path).map(|path| self.files[path.0 as usize])
    }

    /// The number of a folder that holds files or folders; the root is the empty path.
    pub fn folder(&self, path: &str) -> Option<u32> {
        self.folders.find(path).map(|folder| folder.0)
    }

    /// The path of a folder.
    pub fn folder_path(&self, folder: u32) -> &str {
        self.folders.text(Word(folder))
    }

    /// The folder of a file.
    pub fn folder_of(&self, file: u32) -> u32 {
        self.folder_of[file as usize]
    }

    /// Files of that name, in any folder, the last first.
    pub fn named(&self, name: &str) -> impl Iterator<Item = u32> {
        let last = self.names.find(name).map(|name| self.by_name[name.0 as usize]);
        let some = |file: &u32| *file != NONE;
        iter::successors(last, move |file| Some(self.before[*file as usize]).filter(some))
    }

    /// The file whose path ends with that path; of several the one nearest to `from`.
    pub fn by_end(&self, end: &str, from: u32) -> Option<u32> {
        let ends = |file: &u32| is_end(self.path(*file), end);
        let own = self.path(from);
        self.named(name(end)).filter(ends).min_by_key(|&file| (distance(self.path(file), own), file))
    }
}

/// Puts a file at the place of a word, which may be a new one; what was there.
fn replace(files: &mut Vec<u32>, word: Word, file: u32) -> u32 {
    let place = word.0 as usize;
    if word == Word::NONE {
        return NONE;
    }
    if files.len() <= place {
        files.resize(place + 1, NONE);
    }
    std::mem::replace(&mut files[place], file)
}

/// Whether a path is `end`, or ends with it behind a slash.
pub fn is_end(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// The folder of a path; the empty path is the root.
pub fn folder(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}

/// The last word of a path.
pub fn name(path: &str) -> &str {
    path.rfind('/').map_or(path, |slash| &path[slash + 1..])
}

/// A path without the extension of its last word.
pub fn stem(path: &str) -> &str {
    let start = path.len() - name(path).len();
    path[start..].rfind('.').filter(|&dot| dot > 0).map_or(path, |dot| &path[..start + dot])
}

/// `relative` as seen from a folder; `None`: it leads out of the repository.
pub fn join(folder: &str, relative: &str) -> Option<String> {
    let mut words: Vec<&str> = folder.split('/').filter(|word| !word.is_empty()).collect();
    for word in relative.split('/') {
        match word {
            "" | "." => {}
            ".." => drop(words.pop()?),
            word => words.push(word),
        }
    }
    Some(words.join("/"))
}

/// A path below a folder, which may be the root.
pub fn below(folder: &str, rest: &str) -> String {
    if folder.is_empty() { rest.to_owned() } else { format!("{folder}/{rest}") }
}

/// How many folders lie between two files.
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (folder(a), folder(b));
    let words = |path: &str| if path.is_empty() { 0 } else { path.split('/').count() };
    let common = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b && !a.is_empty()).count();
    words(a) + words(b) - 2 * common
}

/// The folder and those round it, the innermost first, the root last.
pub fn ancestors(folder_path: &str) -> impl Iterator<Item = &str> {
    iter::successors(Some(folder_path), |path| (!path.is_empty()).then(|| folder(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_joined() {
        assert_eq!((folder("a/b.rs"), name("a/b.rs"), stem("a/b.d.ts"), stem("a/.x")), ("a", "b.rs", "a/b.d", "a/.x"));
        let joined =
            [("a/b", "../c", Some("a/c")), ("", "./x", Some("x")), ("a", "../../x", None), ("a", "", Some("a"))];
        for (folder, relative, path) in joined {
            assert_eq!(join(folder, relative).as_deref(), path, "{folder} {relative}");
        }
        assert_eq!(ancestors("a/b").collect::<Vec<_>>(), ["a/b", "a", ""]);
        let distances = [("a/x", "a/y", 0), ("a/x", "b/y", 2), ("x", "a/b/y", 2), ("a/b/x", "a/c/y", 2), ("x", "y", 0)];
        for (a, b, far) in distances {
            assert_eq!(distance(a, b), far, "{a} {b}");
        }
    }

    #[test]
    fn files_may_have_one_path() {
        let paths = Paths::new(["a/\u{fffd}", "a/\u{fffd}", "b"].into_iter());
        assert_eq!((paths.len(), paths.path(0), paths.path(1), paths.path(2)), (3, "a/\u{fffd}", "a/\u{fffd}", "b"));
        assert_eq!((paths.file("a/\u{fffd}"), paths.file("b"), paths.file("a")), (Some(1), Some(2), None));
        assert_eq!((paths.folder_of(1), paths.folder_of(2)), (paths.folder("a").unwrap(), paths.folder("").unwrap()));
    }

    #[test]
    fn the_nearest_file_of_an_end_is_found() {
        let paths = Paths::new(["a/db.h", "b/include/db.h", "b/src/x.c", "xdb.h"].into_iter());
        assert_eq!(paths.by_end("db.h", 2), Some(1));
        assert_eq!(paths.by_end("include/db.h", 0), Some(1));
        assert_eq!(paths.by_end("no.h", 0), None);
        assert_eq!((paths.named("db.h").collect::<Vec<_>>(), paths.named("h").count()), (vec![1, 0], 0));
        assert_eq!(paths.folder("b").map(|folder| paths.folder_path(folder)), Some("b"));
        assert!(!is_end("xdb.h", "db.h"));
    }
}
