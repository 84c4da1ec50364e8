//! Numbers of any size and columns of them, read with every length checked and written to growing buffers; blocks of
//! them, compressed and under a checksum.
//!
//! A number is unsigned LEB128: seven bits a byte, least significant first, the high bit set on all but the last. A signed
//! one is folded first: 0, −1, 1, −2, …

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::error::{GraphError, corrupt};

/// Blocks are written once and read often; nine is where they stop getting smaller quickly.
const LEVEL: i32 = 9;
/// Longest block before compression: bounds what a reader allocates.
const MAX_RAW: u64 = 1 << 28;
const CRC_LEN: usize = 4;

/// Appends a number.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number.
#[inline]
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends bytes behind their length.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads bytes from front to back.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
    part: &'static str,
}

impl<'a> Cursor<'a> {
    /// Starts at the front of `bytes`; `part` names them in errors.
    pub(super) fn new(part: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, part }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not read yet.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], GraphError> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, GraphError> {
        let (&byte, rest) = self.rest.split_first().ok_or_else(|| self.error("ends too early"))?;
        self.rest = rest;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], GraphError> {
        let bytes = self.take(N)?;
        bytes.try_into().map_err(|_| self.error("ends too early"))
    }

    /// The next number.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, GraphError> {
        let mut value = 0u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error("has a number beyond 63 bits"))
    }

    /// The next number, of 32 bits at most.
    #[inline]
    pub(super) fn small(&mut self) -> Result<u32, GraphError> {
        let number = self.number()?;
        u32::try_from(number).map_err(|_| self.error("has a number beyond 32 bits"))
    }

    /// The next signed number.
    #[inline]
    pub(super) fn signed(&mut self) -> Result<i64, GraphError> {
        let folded = self.number()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// `from` moved by the next signed number.
    #[inline]
    pub(super) fn moved(&mut self, from: u32) -> Result<u32, GraphError> {
        let value = i64::from(from).checked_add(self.signed()?).and_then(|value| u32::try_from(value).ok());
        value.ok_or_else(|| self.error("has a number out of reach"))
    }

    /// `from` plus the next number.
    #[inline]
    pub(super) fn beyond(&mut self, from: u32) -> Result<u32, GraphError> {
        let step = self.small()?;
        from.checked_add(step).ok_or_else(|| self.error("has a number out of reach"))
    }

    /// A number of things that take a byte each at least.
    pub(super) fn count(&mut self) -> Result<usize, GraphError> {
        let count = self.number()?;
        let fits = usize::try_from(count).ok().filter(|&count| count <= self.rest.len());
        fits.ok_or_else(|| self.error("counts more than it holds"))
    }

    /// Bytes behind their length.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], GraphError> {
        let len = self.count()?;
        self.take(len)
    }

    /// A column: what was written as one by [`put_bytes`].
    pub(super) fn column(&mut self) -> Result<Self, GraphError> {
        Ok(Self { rest: self.bytes()?, part: self.part })
    }

    pub(super) fn finish(self) -> Result<(), GraphError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error("has bytes left over")) }
    }

    #[cold]
    pub(super) fn error(&self, what: &str) -> GraphError {
        corrupt(self.part, what)
    }
}

thread_local! {
    /// Making a context costs more than a small block.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A block: checksum of what follows, one zstd frame that tells its length.
pub(super) fn pack(raw: &[u8]) -> Result<Vec<u8>, GraphError> {
    if raw.len() as u64 > MAX_RAW {
        return Err(GraphError::Build("a block is too large".into()));
    }
    let packed = COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::new(LEVEL)?),
        };
        compressor.compress(raw)
    })?;
    let mut block = Vec::with_capacity(CRC_LEN + packed.len());
    block.extend(crc32c::crc32c(&packed).to_le_bytes());
    block.extend(packed);
    Ok(block)
}

/// The reverse of [`pack`].
pub(super) fn unpack(part: &'static str, block: &[u8]) -> Result<Vec<u8>, GraphError> {
    let (crc, packed) = block.split_first_chunk::<CRC_LEN>().ok_or_else(|| corrupt(part, "too short"))?;
    if crc32c::crc32c(packed) != u32::from_le_bytes(*crc) {
        return Err(corrupt(part, "checksum"));
    }
    let len = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten().filter(|&len| len <= MAX_RAW);
    let len = len.ok_or_else(|| corrupt(part, "length of a block"))?;
    let raw = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(packed, len as usize)
    });
    raw.ok().filter(|raw| raw.len() as u64 == len).ok_or_else(|| corrupt(part, "a block cannot be unpacked"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_round_trip(values: Vec<(u32, i64)>) {
            let mut bytes = Vec::new();
            for (value, signed) in &values {
                put(&mut bytes, (*value).into());
                put_signed(&mut bytes, signed >> 2);
            }
            let packed = pack(&bytes).unwrap();
            let bytes = unpack("test", &packed).unwrap();
            let mut cursor = Cursor::new("test", &bytes);
            for (value, signed) in values {
                prop_assert_eq!(cursor.small().unwrap(), value);
                prop_assert_eq!(cursor.signed().unwrap(), signed >> 2);
            }
            cursor.finish().unwrap();
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut cursor = Cursor::new("test", &bytes);
            while cursor.number().is_ok() && cursor.bytes().is_ok() && cursor.moved(7).is_ok() {}
            prop_assert!(unpack("test", &bytes).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_in_a_block_is_noticed() {
        let block = pack(&[3; 500]).unwrap();
        for at in 0..block.len() {
            let mut flipped = block.clone();
            flipped[at] ^= 1;
            assert!(unpack("test", &flipped).is_err(), "{at}");
        }
    }
}
