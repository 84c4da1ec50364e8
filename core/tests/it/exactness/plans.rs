//! Which lists the planner reads never changes an answer: every text that matches is among the candidates, whichever lists
//! are at hand.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use kotadb_core::id::ObjectId;
use kotadb_core::query::{Entry, Formula, Plan, parse};
use kotadb_core::segment::{ListRef, PreparedDocument, Scratch, Segment, SegmentBuilder};
use kotadb_core::text::{Language, Trigram};
use proptest::prelude::*;

use super::corpus;

fn segment(contents: &[Vec<u8>]) -> (Segment, Bytes) {
    let mut builder = SegmentBuilder::new(Vec::new()).unwrap();
    let mut scratch = Scratch::default();
    for content in contents {
        let document = PreparedDocument::new(ObjectId([0; 20]), Language::TEXT, content, &mut scratch).unwrap();
        builder.add(document).unwrap();
    }
    let (file, summary) = builder.finish().unwrap();
    let file = Bytes::from(file);
    let hot = file.len() - usize::try_from(summary.hot_bytes).unwrap();
    (Segment::open(file.slice(hot..), file.len() as u64).unwrap(), file)
}

/// The candidates, and how many lists it took to find them.
fn candidates(
    formula: &Formula,
    (segment, file): &(Segment, Bytes),
    at_hand: &dyn Fn(Trigram) -> bool,
) -> (BTreeSet<u32>, usize) {
    let bound = formula.bind(segment, at_hand).unwrap();
    let decode = |(gram, list): (Trigram, ListRef)| {
        let bytes = match &list {
            ListRef::Stored { range, .. } => &file[range.start as usize..range.end as usize],
            ListRef::Inline(_) => &[],
        };
        (gram, segment.decode_list(&list, bytes).unwrap())
    };
    let lists: BTreeMap<_, _> = bound.lists(segment).unwrap().into_iter().map(decode).collect();
    let documents = bound.documents(&|gram| lists.get(&gram));
    (documents.map_or_else(|| (0..segment.n_docs()).collect(), |docs| docs.iter().collect()), lists.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_match_is_a_candidate_of_every_plan(
        repositories in corpus::repositories(),
        patterns in prop::collection::vec((corpus::regex(), any::<bool>()), 12),
        salt: u32,
    ) {
        let files = repositories.iter().flat_map(|repository| &repository.refs).flat_map(|(_, files)| files);
        let contents: Vec<Vec<u8>> = files.map(|file| file.content.clone()).collect();
        let index = segment(&contents);
        let entry = Entry::new(b"a", Language::TEXT);
        for (pattern, multiline) in patterns {
            let options = if multiline { "multiline:yes" } else { "case:no" };
            let Ok(query) = parse(&format!("/{}/ {options}", pattern.replace('/', r"\/"))) else { continue };
            let plan = Plan::new(&query).unwrap();
            let scope = plan.scope("a/b", "refs/heads/main", true).unwrap();
            let matching: BTreeSet<u32> =
                (0..).zip(&contents).filter(|(_, content)| plan.count(&scope, entry, content).is_some()).map(|(doc, _)| doc).collect();
            let some = |gram: Trigram| gram.0.wrapping_mul(0x9E37_79B9).wrapping_add(salt) >> 31 == 0;
            let (all, n_all) = candidates(scope.formula(), &index, &|_| true);
            prop_assert!(all.is_superset(&matching), "{}", pattern);
            for (fewer, n_fewer) in [candidates(scope.formula(), &index, &|_| false), candidates(scope.formula(), &index, &some)] {
                prop_assert!(fewer.is_superset(&all) && n_fewer <= n_all, "{}", pattern);
            }
        }
    }
}
