//! Varints, differences and columns.

use super::FactsError;

/// Reads from front to back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Bytes not read yet.
    pub(super) fn remaining(&self) -> usize {
        self.0.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, FactsError> {
        let (&byte, rest) = self.0.split_first().ok_or(FactsError::Corrupt("they end too early"))?;
        self.0 = rest;
        Ok(byte)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], FactsError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(FactsError::Corrupt("they end too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// A varint.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u32, FactsError> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| FactsError::Corrupt("a number beyond 32 bits"));
            }
        }
        Err(FactsError::Corrupt("a number beyond 32 bits"))
    }

    /// `from` and the difference that comes next.
    #[inline]
    pub(super) fn after(&mut self, from: u32) -> Result<u32, FactsError> {
        let code = self.number()?;
        Ok(from.wrapping_add((code >> 1) ^ (code & 1).wrapping_neg()))
    }

    /// The columns that [`put_columns`] wrote.
    pub(super) fn columns<const N: usize>(&mut self) -> Result<[Self; N], FactsError> {
        let mut columns = [Self(&[]); N];
        for column in &mut columns {
            let len = self.number()? as usize;
            *column = Self(self.take(len)?);
        }
        Ok(columns)
    }

    /// Fails unless everything was read.
    pub(super) fn finish(self) -> Result<(), FactsError> {
        if self.0.is_empty() { Ok(()) } else { Err(FactsError::Corrupt("bytes are left over")) }
    }
}

/// Appends a varint.
pub(super) fn put(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends how far `to` is behind `from`, or before it.
pub(super) fn put_after(out: &mut Vec<u8>, from: u32, to: u32) {
    let difference = to.wrapping_sub(from).cast_signed();
    put(out, ((difference << 1) ^ (difference >> 31)).cast_unsigned());
}

/// Appends columns, each behind its length.
pub(super) fn put_columns(out: &mut Vec<u8>, columns: &[Vec<u8>]) {
    for column in columns {
        put(out, column.len() as u32);
        out.extend_from_slice(column);
    }
}
