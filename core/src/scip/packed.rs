//! Bytes that may be packed by gzip: told apart by how they begin, for no SCIP index begins as gzip does.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::ScipError;

/// How gzip begins. As a key of a field it would be of a kind that there is not.
const GZIP: [u8; 2] = [0x1F, 0x8B];

/// The index as it is, at most so many bytes.
pub fn unpack(packed: &[u8], most: u64) -> Result<Cow<'_, [u8]>, ScipError> {
    if !packed.starts_with(&GZIP) {
        return if packed.len() as u64 > most { Err(ScipError::TooLarge(most)) } else { Ok(Cow::Borrowed(packed)) };
    }
    let mut unpacked = Vec::new();
    Unpacking::new(packed, most).read_to_end(&mut unpacked).map_err(|error| reason(&error))?;
    Ok(Cow::Owned(unpacked))
}

/// Reads an index bit by bit, so that what unpacks to very much is found out in little memory.
pub(super) struct Unpacking<'a> {
    bytes: Box<dyn Read + 'a>,
    left: u64,
    most: u64,
}

impl<'a> Unpacking<'a> {
    pub(super) fn new(packed: &'a [u8], most: u64) -> Self {
        let bytes: Box<dyn Read + 'a> =
            if packed.starts_with(&GZIP) { Box::new(MultiGzDecoder::new(packed)) } else { Box::new(packed) };
        Self { bytes, left: most, most }
    }
}

impl Read for Unpacking<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.bytes.read(into).map_err(|_| io::Error::other(ScipError::Unpacking))?;
        let left = self.left.checked_sub(n as u64);
        self.left = left.ok_or_else(|| io::Error::other(ScipError::TooLarge(self.most)))?;
        Ok(n)
    }
}

/// Why reading ended.
pub(super) fn reason(error: &io::Error) -> ScipError {
    error.get_ref().and_then(|inner| inner.downcast_ref()).copied().unwrap_or(ScipError::Cut)
}
