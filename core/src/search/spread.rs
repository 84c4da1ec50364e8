//! That one folder does not fill a page: of each at most three files are among the first ten, where others are there.

use std::collections::HashMap;
use std::hash::Hash;

/// Files that are spread.
const SPREAD: usize = 10;
/// Files of one folder among them.
const OF_FOLDER: usize = 3;

/// The same files with those of a folder that has enough among the first ones put behind these, in their order.
pub(super) fn spread<T, F: Eq + Hash>(files: Vec<T>, folder: impl Fn(&T) -> F) -> Vec<T> {
    let mut folders: HashMap<F, usize> = HashMap::new();
    let (mut first, mut later) = (Vec::with_capacity(files.len()), Vec::new());
    let mut files = files.into_iter();
    for file in files.by_ref() {
        let of_folder = folders.entry(folder(&file)).or_default();
        *of_folder += 1;
        if *of_folder <= OF_FOLDER {
            first.push(file)
        } else {
            later.push(file)
        }
        if first.len() == SPREAD {
            break;
        }
    }
    first.extend(later);
    first.extend(files);
    first
}

/// The folder of a path.
pub(super) fn folder(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(b"", |end| &path[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread_paths(paths: &[&'static str]) -> Vec<&'static str> {
        spread(paths.to_vec(), |path| folder(path.as_bytes()).to_vec())
    }

    #[test]
    fn three_of_a_folder_are_among_the_first_ten() {
        let paths = ["a/1", "a/2", "a/3", "a/4", "a/5", "b/1", "c/1", "d/1", "e/1", "f/1", "g/1", "a/6", "h/1", "i/1"];
        let spread = spread_paths(&paths);
        let expected =
            ["a/1", "a/2", "a/3", "b/1", "c/1", "d/1", "e/1", "f/1", "g/1", "h/1", "a/4", "a/5", "a/6", "i/1"];
        assert_eq!(spread, expected);
    }

    #[test]
    fn where_there_is_one_folder_nothing_moves() {
        let paths = ["1", "2", "3", "4", "5", "6"];
        assert_eq!(spread_paths(&paths), paths);
        assert_eq!(spread_paths(&["a/1", "a/2", "a/3", "a/4", "1"]), ["a/1", "a/2", "a/3", "1", "a/4"]);
    }
}
