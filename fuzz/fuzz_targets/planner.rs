//! What matches is never ruled out: neither by the formula itself nor by what is left of it on a segment that holds the
//! content.

#![no_main]

use std::collections::BTreeSet;

use bytes::Bytes;
use kotadb_core::id::ObjectId;
use kotadb_core::query::{Entry, Formula, Plan, parse};
use kotadb_core::segment::{ListRef, PreparedDocument, Scratch, Segment, SegmentBuilder};
use kotadb_core::text::{Language, Trigram, TrigramSet};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (text, contents) = input;
    let contents: Vec<&[u8]> = contents.split(|byte| *byte == 0).collect();
    let Ok(query) = parse(text) else { return };
    let Ok(plan) = Plan::new(&query) else { return };
    let entry = Entry::new(b"src/main.rs", Language::TEXT);
    let Some(scope) = plan.scope("owner/name", "refs/heads/main", true) else {
        return;
    };
    let candidates = candidates(scope.formula(), &contents);
    for (doc, content) in (0..).zip(&contents) {
        if plan.count(&scope, entry, content).is_some() {
            let grams: BTreeSet<Trigram> = TrigramSet::default().collect(content).iter().copied().collect();
            assert!(scope.formula().holds(&|gram| grams.contains(&gram)), "the formula rules out {content:?}");
            assert!(candidates.contains(&doc), "the segment rules out {content:?}");
        }
    }
});

fn candidates(formula: &Formula, contents: &[&[u8]]) -> BTreeSet<u32> {
    let all = || (0..contents.len() as u32).collect();
    let (segment, file) = segment(contents);
    let bound = formula.bind(&segment, &|_| false).expect("the segment is sound");
    let lists = bound.lists(&segment).expect("the segment is sound");
    let decoded: std::collections::BTreeMap<_, _> = lists
        .iter()
        .map(|(gram, list)| {
            let bytes = match list {
                ListRef::Stored { range, .. } => &file[range.start as usize..range.end as usize],
                ListRef::Inline(_) => &[],
            };
            (*gram, segment.decode_list(list, bytes).expect("the segment is sound"))
        })
        .collect();
    bound.documents(&|gram| decoded.get(&gram)).map_or_else(all, |docs| docs.iter().collect())
}

fn segment(contents: &[&[u8]]) -> (Segment, Bytes) {
    let mut builder = SegmentBuilder::new(Vec::new()).expect("memory can be written to");
    let mut scratch = Scratch::default();
    for content in contents {
        let document = PreparedDocument::new(ObjectId([0; 20]), Language::TEXT, content, &mut scratch);
        builder.add(document.expect("inputs are short")).expect("memory can be written to");
    }
    let (file, summary) = builder.finish().expect("memory can be written to");
    let file = Bytes::from(file);
    let hot = file.len() - summary.hot_bytes as usize;
    (Segment::open(file.slice(hot..), file.len() as u64).expect("what was just written can be read"), file)
}
