//! The rule files that are in force at one point of a walk: those of the folder and of all folders above it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use kotadb_core::segment::Class;

use crate::attributes::{AttributeRules, Attributes, Decision, Macros};
use crate::classify::classify;
use crate::ignore_rules::{self, IgnoreRules};

/// Names of the files that hold rules.
pub const FILE_NAMES: [&str; 2] = [".gitattributes", ignore_rules::FILE_NAME];

/// A stack of rule files, one layer a folder that has any.
#[derive(Debug, Default)]
pub struct Rules {
    layers: Vec<Layer>,
    /// Of the root's file.
    macros: Macros,
}

#[derive(Debug)]
struct Layer {
    /// Length of the folder's path with its slash: what is cut off before patterns are asked.
    prefix: usize,
    attributes: Option<AttributeRules>,
    ignore: Option<IgnoreRules>,
}

impl Rules {
    /// Enters a folder whose path, with its slash, is `prefix` bytes long; `texts` are its files in the order of
    /// [`FILE_NAMES`].
    pub fn enter(&mut self, prefix: usize, texts: [Option<Vec<u8>>; 2]) {
        let [attributes, ignore] = texts;
        if prefix == 0 {
            self.macros = attributes.as_deref().map(Macros::parse).unwrap_or_default();
        }
        let rules = |text: Vec<u8>| AttributeRules::parse(&text, &self.macros);
        self.layers.push(Layer {
            prefix,
            attributes: attributes.map(rules).filter(|rules| !rules.is_empty()),
            ignore: ignore.map(|text| IgnoreRules::parse(&text)),
        });
    }

    /// Leaves the folder entered last.
    pub fn leave(&mut self) {
        self.layers.pop();
    }

    /// Whether `.kotadbignore` leaves `path` out, itself (folders above it were asked on the way).
    pub fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let ask = |layer: &Layer| {
            layer.ignore.as_ref()?.decide(Path::new(OsStr::from_bytes(&path[layer.prefix..])), is_folder)
        };
        self.layers.iter().rev().find_map(ask).unwrap_or(false)
    }

    /// The class of `path`.
    pub fn class(&self, path: &[u8]) -> Class {
        classify(path, self.attributes(path))
    }

    /// What attributes say of `path`.
    pub fn attributes(&self, path: &[u8]) -> Attributes {
        let mut decision = Decision::new(&self.macros);
        for layer in self.layers.iter().rev() {
            if let Some(rules) = &layer.attributes {
                rules.apply(&path[layer.prefix..], &mut decision);
            }
        }
        decision.attributes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeper_files_override() {
        let mut rules = Rules::default();
        rules.enter(0, [Some(b"*.c linguist-generated".to_vec()), Some(b"*.log".to_vec())]);
        rules.enter(2, [Some(b"/a.c -linguist-generated".to_vec()), Some(b"!/keep.log".to_vec())]);
        assert_eq!(rules.class(b"x/a.c"), Class::Source);
        assert_eq!(rules.class(b"x/y/a.c"), Class::Generated);
        assert!(!rules.ignores(b"x/keep.log", false));
        assert!(rules.ignores(b"x/other.log", false));
        rules.leave();
        assert!(rules.ignores(b"x/keep.log", false));
    }
}
