//! Content frames: one document's text, compressed by itself so that one range read gives it.
//!
//! A frame is the CRC-32C of what follows, then one zstd frame (RFC 8878) without dictionary.

use std::cell::RefCell;
use std::io::Cursor;

use zstd::bulk::{Compressor, Decompressor};

use super::MAX_TEXT_LEN;
use super::error::{SegmentError, corrupt};

/// Of fresh segments; any level can be read. The measurements behind it are in ARCHITECTURE.md.
pub(super) const LEVEL: i32 = 8;

const CRC_LEN: usize = 4;

thread_local! {
    /// Making a decompression context costs as much as decoding a small frame with it.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses `text` into a frame.
pub(super) fn encode(text: &[u8], compressor: &mut Compressor<'_>) -> Result<Vec<u8>, SegmentError> {
    let mut frame = Vec::new();
    encode_into(text, compressor, &mut frame)?;
    Ok(frame)
}

/// [`encode`] into memory that is used again; what `frame` held is dropped.
pub(super) fn encode_into(
    text: &[u8],
    compressor: &mut Compressor<'_>,
    frame: &mut Vec<u8>,
) -> Result<(), SegmentError> {
    frame.clear();
    frame.reserve(CRC_LEN + zstd::zstd_safe::compress_bound(text.len()));
    frame.extend_from_slice(&[0; CRC_LEN]);
    let mut out = Cursor::new(&mut *frame);
    out.set_position(CRC_LEN as u64);
    compressor.compress_to_buffer(text, &mut out)?;
    let crc = crc32c::crc32c(&frame[CRC_LEN..]);
    frame[..CRC_LEN].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Checks and decompresses a frame whose text is `text_len` bytes long.
pub(super) fn decode(frame: &[u8], text_len: u32) -> Result<Vec<u8>, SegmentError> {
    let (crc, compressed) =
        frame.split_first_chunk::<CRC_LEN>().ok_or_else(|| corrupt("content", "frame too short"))?;
    if crc32c::crc32c(compressed) != u32::from_le_bytes(*crc) || text_len > MAX_TEXT_LEN {
        return Err(corrupt("content", "checksum of a frame"));
    }
    let text = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(compressed, text_len as usize)
    });
    let text = text.map_err(|error| corrupt("content", error))?;
    if text.len() == text_len as usize { Ok(text) } else { Err(corrupt("content", "length of a text")) }
}
