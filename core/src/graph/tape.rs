//! What a builder must keep until the last file is known: bytes, compressed quickly piece by piece, read again from the
//! front as often as need be.

use super::error::GraphError;

/// Bytes of a piece before it is compressed.
const PIECE: usize = 1 << 20;
const LEVEL: i32 = 1;

/// Records of bytes.
#[derive(Debug, Default)]
pub(super) struct Tape {
    pieces: Vec<Vec<u8>>,
    open: Vec<u8>,
}

impl Tape {
    /// Appends a record.
    pub(super) fn push(&mut self, record: &[u8]) -> Result<(), GraphError> {
        self.open.extend_from_slice(&(record.len() as u32).to_le_bytes());
        self.open.extend_from_slice(record);
        if self.open.len() >= PIECE {
            self.pieces.push(zstd::bulk::compress(&self.open, LEVEL)?);
            self.open.clear();
        }
        Ok(())
    }

    /// Calls `each` with every record, in order.
    pub(super) fn read(&self, mut each: impl FnMut(&[u8]) -> Result<(), GraphError>) -> Result<(), GraphError> {
        for piece in &self.pieces {
            let size = zstd::zstd_safe::get_frame_content_size(piece).ok().flatten().unwrap_or(0);
            read_piece(&zstd::bulk::decompress(piece, size as usize)?, &mut each)?;
        }
        read_piece(&self.open, &mut each)
    }
}

fn read_piece(mut piece: &[u8], each: &mut impl FnMut(&[u8]) -> Result<(), GraphError>) -> Result<(), GraphError> {
    while let Some((len, rest)) = piece.split_first_chunk::<4>() {
        let (record, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        each(record)?;
        piece = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_each_time() {
        let records: Vec<Vec<u8>> = (0..40u8).map(|n| vec![n; usize::from(n) * 9_000]).collect();
        let mut tape = Tape::default();
        records.iter().for_each(|record| tape.push(record).unwrap());
        assert!(tape.pieces.len() > 3);
        for _ in 0..2 {
            let mut read = Vec::new();
            tape.read(|record| {
                read.push(record.to_vec());
                Ok(())
            })
            .unwrap();
            assert_eq!(read, records);
        }
    }
}
