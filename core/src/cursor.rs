//! Floor 0, pure: bytes read from front to back with every length checked, and numbers written as they are read. What the
//! bytes mean is the business of the formats on the floors above, whose errors it gives.
//!
//! A *varint* is unsigned LEB128: seven bits a byte, least significant first, the high bit set on all but the last. A signed
//! number is folded first: 0, −1, 1, −2, …

use std::fmt;
use std::marker::PhantomData;

/// The error of a format, for bytes that are not what it says.
pub trait Damage {
    /// `part` of the format, and what is wrong with it.
    fn found(part: &'static str, what: &'static str) -> Self;
}

/// Reads bytes from front to back.
pub struct Cursor<'a, E> {
    rest: &'a [u8],
    part: &'static str,
    error: PhantomData<fn() -> E>,
}

impl<E> Clone for Cursor<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Cursor<'_, E> {}

impl<E> fmt::Debug for Cursor<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor").field("part", &self.part).field("remaining", &self.rest.len()).finish()
    }
}

impl<'a, E: Damage> Cursor<'a, E> {
    /// Starts at the front of `bytes`; `part` names them in errors.
    pub fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, part, error: PhantomData }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], E> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next bytes, as many as the caller's type has.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], E> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.error("ends too early"))
    }

    /// The next byte.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, E> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(byte)
    }

    /// The next two bytes, little endian.
    pub fn u16(&mut self) -> Result<u16, E> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next four bytes, little endian.
    pub fn u32(&mut self) -> Result<u32, E> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next eight bytes, little endian.
    pub fn u64(&mut self) -> Result<u64, E> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next varint, of 32 bits at most.
    #[inline]
    pub fn varint(&mut self) -> Result<u32, E> {
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

    /// The next varint, of 63 bits at most.
    #[inline]
    pub fn long_varint(&mut self) -> Result<u64, E> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("has a number beyond 63 bits"))
    }

    /// The next signed number.
    #[inline]
    pub fn signed(&mut self) -> Result<i64, E> {
        let folded = self.long_varint()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// `from` moved by the next signed number.
    #[inline]
    pub fn moved(&mut self, from: u32) -> Result<u32, E> {
        let value = i64::from(from).checked_add(self.signed()?).and_then(|value| u32::try_from(value).ok());
        value.ok_or_else(|| self.error("has a number out of reach"))
    }

    /// `from` plus the next number.
    #[inline]
    pub fn beyond(&mut self, from: u32) -> Result<u32, E> {
        let step = self.varint()?;
        from.checked_add(step).ok_or_else(|| self.error("has a number out of reach"))
    }

    /// A number of things that take a byte each at least.
    pub fn count(&mut self) -> Result<usize, E> {
        let count = self.long_varint()?;
        let fits = usize::try_from(count).ok().filter(|&count| count <= self.rest.len());
        fits.ok_or_else(|| self.error("counts more than it holds"))
    }

    /// What [`put_bytes`] wrote.
    pub fn bytes(&mut self) -> Result<&'a [u8], E> {
        let len = self.count()?;
        self.take(len)
    }

    /// The same, to be read on.
    pub fn column(&mut self) -> Result<Self, E> {
        Ok(Self { rest: self.bytes()?, ..*self })
    }

    /// Several that follow each other.
    pub fn columns<const N: usize>(&mut self) -> Result<[Self; N], E> {
        let mut columns = [*self; N];
        for column in &mut columns {
            *column = self.column()?;
        }
        Ok(columns)
    }

    /// Fails unless everything was read.
    pub fn finish(self) -> Result<(), E> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error("has bytes left over")) }
    }

    /// The error that names this part.
    #[cold]
    pub fn error(&self, what: &'static str) -> E {
        E::found(self.part, what)
    }
}

/// Appends a varint.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, value: impl Into<u64>) {
    let mut value = value.into();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number.
#[inline]
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends how far `to` is behind `from`, or before it: what [`Cursor::moved`] reads.
#[inline]
pub fn put_moved(out: &mut Vec<u8>, from: u32, to: u32) {
    put_signed(out, i64::from(to) - i64::from(from));
}

/// Appends bytes behind their length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Bytes of a varint.
#[inline]
pub fn varint_len(value: u32) -> usize {
    (38 - (value | 1).leading_zeros() as usize) / 7
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Found(&'static str, &'static str);

    impl Damage for Found {
        fn found(part: &'static str, what: &'static str) -> Self {
            Self(part, what)
        }
    }

    fn cursor(bytes: &[u8]) -> Cursor<'_, Found> {
        Cursor::new("test", bytes)
    }

    #[test]
    fn varints_round_trip_and_know_their_length() {
        for value in (0..32).flat_map(|bit| [(1_u32 << bit) - 1, 1 << bit, u32::MAX >> bit]) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(bytes.len(), varint_len(value), "{value}");
            let mut cursor = cursor(&bytes);
            assert_eq!(cursor.varint().unwrap(), value);
            cursor.finish().unwrap();
        }
    }

    #[test]
    fn reading_past_the_end_or_beyond_32_bits_is_an_error() {
        for bytes in [&[0x80][..], &[0xFF; 5], &[0xFF, 0xFF, 0xFF, 0xFF, 0x10], &[]] {
            assert!(cursor(bytes).varint().is_err(), "{bytes:x?}");
        }
        assert_eq!(cursor(&[1, 2, 3]).u32(), Err(Found("test", "ends too early")));
        assert!(cursor(&[1]).finish().is_err());
        assert!(cursor(&[9, 1]).bytes().is_err());
    }

    proptest! {
        #[test]
        fn numbers_round_trip(values: Vec<(u32, u32, i64)>) {
            let mut bytes = Vec::new();
            for (from, to, signed) in &values {
                put_varint(&mut bytes, *to);
                put_moved(&mut bytes, *from, *to);
                put_signed(&mut bytes, signed >> 2);
            }
            let mut cursor = cursor(&bytes);
            for (from, to, signed) in values {
                prop_assert_eq!(cursor.varint(), Ok(to));
                prop_assert_eq!(cursor.moved(from), Ok(to));
                prop_assert_eq!(cursor.signed(), Ok(signed >> 2));
            }
            cursor.finish().unwrap();
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut cursor = cursor(&bytes);
            while cursor.long_varint().is_ok() && cursor.bytes().is_ok() && cursor.moved(7).is_ok() {}
        }
    }
}
