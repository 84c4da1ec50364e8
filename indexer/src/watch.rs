//! The caps of one call of `git`: time, bytes on disk and objects are watched from here, since a fetch has no settings for
//! them; the size of a file and of memory are limits of the process.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::error::IndexError;
use crate::git::Call;
use crate::limits;
use crate::scratch::bytes_below;

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_millis(200);

/// Most that one call may take.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes below its folder.
    pub bytes: u64,
    /// Objects that a pack states at its start.
    pub objects: u64,
    /// Bytes of address space of each process.
    pub memory: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { bytes: limits::MAX_FETCH_BYTES, objects: limits::MAX_FETCH_OBJECTS, memory: limits::MAX_FETCH_MEMORY }
    }
}

impl Caps {
    /// Ends only with a cap that was passed.
    pub async fn watch(&self, call: &Call<'_>) -> IndexError {
        let late = tokio::time::sleep(call.timeout);
        tokio::pin!(late);
        loop {
            tokio::select! {
                () = &mut late => return late_error(call),
                () = tokio::time::sleep(INTERVAL) => {}
            }
            if let Some(error) = self.passed(call.folder) {
                return error;
            }
        }
    }

    /// The cap that is passed in a folder.
    pub fn passed(&self, folder: &Path) -> Option<IndexError> {
        if stated_objects(folder) > self.objects {
            return Some(IndexError::TooLarge("a shallow fetch has more than 4,000,000 objects"));
        }
        (bytes_below(folder) > self.bytes).then_some(IndexError::TooLarge("a shallow fetch is more than 8 GiB"))
    }
}

fn late_error(call: &Call<'_>) -> IndexError {
    IndexError::Git {
        what: call.what,
        class: kotadb_core::db::jobs::ErrorClass::Transient,
        message: format!("no end after {} s", call.timeout.as_secs()),
    }
}

/// The most objects that a pack states, one under way too: they take memory as soon as they are announced.
fn stated_objects(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder.join("objects/pack")) else { return 0 };
    entries.flatten().filter_map(|file| stated(&file.path())).max().unwrap_or(0)
}

/// `PACK`, version, number of objects: four bytes each.
fn stated(pack: &Path) -> Option<u64> {
    let mut header = [0; 12];
    std::fs::File::open(pack).ok()?.read_exact(&mut header).ok()?;
    let [.., a, b, c, d] = header;
    header.starts_with(b"PACK").then(|| u32::from_be_bytes([a, b, c, d]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_are_seen_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let packs = folder.path().join("objects/pack");
        std::fs::create_dir_all(&packs).unwrap();
        std::fs::write(packs.join("tmp_pack_abc"), b"PACK\0\0\0\x02\0\x98\x96\x80").unwrap();
        let caps = |bytes, objects| Caps { bytes, objects, memory: 0 };
        assert!(caps(12, 10_000_000).passed(folder.path()).is_none());
        let many = caps(12, 9_999_999).passed(folder.path()).unwrap();
        assert!(many.to_string().contains("objects"), "{many}");
        let large = caps(11, 10_000_000).passed(folder.path()).unwrap();
        assert!(large.to_string().contains("GiB"), "{large}");
    }
}
