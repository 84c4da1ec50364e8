//! Which files of a snapshot have a name, whatever its case: made once, when somebody first asks.

use crate::text;

/// Entries of a snapshot by the stem of their name.
#[derive(Clone, Debug, Default)]
pub(super) struct Stems(Box<[(u32, u32)]>);

impl Stems {
    /// Bytes of memory for each entry.
    pub(super) const BYTES: usize = size_of::<(u32, u32)>();

    /// Of paths in the order of their entries.
    pub(super) fn new<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut stems: Box<[(u32, u32)]> =
            (0..).zip(paths).map(|(entry, path)| (hash(text::stem(path)), entry)).collect();
        stems.sort_unstable();
        Self(stems)
    }

    /// The entries whose stem may be this one, ascending.
    pub(super) fn may_be(&self, stem: &[u8]) -> impl Iterator<Item = usize> + '_ {
        let hash = hash(stem);
        let first = self.0.partition_point(|(other, _)| *other < hash);
        self.0[first..].iter().take_while(move |(other, _)| *other == hash).map(|(_, entry)| *entry as usize)
    }
}

/// FNV-1a of the stem in lower case.
fn hash(stem: &[u8]) -> u32 {
    stem.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193))
}
