//! Blocks of 128 numbers, bit-packed with exceptions: most at the width that suits most of them, the few wider ones
//! patched (PFOR: Zukowski and others, "Super-scalar RAM-CPU cache compression", 2006; the packing is `simdcomp`'s).

use bitpacking::{BitPacker, BitPacker4x};

use super::Cursor;
use super::error::SegmentError;
use crate::cursor::{put_varint, varint_len};

/// Numbers in a block.
pub(super) const BLOCK: usize = BitPacker4x::BLOCK_LEN;

/// Appends a block: width, number of exceptions, packed low bits, then position and high bits of each exception.
pub(super) fn encode(values: &[u32; BLOCK], out: &mut Vec<u8>) {
    let width = best_width(values);
    let wide = |value: u32| width < 32 && value >> width != 0;
    let n_exceptions = values.iter().filter(|&&value| wide(value)).count();
    out.extend([width, n_exceptions as u8]);
    if width > 0 {
        let low = values.map(|value| value & low_mask(width));
        let start = out.len();
        out.resize(start + packed_len(width), 0);
        BitPacker4x::new().compress(&low, &mut out[start..], width);
    }
    for (position, &value) in values.iter().enumerate().filter(|&(_, &value)| wide(value)) {
        out.push(position as u8);
        put_varint(out, value >> width);
    }
}

/// Reads a block.
pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<[u32; BLOCK], SegmentError> {
    let (width, n_exceptions) = (cursor.u8()?, cursor.u8()?);
    if width > 32 || usize::from(n_exceptions) > BLOCK {
        return Err(cursor.error("has a block of impossible width"));
    }
    let mut values = [0; BLOCK];
    if width > 0 {
        BitPacker4x::new().decompress(cursor.take(packed_len(width))?, &mut values, width);
    }
    for _ in 0..n_exceptions {
        let position = usize::from(cursor.u8()?);
        let high = u64::from(cursor.varint()?) << width;
        match (values.get_mut(position), u32::try_from(high)) {
            (Some(value), Ok(high)) => *value |= high,
            _ => return Err(cursor.error("has an impossible exception")),
        }
    }
    Ok(values)
}

/// The width that makes the block smallest; of equals the widest, which has the fewest exceptions.
fn best_width(values: &[u32; BLOCK]) -> u8 {
    let mut of_width = [0usize; 33];
    for value in values {
        of_width[(32 - value.leading_zeros()) as usize] += 1;
    }
    let widest = of_width.iter().rposition(|&n| n > 0).unwrap_or(0);
    let cost = |width: usize| {
        let exceptions = (width + 1..=widest).map(|w| of_width[w] * (1 + varint_len(low_mask((w - width) as u8))));
        packed_len(width as u8) + exceptions.sum::<usize>()
    };
    (0..=widest).rev().min_by_key(|&width| cost(width)).unwrap_or(0) as u8
}

fn packed_len(width: u8) -> usize {
    BLOCK / 8 * usize::from(width)
}

fn low_mask(width: u8) -> u32 {
    u32::MAX.checked_shr(32 - u32::from(width)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round_trip(values: [u32; BLOCK]) -> usize {
        let mut bytes = Vec::new();
        encode(&values, &mut bytes);
        let mut cursor = Cursor::new("test", &bytes);
        assert_eq!(decode(&mut cursor).unwrap(), values);
        cursor.finish().unwrap();
        bytes.len()
    }

    #[test]
    fn equal_and_extreme_values_round_trip_small() {
        assert_eq!(round_trip([0; BLOCK]), 2);
        assert_eq!(round_trip([u32::MAX; BLOCK]), 2 + 4 * BLOCK);
        let mut one_wide = [1; BLOCK];
        one_wide[127] = u32::MAX;
        assert_eq!(round_trip(one_wide), 2 + 16 + 6);
    }

    #[test]
    fn the_packing_is_that_of_the_format() {
        let mut bytes = Vec::new();
        let values: [u32; BLOCK] = std::array::from_fn(|i| i as u32 % 8);
        encode(&values, &mut bytes);
        assert_eq!(bytes.len(), 2 + 3 * 16);
        for (i, value) in values.into_iter().enumerate() {
            let (lane, bit) = (i % 4, i / 4 * 3);
            let word =
                |n: usize| u64::from(u32::from_le_bytes(bytes[2 + (4 * n + lane) * 4..][..4].try_into().unwrap()));
            let pair = word(bit / 32) | if bit / 32 < 2 { word(bit / 32 + 1) << 32 } else { 0 };
            assert_eq!(pair >> (bit % 32) & 7, u64::from(value), "number {i}");
        }
    }

    proptest! {
        #[test]
        fn any_block_round_trips(shifts in prop::collection::vec(0u32..32, BLOCK), seed: u32) {
            let value = |i: usize| seed.wrapping_mul(2_654_435_761).wrapping_add(i as u32 * 97) >> shifts[i];
            round_trip(std::array::from_fn(value));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode(&mut Cursor::new("test", &bytes));
        }
    }
}
