//! A file of entries that were kept together. Written once under a name that tells when; whatever is wrong with it makes it
//! a miss.
//!
//! ```text
//! magic 8 | entries u32 | length of the table u32 | checksum of the table u32 | table | bytes of the entries
//! a row of the table: start u64 | end u64 | length u32 | checksum u32 | length of the name u16 | name of the object
//! ```
//! Little endian; checksums are CRC-32C. An object that is kept whole has the range `0..u64::MAX`.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::index::{Found, Place};

const MAGIC: &[u8; 8] = b"KotaPAK1";
const HEAD: usize = 8 + 3 * 4;
/// A table that says it is longer is none.
const LONGEST_TABLE: u32 = 64 << 20;

/// What is to be kept.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) object: String,
    pub(super) range: Range<u64>,
    pub(super) bytes: Bytes,
}

/// The bytes of a pack.
pub(super) fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut table = Vec::new();
    for Entry { object, range, bytes } in entries {
        table.extend(range.start.to_le_bytes());
        table.extend(range.end.to_le_bytes());
        table.extend((bytes.len() as u32).to_le_bytes());
        table.extend(crc32c::crc32c(bytes).to_le_bytes());
        table.extend((object.len() as u16).to_le_bytes());
        table.extend(object.as_bytes());
    }
    let mut pack = MAGIC.to_vec();
    for number in [entries.len() as u32, table.len() as u32, crc32c::crc32c(&table)] {
        pack.extend(number.to_le_bytes());
    }
    pack.extend(table);
    entries.iter().for_each(|entry| pack.extend_from_slice(&entry.bytes));
    pack
}

/// What a pack holds, by its table; `None`: it is not whole.
pub(super) fn open(path: &Path, written: u64) -> io::Result<Option<Vec<Found>>> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    let mut head = [0; HEAD];
    if len < HEAD as u64 {
        return Ok(None);
    }
    file.read_exact(&mut head)?;
    let mut numbers = head[8..].as_chunks::<4>().0.iter().map(|number| u32::from_le_bytes(*number));
    let mut number = || numbers.next().unwrap_or_default();
    let (entries, table_len, checksum) = (number(), number(), number());
    if &head[..8] != MAGIC || table_len > LONGEST_TABLE || HEAD as u64 + u64::from(table_len) > len {
        return Ok(None);
    }
    let mut table = vec![0; table_len as usize];
    file.read_exact(&mut table)?;
    if crc32c::crc32c(&table) != checksum {
        return Ok(None);
    }
    let pack: Arc<Path> = path.into();
    let first = (HEAD + table.len()) as u64;
    Ok(rows(&table, entries, |len, checksum, at| Place {
        pack: Arc::clone(&pack),
        at: first + at,
        len,
        checksum,
        written,
    }))
}

fn rows(table: &[u8], entries: u32, place: impl Fn(u32, u32, u64) -> Place) -> Option<Vec<Found>> {
    let (mut rest, mut at, mut found) = (table, 0, Vec::new());
    for _ in 0..entries {
        let start = u64::from_le_bytes(*take(&mut rest)?);
        let end = u64::from_le_bytes(*take(&mut rest)?);
        let len = u32::from_le_bytes(*take(&mut rest)?);
        let checksum = u32::from_le_bytes(*take(&mut rest)?);
        let name_len = usize::from(u16::from_le_bytes(*take(&mut rest)?));
        let (name, later) = rest.split_at_checked(name_len)?;
        rest = later;
        let object = String::from_utf8(name.to_vec()).ok()?;
        found.push(Found { object, range: start..end, place: place(len, checksum, at) });
        at += u64::from(len);
    }
    Some(found)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, later) = rest.split_first_chunk()?;
    *rest = later;
    Some(taken)
}
