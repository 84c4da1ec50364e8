//! Names of symbols as a list tells them, apart from the facts of their files.

/// Names, each with the symbols that have it.
#[derive(Debug, Default)]
pub struct NamedSymbols {
    texts: String,
    /// Of each name, where it ends in `texts`, and where its symbols end.
    ends: Vec<(usize, usize)>,
    /// Numbers of a file and of a symbol there.
    symbols: Vec<(u32, u32)>,
}

impl NamedSymbols {
    /// Adds a symbol of a file; those of one name follow each other.
    pub fn add(&mut self, name: &str, file: u32, symbol: u32) {
        if self.ends.is_empty() || self.text(self.ends.len() - 1) != name {
            self.texts.push_str(name);
            self.ends.push((self.texts.len(), self.symbols.len()));
        }
        self.symbols.push((file, symbol));
        if let Some(last) = self.ends.last_mut() {
            last.1 = self.symbols.len();
        }
    }

    /// Each name with its symbols: file and number there. So many at a time.
    pub fn in_rows(&self, most: usize) -> impl Iterator<Item = impl Iterator<Item = (&str, &[(u32, u32)])> + Clone> {
        let n_names = self.ends.len();
        (0..n_names).step_by(most).map(move |first| (first..n_names.min(first + most)).map(|nth| self.one(nth)))
    }

    fn one(&self, nth: usize) -> (&str, &[(u32, u32)]) {
        let begin = nth.checked_sub(1).map_or(0, |before| self.ends[before].1);
        (self.text(nth), &self.symbols[begin..self.ends[nth].1])
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
        let found: Vec<Vec<_>> = named.in_rows(2).map(Iterator::collect).collect();
        assert_eq!(found, [vec![("a", &[(1, 2), (3, 4)][..]), ("ab", &[(5, 6)])], vec![("", &[(7, 8)])]]);
        assert_eq!(NamedSymbols::default().in_rows(2).count(), 0);
    }
}
