//! How matching files are spread over languages, folders, repositories and classes. What snapshots say is enough for
//! that: no content is read.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use super::candidates::File;
use super::open::Opened;
use crate::id::RepositoryId;
use crate::segment::Class;
use crate::text::Language;

/// Most folders that are named.
const MAX_FOLDERS: usize = 100;

/// Matching files by what snapshots say of them; of each, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// By language.
    pub languages: Vec<(Language, u64)>,
    /// By the first folder of the path, at most 100 of them; empty: files in none.
    pub folders: Vec<(Vec<u8>, u64)>,
    /// By repository.
    pub repositories: Vec<(RepositoryId, String, u64)>,
    /// By class.
    pub classes: Vec<(Class, u64)>,
    /// Whether matching files were counted, or all candidates, which no content was read for.
    pub exact: bool,
}

/// Facets while they are counted.
#[derive(Debug, Default)]
pub(super) struct FacetCounts {
    languages: HashMap<Language, u64>,
    folders: HashMap<Vec<u8>, u64>,
    repositories: HashMap<u32, u64>,
    classes: HashMap<Class, u64>,
}

impl FacetCounts {
    /// Counts a file of the target with that number.
    pub(super) fn add(&mut self, target: u32, file: File<'_>) {
        *self.languages.entry(file.language).or_default() += 1;
        *self.classes.entry(file.class).or_default() += 1;
        *self.repositories.entry(target).or_default() += 1;
        let folder = file.path.iter().position(|byte| *byte == b'/').map_or(&b""[..], |end| &file.path[..end]);
        match self.folders.get_mut(folder) {
            Some(count) => *count += 1,
            None => drop(self.folders.insert(folder.to_vec(), 1)),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        merge(&mut self.languages, other.languages);
        merge(&mut self.folders, other.folders);
        merge(&mut self.repositories, other.repositories);
        merge(&mut self.classes, other.classes);
    }

    pub(super) fn finish(self, opened: &Opened, exact: bool) -> Facets {
        let mut by_repository: HashMap<(RepositoryId, &str), u64> = HashMap::new();
        for (target, count) in self.repositories {
            let target = &opened.targets[target as usize].target;
            *by_repository.entry((target.repository, &target.repository_name)).or_default() += count;
        }
        let repositories = descending(by_repository);
        let mut folders = descending(self.folders);
        folders.truncate(MAX_FOLDERS);
        Facets {
            languages: descending(self.languages),
            folders,
            repositories: repositories.into_iter().map(|((id, name), n)| (id, name.to_owned(), n)).collect(),
            classes: descending(self.classes),
            exact,
        }
    }
}

fn merge<K: Hash + Eq>(into: &mut HashMap<K, u64>, from: HashMap<K, u64>) {
    from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
}

fn descending<K: Ord>(counts: HashMap<K, u64>) -> Vec<(K, u64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable_by(|(a, n), (b, m)| (Reverse(n), a).cmp(&(Reverse(m), b)));
    counts
}
