//! Rows of cells under a line of titles, as lists are shown to people.

use std::io;

use kotadb_core::wire::search::printable;

use crate::screen::Screen;

/// Cells that are printed below each other.
pub struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// Titles alone.
    pub fn new(titles: [&str; N]) -> Self {
        Self { rows: vec![titles.map(str::to_owned)] }
    }

    /// Adds a row. What a cell holds beside text is shown, not obeyed.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| printable(&cell)));
    }

    /// Prints all rows, each column as wide as its widest cell.
    pub fn print(&self, screen: &mut Screen) -> io::Result<()> {
        let width = |nth: usize| self.rows.iter().map(|row| row[nth].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..N).map(width).collect();
        for (nth, row) in self.rows.iter().enumerate() {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            match (nth, screen.is_coloured()) {
                (0, true) => screen.painted(&format!("\x1b[1m{}\x1b[0m", line.trim_end()))?,
                _ => screen.painted(line.trim_end())?,
            }
        }
        Ok(())
    }
}
