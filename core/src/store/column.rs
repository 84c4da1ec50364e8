//! A column of rows of one width: made in memory, or read from bytes that lie in a mapped file.

use bytes::Bytes;

/// Rows that can be asked for by number.
#[derive(Clone, Debug)]
pub(super) enum Column<T> {
    Made(Vec<T>),
    /// End to end, each in the layout of its [`Row`].
    Mapped(Bytes),
}

/// What a column holds, with its bytes.
pub(super) trait Row: Copy {
    /// Bytes of a row.
    const LEN: usize;

    /// Reads a row from just as many bytes.
    fn read(bytes: &[u8]) -> Self;

    /// Appends the bytes of a row.
    fn write(&self, out: &mut Vec<u8>);
}

impl<T: Row> Column<T> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Made(rows) => rows.len(),
            Self::Mapped(bytes) => bytes.len() / T::LEN,
        }
    }

    /// A row; panics like an index where there is no such row.
    pub(super) fn row(&self, nth: usize) -> T {
        match self {
            Self::Made(rows) => rows[nth],
            Self::Mapped(bytes) => T::read(&bytes[nth * T::LEN..][..T::LEN]),
        }
    }

    /// A row, if there is one of that number.
    pub(super) fn get(&self, nth: usize) -> Option<T> {
        (nth < self.len()).then(|| self.row(nth))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = T> + Clone {
        (0..self.len()).map(|nth| self.row(nth))
    }
}

impl<T: Row> Column<T> {
    /// Appends the bytes of all rows.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Made(rows) => rows.iter().for_each(|row| row.write(out)),
            Self::Mapped(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Takes a column of that many rows from the front of `rest`; `None`: it is too short.
    pub(super) fn take(rest: &mut Bytes, n_rows: usize) -> Option<Self> {
        let len = n_rows.checked_mul(T::LEN)?;
        (len <= rest.len()).then(|| Self::Mapped(rest.split_to(len)))
    }
}

impl<T: Row + PartialEq> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Row for u32 {
    const LEN: usize = 4;

    fn read(bytes: &[u8]) -> Self {
        Self::from_le_bytes(bytes.try_into().expect("a row has four bytes"))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.to_le_bytes());
    }
}

impl Row for (u32, u32) {
    const LEN: usize = 8;

    fn read(bytes: &[u8]) -> Self {
        (u32::read(&bytes[..4]), u32::read(&bytes[4..]))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}
