//! The files of a snapshot by path, as modules look for them: probing, joining, and by the end of a path.

use std::collections::HashMap;

/// Paths of all files, by their number.
#[derive(Debug, Default)]
pub struct Paths {
    paths: Vec<Box<str>>,
    files: HashMap<Box<str>, u32>,
    folders: HashMap<Box<str>, u32>,
    folder_names: Vec<Box<str>>,
    folder_of: Vec<u32>,
    by_name: HashMap<Box<str>, Vec<u32>>,
}

impl Paths {
    /// Of these files, in their order.
    pub fn new(paths: impl Iterator<Item = Box<str>>) -> Self {
        let mut all = Self::default();
        let least = paths.size_hint().0;
        all.paths.reserve(least);
        all.folder_of.reserve(least);
        all.files.reserve(least);
        // Of several files of one name there are many: `index.ts`, `Makefile`.
        all.by_name.reserve(least / 2);
        paths.for_each(|path| all.add(path));
        all
    }

    fn add(&mut self, path: Box<str>) {
        let file = self.paths.len() as u32;
        let folder = self.add_folder(folder(&path));
        self.folder_of.push(folder);
        self.by_name.entry(name(&path).into()).or_default().push(file);
        self.files.insert(path.clone(), file);
        self.paths.push(path);
    }

    fn add_folder(&mut self, path: &str) -> u32 {
        if let Some(&known) = self.folders.get(path) {
            return known;
        }
        if !path.is_empty() {
            self.add_folder(folder(path));
        }
        let number = self.folder_names.len() as u32;
        self.folders.insert(path.into(), number);
        self.folder_names.push(path.into());
        number
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// The path of a file.
    pub fn path(&self, file: u32) -> &str {
        &self.paths[file as usize]
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<u32> {
        self.files.get(path).copied()
    }

    /// The number of a folder that holds files or folders; the root is the empty path.
    pub fn folder(&self, path: &str) -> Option<u32> {
        self.folders.get(path).copied()
    }

    /// The path of a folder.
    pub fn folder_path(&self, folder: u32) -> &str {
        &self.folder_names[folder as usize]
    }

    /// The folder of a file.
    pub fn folder_of(&self, file: u32) -> u32 {
        self.folder_of[file as usize]
    }

    /// Files of that name, in any folder.
    pub fn named(&self, name: &str) -> &[u32] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The file whose path ends with that path; of several the one nearest to `from`.
    pub fn by_end(&self, end: &str, from: u32) -> Option<u32> {
        let ends = |file: &&u32| is_end(self.path(**file), end);
        let own = self.path(from);
        self.named(name(end)).iter().filter(ends).min_by_key(|&&file| (distance(self.path(file), own), file)).copied()
    }
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
    std::iter::successors(Some(folder_path), |path| (!path.is_empty()).then(|| folder(path)))
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
    fn the_nearest_file_of_an_end_is_found() {
        let paths = Paths::new(["a/db.h", "b/include/db.h", "b/src/x.c", "xdb.h"].into_iter().map(Into::into));
        assert_eq!(paths.by_end("db.h", 2), Some(1));
        assert_eq!(paths.by_end("include/db.h", 0), Some(1));
        assert_eq!(paths.by_end("no.h", 0), None);
        assert_eq!(paths.folder("b").map(|folder| paths.folder_path(folder)), Some("b"));
        assert!(!is_end("xdb.h", "db.h"));
    }
}
