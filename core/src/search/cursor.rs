//! Where the next page of an answer begins. A cursor pins what was searched: pages of one answer come from one version of
//! the index, or from none.
//!
//! HEAD is all that is kept of a root, so a cursor brings with it what it needs of the one that it was made for, where
//! that is short. Where it is not, the cursor lives until the next publish. What comes back is believed, so it is signed:
//! whoever could write a cursor could read what was deleted, or what another repository holds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::crypto::Signer;
use crate::id::TenantId;
use crate::segment::Class;

/// Where the next page of an answer begins. Its text is signed, opaque, and says nothing to clients; see
/// [`Searcher::cursor`](super::Searcher::cursor) for the way back.
#[derive(Clone, Debug)]
pub struct SearchCursor {
    /// Version of the root that was searched.
    pub(super) version: u64,
    /// When it was made, in seconds since 1970.
    pub(super) issued: u32,
    /// Fingerprint of what was asked.
    pub(super) question: u64,
    pub(super) place: Place,
    /// The searched part of the root, encoded; `None`: it was too long.
    pub(super) pinned: Option<Bytes>,
    pub(super) seal: Seal,
}

/// Who signs a cursor, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    pub(super) tenant: TenantId,
    pub(super) signer: Signer,
}

/// What the signer's key is for.
pub(super) const PURPOSE: &str = "search cursor";

/// A place in an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the batch.
    pub(super) batch: u32,
    /// Files of the batch that were given out.
    pub(super) files: u32,
    /// Lines given out of the file after them.
    pub(super) lines: u32,
    /// Files of the batch, where some of it was given out: how many are ranked together may depend on what was in memory,
    /// and the order of the rest must not.
    pub(super) ranked: u32,
    /// The last file before the batch; `None`: it is the first.
    pub(super) after: Option<Passed>,
    /// The last file that joined the first batch before its turn, because of its name.
    pub(super) named: Option<Passed>,
}

/// A file in static order, which no cache and no list of candidates has a say in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Passed {
    pub(super) class: Class,
    /// Number among the repositories that are searched.
    pub(super) nth_repository: u32,
    pub(super) path: Vec<u8>,
}

/// Why a page cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not made by us for this tenant, or damaged.
    #[error("`cursor` must be the `next_cursor` of an earlier answer")]
    Malformed,
    /// Made for another question.
    #[error("`cursor` belongs to another query: give it with the query that it came from")]
    Foreign,
    /// What it pinned is gone.
    #[error("the index has changed since the first page: ask again without `cursor`")]
    Changed,
}

/// First byte: the layout of what follows. Layout 1 was not signed, 2 did not say how many files were ranked, 3 knew no files
/// ahead of their turn, 4 none that define what is looked for.
const LAYOUT: u8 = 5;
/// In place of a class: there is no such file.
const NO_CLASS: u8 = u8::MAX;

impl fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.body();
        let signature = self.seal.signer.sign(self.seal.tenant.0.as_bytes(), &bytes);
        bytes.extend(signature);
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl SearchCursor {
    /// Reads a text that was made under the same seal.
    pub(super) fn open(text: &str, seal: Seal) -> Result<Self, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| CursorError::Malformed)?;
        let (body, signature) = bytes.split_last_chunk::<{ Signer::LEN }>().ok_or(CursorError::Malformed)?;
        if !seal.signer.verify(seal.tenant.0.as_bytes(), body, signature) {
            return Err(CursorError::Malformed);
        }
        decode(body, seal).ok_or(CursorError::Malformed)
    }

    fn body(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        bytes.extend(self.version.to_le_bytes());
        bytes.extend(self.issued.to_le_bytes());
        bytes.extend(self.question.to_le_bytes());
        let Place { batch, files, lines, ranked, after, named } = &self.place;
        [batch, files, lines, ranked].into_iter().for_each(|number| bytes.extend(number.to_le_bytes()));
        for file in [after, named] {
            match file {
                None => bytes.push(NO_CLASS),
                Some(Passed { class, nth_repository, path }) => {
                    bytes.push(*class as u8);
                    bytes.extend(nth_repository.to_le_bytes());
                    bytes.extend((path.len() as u32).to_le_bytes());
                    bytes.extend(path);
                }
            }
        }
        bytes.extend(self.pinned.as_deref().unwrap_or_default());
        bytes
    }
}

fn decode(body: &[u8], seal: Seal) -> Option<SearchCursor> {
    let mut rest = body.strip_prefix(&[LAYOUT])?;
    let version = u64::from_le_bytes(take(&mut rest)?);
    let issued = u32::from_le_bytes(take(&mut rest)?);
    let question = u64::from_le_bytes(take(&mut rest)?);
    let mut number = || Some(u32::from_le_bytes(take(&mut rest)?));
    let (batch, files, lines, ranked) = (number()?, number()?, number()?, number()?);
    let (after, named) = (passed(&mut rest)?, passed(&mut rest)?);
    let place = Place { batch, files, lines, ranked, after, named };
    let pinned = (!rest.is_empty()).then(|| Bytes::copy_from_slice(rest));
    Some(SearchCursor { version, issued, question, place, pinned, seal })
}

/// The outer `None`: it is cut short.
fn passed(rest: &mut &[u8]) -> Option<Option<Passed>> {
    let [class] = take(rest)?;
    if class == NO_CLASS {
        return Some(None);
    }
    let class = *Class::ALL.get(usize::from(class))?;
    let nth_repository = u32::from_le_bytes(take(rest)?);
    let len = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
    let (path, later) = rest.split_at_checked(len)?;
    *rest = later;
    Some(Some(Passed { class, nth_repository, path: path.to_vec() }))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, later) = rest.split_first_chunk::<N>()?;
    *rest = later;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn seal(tenant: u128) -> Seal {
        Seal { tenant: TenantId(Uuid::from_u128(tenant)), signer: Signer::new(PURPOSE, None) }
    }

    proptest! {
        #[test]
        fn a_cursor_survives_its_text_and_no_change(
            numbers: [u32; 6],
            version: u64,
            question: u64,
            pinned in prop::collection::vec(any::<u8>(), 0..80),
            files_of_it in prop::array::uniform2(prop::option::of((0usize..5, prop::collection::vec(any::<u8>(), 0..40)))),
        ) {
            let [issued, batch, nth_repository, files, lines, ranked] = numbers;
            let passed = |(class, path)| Passed { class: Class::ALL[class], nth_repository, path };
            let [after, named] = files_of_it.map(|file| file.map(passed));
            let pinned = (!pinned.is_empty()).then(|| Bytes::from(pinned));
            let place = Place { batch, files, lines, ranked, after, named };
            let cursor = SearchCursor { version, issued, question, place, pinned, seal: seal(1) };
            let text = cursor.to_string();
            let read = SearchCursor::open(&text, seal(1)).unwrap();
            prop_assert_eq!(read.body(), cursor.body());
            prop_assert_eq!((read.version, read.issued, read.question), (version, issued, question));
            prop_assert_eq!((read.place, read.pinned), (cursor.place, cursor.pinned));
            prop_assert_eq!(SearchCursor::open(&text, seal(2)).err(), Some(CursorError::Malformed), "another tenant");
            let mut damaged = text.into_bytes();
            let at = version as usize % damaged.len();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            let damaged = SearchCursor::open(&String::from_utf8(damaged).unwrap(), seal(1));
            prop_assert_eq!(damaged.err(), Some(CursorError::Malformed));
        }
    }

    #[test]
    fn foreign_text_is_no_cursor() {
        for text in ["", "2", "v1.Mg", "AAAA", "*", "AQEB", "é"] {
            assert_eq!(SearchCursor::open(text, seal(1)).err(), Some(CursorError::Malformed), "{text}");
        }
    }
}
