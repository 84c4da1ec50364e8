//! What others would say, in the same run: every definition of a name is what a call of that name may mean; and ctags.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use crate::definitions::{Key, Known};
use crate::rows::Row;
use crate::sites::Site;
use crate::tree::Tree;
use crate::truth::{Class, Truth};

/// Definitions by name, as file and line.
pub type Names = HashMap<String, HashSet<(u32, usize)>>;

/// Rows of plain name matching over somebody's definitions.
pub fn names(tree: &Tree, truth: &Truth, names: &Names, whose: &str) -> Vec<Row> {
    let (mut hits, mut inside, mut right, mut candidates) = (0, 0, 0, 0);
    for site in &truth.sites {
        let found = names.get(tree.word(site.place));
        let n_right = found.map_or(0, |found| n_right(tree, truth, site, found));
        candidates += found.map_or(0, HashSet::len);
        right += n_right;
        if truth.is_inside(&site.meanings) {
            inside += 1;
            hits += usize::from(n_right > 0);
        }
    }
    let precision = Row::share(format!("name matching over {whose}: precision"), right, candidates);
    let recall = Row::share(format!("name matching over {whose}: recall"), hits, inside);
    precision.into_iter().chain(recall).collect()
}

fn n_right(tree: &Tree, truth: &Truth, site: &Site, found: &HashSet<(u32, usize)>) -> usize {
    let homes: HashSet<(u32, usize)> = truth.homes(&site.meanings).map(|home| (home.file, tree.line(home))).collect();
    homes.intersection(found).count()
}

/// One line of `ctags --output-format=json`.
#[derive(Deserialize)]
struct Tag {
    path: String,
    name: String,
    line: usize,
}

/// Definitions as ctags has them, in the order of its output.
pub fn ctags(path: &Path, tree: &Tree) -> anyhow::Result<Vec<Key>> {
    let text = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let tags = String::from_utf8_lossy(&text);
    let key = |line: &str| {
        let tag: Tag = serde_json::from_str(line).with_context(|| format!("`{line}` is no tag"))?;
        let file = tree.find(tag.path.trim_start_matches("./"));
        Ok(file.map(|file| (file, tag.line, tag.name.trim_start_matches(['#', '~']).to_owned())))
    };
    tags.lines().filter(|line| line.starts_with('{')).filter_map(|line| key(line).transpose()).collect()
}

/// Rows of the definitions of ctags. Code that the truth is silent about counts against it.
pub fn ctags_definitions(truth: &Truth, known: &Known, tags: &[Key]) -> Vec<Row> {
    let tags: HashSet<&Key> = tags.iter().filter(|tag| truth.files.contains(&tag.0)).collect();
    let class = |tag: &&&Key| known.classes.get(*tag);
    let right = tags.iter().filter(|tag| class(tag) == Some(&Class::Wanted)).count();
    let left_out = tags.iter().filter(|tag| matches!(class(tag), Some(Class::LeftOut(_)))).count();
    let precision = Row::share("ctags definitions: precision", right, tags.len() - left_out);
    let recall = Row::share("ctags definitions: recall", right, known.wanted.len());
    precision.into_iter().chain(recall).collect()
}

/// Names of keys.
pub fn by_name(keys: impl IntoIterator<Item = Key>) -> Names {
    let mut names = Names::new();
    for (file, line, name) in keys {
        names.entry(name).or_default().insert((file, line));
    }
    names
}
