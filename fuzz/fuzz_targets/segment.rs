//! The reader of segments on sections of any content whose checksums, table of contents and trailer are true, so that the
//! fuzzer reaches what lies behind them. Layout: `core/src/segment/format.md`.

#![no_main]

use std::ops::Range;

use bytes::Bytes;
use kotadb_core::segment::{ListRef, Segment};
use libfuzzer_sys::fuzz_target;

const TAGS: [&[u8; 4]; 12] = [
    b"CONT", b"POST", b"BLOB", b"FACT", b"NAME", b"WORD", b"DICT", b"DOCS", b"FTAB", b"NTAB", b"WTAB", b"META",
];
/// The first section of the hot tail.
const HOT: usize = 6;
const TRAILER: usize = 64;

fuzz_target!(|data: &[u8]| {
    let (file, hot) = file(data);
    let file = Bytes::from(file);
    if let Ok(segment) = Segment::open(file.slice(hot..), file.len() as u64) {
        read_all(&segment, &file);
    }
});

/// The input begins with the lengths of all sections but the last, two bytes each.
fn file(data: &[u8]) -> (Vec<u8>, usize) {
    let (lengths, mut rest) = data.split_at(data.len().min(2 * (TAGS.len() - 1)));
    let (mut file, mut table, mut hot) = (Vec::new(), Vec::new(), 0);
    for (nth, tag) in TAGS.iter().enumerate() {
        let length = lengths.get(2 * nth..2 * nth + 2).map(|bytes| usize::from(u16::from_le_bytes([bytes[0], bytes[1]])));
        let len = length.map_or(rest.len(), |length| length.min(rest.len()));
        let (section, later) = rest.split_at(len);
        rest = later;
        if nth == HOT {
            hot = file.len();
        }
        table.extend(*tag);
        table.extend(crc32c::crc32c(section).to_le_bytes());
        table.extend((file.len() as u64).to_le_bytes());
        table.extend((len as u64).to_le_bytes());
        file.extend(section);
    }
    let contents = file.len();
    file.extend(&table);
    file.extend(crc32c::crc32c(&table).to_le_bytes());
    let len = file.len() + TRAILER;
    file.extend(trailer(contents, hot, len));
    (file, hot)
}

fn trailer(contents: usize, hot: usize, len: usize) -> Vec<u8> {
    let mut trailer = b"KotaSEG\n".to_vec();
    trailer.extend([1, 0, 1, 0, 0, 0, 0, 0]);
    for number in [contents, hot, len] {
        trailer.extend((number as u64).to_le_bytes());
    }
    trailer.extend([0; 20]);
    let crc = crc32c::crc32c(&trailer);
    trailer.extend(crc.to_le_bytes());
    trailer
}

fn read_all(segment: &Segment, file: &Bytes) {
    let cut = |range: Range<u64>| file.get(range.start as usize..range.end as usize).unwrap_or_default();
    for entry in segment.lists().take(1000) {
        let Ok((gram, list)) = entry else { break };
        // A dictionary that is out of order may hide what it lists, but must not crash.
        let _hidden = segment.list(gram);
        let bytes = match &list {
            ListRef::Stored { range, .. } => cut(range.clone()),
            ListRef::Inline(_) => &[],
        };
        if let Ok(docs) = segment.decode_list(&list, bytes) {
            assert!(docs.iter().all(|doc| doc < segment.n_docs()));
        }
    }
    for doc in 0..segment.n_docs().min(1000) {
        if let Ok(text) = segment.decode_frame(doc, cut(segment.frame_range(doc))) {
            assert_eq!(text.len() as u64, segment.text_len(doc));
            if let Ok(Some(range)) = segment.facts_range(doc) {
                let _impossible = segment.decode_facts(cut(range), &text);
            }
        }
        let _unknown = segment.extractor(doc);
    }
    let _unchecked = segment.decode_blobs(cut(segment.blobs_range()));
    for block in segment.all_names().unwrap_or_default().into_iter().take(100) {
        for row in segment.decode_names(&block, cut(block.range())).unwrap_or_default() {
            assert!(row.doc < segment.n_docs());
            let _nothing = segment.names(&row.name, true);
        }
    }
    for block in segment.words("").unwrap_or_default().into_iter().take(100) {
        for (_, blocks) in segment.decode_words_if(&block, cut(block.range()), &|_| true).unwrap_or_default() {
            assert!(blocks.into_iter().all(|block| segment.names_at(block).is_ok()));
        }
    }
}
