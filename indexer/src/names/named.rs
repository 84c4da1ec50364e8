//! Names of symbols as a list tells them, apart from the facts of their files.

use super::words::hash;

/// Names, each with the symbols that have it.
#[derive(Debug, Default)]
pub struct NamedSymbols {
    texts: String,
    /// Of each name, where it ends in `texts`, and where its symbols end.
    ends: Vec<(usize, usize)>,
    /// The [`hash`] of each name.
    hashes: Vec<u64>,
    /// Numbers of a file and of a symbol there.
    symbols: Vec<(u32, u32)>,
    /// Whether it goes on where the list before ended, in the order of names; else names that it has may have come before.
    pub goes_on: bool,
}

impl NamedSymbols {
    /// Adds a symbol of a file; those of one name follow each other.
    pub fn add(&mut self, name: &str, file: u32, symbol: u32) {
        if self.ends.is_empty() || self.text(self.ends.len() - 1) != name {
            self.texts.push_str(name);
            self.hashes.push(hash(name.as_bytes()));
            self.ends.push((self.texts.len(), self.symbols.len()));
        }
        self.symbols.push((file, symbol));
        if let Some(last) = self.ends.last_mut() {
            last.1 = self.symbols.len();
        }
    }

    /// Each name, its hash, and its symbols: file and number there.
    pub fn each(&self) -> impl Iterator<Item = (&str, u64, &[(u32, u32)])> {
        (0..self.ends.len()).map(|nth| {
            let begin = nth.checked_sub(1).map_or(0, |before| self.ends[before].1);
            (self.text(nth), self.hashes[nth], &self.symbols[begin..self.ends[nth].1])
        })
    }

    fn text(&self, nth: usize) -> &str {
        let begin = nth.checked_sub(1).map_or(0, |before| self.ends[before].0);
        &self.texts[begin..self.ends[nth].0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_a_name_are_together() {
        let mut named = NamedSymbols::default();
        for (name, file, symbol) in [("a", 1, 2), ("a", 3, 4), ("ab", 5, 6), ("", 7, 8)] {
            named.add(name, file, symbol);
        }
        let found: Vec<_> = named.each().map(|(name, _, symbols)| (name, symbols)).collect();
        assert_eq!(found, [("a", &[(1, 2), (3, 4)][..]), ("ab", &[(5, 6)]), ("", &[(7, 8)])]);
        assert!(named.each().all(|(name, its_hash, _)| its_hash == hash(name.as_bytes())));
        assert_eq!(NamedSymbols::default().each().count(), 0);
    }
}
