//! Blocks of numbers and columns, compressed and under a checksum. How numbers are written is told in [`crate::cursor`].

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

use super::error::{GraphError, corrupt};
use crate::cursor;
pub(super) use crate::cursor::{put_bytes, put_signed, put_varint};

/// Blocks are written once and read often; nine is where they stop getting smaller quickly.
const LEVEL: i32 = 9;
/// Longest block before compression: bounds what a reader allocates.
const MAX_RAW: u64 = 1 << 28;
const CRC_LEN: usize = 4;

/// Reads a part of a graph.
pub(super) type Cursor<'a> = cursor::Cursor<'a, GraphError>;

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
        fn any_bytes_are_unpacked_or_refused(bytes: Vec<u8>) {
            prop_assert_eq!(unpack("test", &pack(&bytes).unwrap()).unwrap(), bytes.clone());
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
