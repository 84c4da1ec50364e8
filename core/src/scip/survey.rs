//! Looks an index through before it is kept: document by document, without keeping any, so that a hostile one costs no memory.

use std::io::{self, Read, copy, sink};

use super::documents::occurrence;
use super::packed::{Unpacking, reason};
use super::proto::fields;
use super::{MOST_DOCUMENT, ScipError};

/// Field of an index that holds a document.
const DOCUMENTS: u64 = 2;

/// How many documents an index has, plain or packed, of at most so many bytes unpacked; every field that is used later has been
/// read then.
pub fn survey(packed: &[u8], most: u64) -> Result<usize, ScipError> {
    let mut index = Unpacking::new(packed, most);
    let (mut n_documents, mut document) = (0, Vec::new());
    while let Some(key) = varint(&mut index)? {
        if key >> 3 == DOCUMENTS && key & 7 != 2 {
            return Err(ScipError::WrongKind);
        }
        let length = match key & 7 {
            0 => {
                varint(&mut index)?.ok_or(ScipError::Cut)?;
                continue;
            }
            1 => 8,
            2 => varint(&mut index)?.ok_or(ScipError::Cut)?,
            5 => 4,
            _ => return Err(ScipError::WrongKind),
        };
        if key >> 3 != DOCUMENTS {
            let skipped = copy(&mut index.by_ref().take(length), &mut sink()).map_err(|error| reason(&error))?;
            (skipped == length).then_some(()).ok_or(ScipError::Cut)?;
            continue;
        }
        if length > MOST_DOCUMENT {
            return Err(ScipError::LongDocument);
        }
        document.clear();
        index.by_ref().take(length).read_to_end(&mut document).map_err(|error| reason(&error))?;
        (document.len() as u64 == length).then_some(()).ok_or(ScipError::Cut)?;
        check(&document)?;
        n_documents += 1;
    }
    if n_documents == 0 { Err(ScipError::NoDocument) } else { Ok(n_documents) }
}

fn check(document: &[u8]) -> Result<(), ScipError> {
    fields(document, |number, value| match number {
        1 => value.text().map(drop),
        2 => occurrence(value).map(drop),
        6 => value.number().map(drop),
        _ => Ok(()),
    })
}

/// `None`: it ends before one.
fn varint(index: &mut impl Read) -> Result<Option<u64>, ScipError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        match index.read_exact(&mut byte) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && shift == 0 => return Ok(None),
            Err(error) => return Err(reason(&error)),
        }
        number |= u64::from(byte[0] & 0x7F) << shift;
        if byte[0] < 0x80 {
            return Ok(Some(number));
        }
    }
    Err(ScipError::WrongKind)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::scip::{documents, unpack};

    const MOST: u64 = 64 << 20;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut message = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            message.push(length as u8 | 0x80);
            length >>= 7;
        }
        message.push(length as u8);
        [message, bytes.to_vec()].concat()
    }

    fn index() -> Vec<u8> {
        let occurrence = [field(1, &[0, 0, 3]), field(2, b"scip m p 1 a."), vec![0x18, 1]].concat();
        let document = |path: &str| field(2, &[field(1, path.as_bytes()), field(2, &occurrence)].concat());
        [field(1, b"metadata"), document("a.py"), document("b.py"), field(3, b"external")].concat()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(bytes).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_is_taken_can_be_read() {
        for packed in [index(), gzip(&index())] {
            assert_eq!(survey(&packed, MOST), Ok(2));
            let (unpacked, mut paths) = (unpack(&packed, MOST).unwrap(), Vec::new());
            documents(&unpacked, |document| {
                paths.push(document.path.to_owned());
                Ok::<_, ScipError>(())
            })
            .unwrap();
            assert_eq!(paths, ["a.py", "b.py"]);
        }
    }

    #[test]
    fn what_is_no_index_is_refused() {
        let whole = index();
        // Up to what stands behind the last document.
        for end in 1..whole.len() - field(3, b"external").len() {
            assert!(!matches!(survey(&whole[..end], MOST), Ok(2)), "cut at {end}");
        }
        let packed = gzip(&whole);
        assert_eq!(survey(&packed[..packed.len() - 9], MOST), Err(ScipError::Unpacking));
        let refused: [(&[u8], _); 6] = [
            (b"", ScipError::NoDocument),
            (b"{\"documents\": []}", ScipError::WrongKind),
            (&field(2, &field(1, b"\xFF")), ScipError::NoText),
            (&[0x10, 1], ScipError::WrongKind),
            (&[0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], ScipError::LongDocument),
            (&[0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1], ScipError::Cut),
        ];
        for (index, expected) in refused {
            assert_eq!(survey(index, MOST), Err(expected), "{index:?}");
        }
    }

    /// A gibibyte of nothing is a megabyte when it is packed.
    #[test]
    fn what_unpacks_to_very_much_is_refused_early() {
        let bomb = gzip(&field(1, &vec![0; 32 << 20]));
        assert!(bomb.len() < 64 << 10);
        assert_eq!(survey(&bomb, 1 << 20), Err(ScipError::TooLarge(1 << 20)));
        assert_eq!(unpack(&bomb, 1 << 20), Err(ScipError::TooLarge(1 << 20)));
        assert_eq!(unpack(&[0x0A; 20], 10), Err(ScipError::TooLarge(10)));
    }
}
