//! Little-endian numbers and varints, read with every length checked and written to a growing buffer.
//!
//! A varint is unsigned LEB128: seven bits a byte, least significant first, the high bit set on all but the last.

use super::error::{SegmentError, corrupt};

/// Reads a section from front to back.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    section: &'static str,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of `bytes`; `section` names them in errors.
    pub(super) fn new(section: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, section }
    }

    /// Bytes not read yet.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `n` bytes.
    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], SegmentError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next byte.
    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, SegmentError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(byte)
    }

    /// The next two bytes.
    pub(super) fn u16(&mut self) -> Result<u16, SegmentError> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes.
    pub(super) fn u32(&mut self) -> Result<u32, SegmentError> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes.
    pub(super) fn u64(&mut self) -> Result<u64, SegmentError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next varint.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u32, SegmentError> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| self.error("has a number beyond 32 bits"));
            }
        }
        Err(self.error("has a number beyond 32 bits"))
    }

    /// Fails unless everything was read.
    pub(super) fn finish(self) -> Result<(), SegmentError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error("has bytes left over")) }
    }

    /// The error that names this section.
    #[cold]
    pub(super) fn error(&self, what: &str) -> SegmentError {
        corrupt(self.section, what)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SegmentError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.error("ends too early"))
    }
}

/// Appends a varint.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Bytes of a varint.
#[inline]
pub(super) fn varint_len(value: u32) -> usize {
    (38 - (value | 1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_round_trip_and_know_their_length() {
        for value in (0..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, u32::MAX >> bit]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_len(value), "{value}");
            let mut cursor = Cursor::new("test", &bytes);
            assert_eq!(cursor.varint().unwrap(), value);
            cursor.finish().unwrap();
        }
    }

    #[test]
    fn reading_past_the_end_or_beyond_32_bits_is_an_error() {
        for bytes in [&[0x80][..], &[0xFF; 5], &[0xFF, 0xFF, 0xFF, 0xFF, 0x10], &[]] {
            assert!(Cursor::new("test", bytes).varint().is_err(), "{bytes:x?}");
        }
        assert!(Cursor::new("test", &[1, 2, 3]).u32().is_err());
        assert!(Cursor::new("test", &[1]).finish().is_err());
    }
}
