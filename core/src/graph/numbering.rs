//! Which symbols become nodes, and their numbers: those of a file follow its own node, in their order.

use super::error::GraphError;

/// A set of symbols of all files, with the number of each among them.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Of each file, the symbols of files before it; and of all.
    first_symbols: Vec<u32>,
    bits: Vec<u64>,
    /// Members before each word of `bits`.
    before: Vec<u32>,
}

impl Numbering {
    /// Appends a file.
    pub(super) fn push_file(&mut self, n_symbols: u32) -> Result<(), GraphError> {
        if self.first_symbols.is_empty() {
            self.first_symbols.push(0);
        }
        let end = self.n_symbols().checked_add(n_symbols);
        let end = end.ok_or_else(|| GraphError::Build("there are more than 2^32 symbols".into()))?;
        self.first_symbols.push(end);
        self.bits.resize((end as usize).div_ceil(64), 0);
        Ok(())
    }

    pub(super) fn n_files(&self) -> u32 {
        self.first_symbols.len().saturating_sub(1) as u32
    }

    /// Makes a symbol a node. An error: there is no such symbol.
    pub(super) fn mark(&mut self, file: u32, symbol: u32) -> Result<(), GraphError> {
        let symbol = self.symbol(file, symbol)?;
        self.bits[symbol as usize / 64] |= 1 << (symbol % 64);
        Ok(())
    }

    /// Makes numbers of marks: after the last mark, before the first number.
    pub(super) fn close(&mut self) {
        let mut before = 0;
        let sum = |word: &u64| {
            before += word.count_ones();
            before - word.count_ones()
        };
        self.before = self.bits.iter().map(sum).collect();
    }

    /// The node of a file.
    pub(super) fn file_node(&self, file: u32) -> u32 {
        self.members_before(self.first_symbols.get(file as usize).copied().unwrap_or(0)) + file
    }

    /// The node of a symbol that is marked.
    pub(super) fn node(&self, file: u32, symbol: u32) -> Result<u32, GraphError> {
        Ok(self.members_before(self.symbol(file, symbol)?) + file + 1)
    }

    pub(super) fn is_node(&self, file: u32, symbol: u32) -> bool {
        let symbol = self.symbol(file, symbol);
        symbol.is_ok_and(|symbol| self.bits[symbol as usize / 64] >> (symbol % 64) & 1 == 1)
    }

    /// The first node of every file, and the number of nodes.
    pub(super) fn first_nodes(&self) -> Vec<u32> {
        (0..=self.n_files()).map(|file| self.file_node(file)).collect()
    }

    fn n_symbols(&self) -> u32 {
        self.first_symbols.last().copied().unwrap_or(0)
    }

    fn symbol(&self, file: u32, symbol: u32) -> Result<u32, GraphError> {
        let at = |nth: usize| self.first_symbols.get(nth).copied();
        let range = at(file as usize).zip(at(file as usize + 1));
        let found = range.and_then(|(begin, end)| begin.checked_add(symbol).filter(|one| *one < end));
        found.ok_or_else(|| GraphError::Build(format!("there is no symbol {symbol} in file {file}")))
    }

    fn members_before(&self, symbol: u32) -> u32 {
        let word = symbol as usize / 64;
        let Some(bits) = self.bits.get(word) else {
            return self
                .before
                .last()
                .map_or(0, |before| before + self.bits.last().map_or(0, |bits| bits.count_ones()));
        };
        self.before[word] + (bits & ((1 << (symbol % 64)) - 1)).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_those_of_a_list(files in prop::collection::vec(prop::collection::vec(any::<bool>(), 0..200), 0..6)) {
            let mut numbering = Numbering::default();
            for symbols in &files {
                numbering.push_file(symbols.len() as u32).unwrap();
            }
            for (file, symbol, _) in marked(&files).filter(|(.., marked)| *marked) {
                numbering.mark(file, symbol).unwrap();
            }
            numbering.close();
            let mut next = 0;
            let mut firsts = Vec::new();
            for (file, symbols) in files.iter().enumerate() {
                let file = file as u32;
                firsts.push(next);
                prop_assert_eq!(numbering.file_node(file), next);
                next += 1;
                for (symbol, marked) in symbols.iter().enumerate() {
                    prop_assert_eq!(numbering.is_node(file, symbol as u32), *marked);
                    if *marked {
                        prop_assert_eq!(numbering.node(file, symbol as u32).unwrap(), next);
                        next += 1;
                    }
                }
                prop_assert!(numbering.mark(file, symbols.len() as u32).is_err());
            }
            firsts.push(next);
            if !files.is_empty() {
                prop_assert_eq!(numbering.first_nodes(), firsts);
            }
        }
    }

    fn marked(files: &[Vec<bool>]) -> impl Iterator<Item = (u32, u32, bool)> {
        let of_file = |(file, symbols): (usize, &'_ Vec<bool>)| {
            symbols.clone().into_iter().enumerate().map(move |(symbol, marked)| (file as u32, symbol as u32, marked))
        };
        files.iter().enumerate().flat_map(of_file)
    }
}
