//! Where goes what memory has no room for: sorted runs of postings and names, and facts until the content ends. Files are the caller's business.

use std::fmt;
use std::io;

/// Written front to back, then read by range.
pub trait Spill: fmt::Debug + Send + Sync {
    /// Appends bytes.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Reads what was appended at `offset`, as many bytes as `bytes` is long.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// A place for each.
#[derive(Debug)]
pub struct Spills {
    /// Of postings.
    pub postings: Box<dyn Spill>,
    /// Of facts.
    pub facts: Box<dyn Spill>,
    /// Of names.
    pub names: Box<dyn Spill>,
}

impl Spills {
    /// All in memory.
    pub fn in_memory() -> Self {
        let place = || Box::<Vec<u8>>::default();
        Self { postings: place(), facts: place(), names: place() }
    }
}

/// In memory, for small segments and tests.
impl Spill for Vec<u8> {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.get(start..start.checked_add(bytes.len())?));
        bytes.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
