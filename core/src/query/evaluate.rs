//! The documents of one segment that satisfy a formula, from their postings.

use std::borrow::Cow;
use std::cmp::Reverse;

use super::formula::Formula;
use crate::segment::DocSet;
use crate::text::Trigram;

impl Formula {
    /// The documents that can match; `None`: all of them. A trigram without a list in `lists` is in no document.
    ///
    /// A conjunction starts with its smallest set, so that the rest of the lists is only asked about what is left.
    pub fn documents<'a>(&self, lists: &dyn Fn(Trigram) -> Option<&'a DocSet>) -> Option<DocSet> {
        self.set(lists).map(Cow::into_owned)
    }

    /// The same, borrowed from `lists` where one of them is the answer.
    pub(crate) fn set<'a>(&self, lists: &dyn Fn(Trigram) -> Option<&'a DocSet>) -> Option<Cow<'a, DocSet>> {
        match self {
            Self::All => None,
            Self::Nothing => Some(Cow::default()),
            Self::Gram(gram) => Some(lists(*gram).map(Cow::Borrowed).unwrap_or_default()),
            Self::And(parts) => {
                let mut sets: Vec<_> = parts.iter().filter_map(|part| part.set(lists)).collect();
                sets.sort_unstable_by_key(|set| set.len());
                let mut sets = sets.into_iter();
                let mut left = sets.next()?.into_owned();
                for set in sets {
                    if left.is_empty() {
                        break;
                    }
                    left.intersect(&set);
                }
                Some(Cow::Owned(left))
            }
            Self::Or(parts) => {
                let mut sets = parts.iter().map(|part| part.set(lists)).collect::<Option<Vec<_>>>()?;
                sets.sort_unstable_by_key(|set| Reverse(set.len()));
                let mut sets = sets.into_iter();
                let mut sum = sets.next().unwrap_or_default().into_owned();
                sets.for_each(|set| sum.unite(&set));
                Some(Cow::Owned(sum))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn formula() -> impl Strategy<Value = Formula> {
        let leaf = prop_oneof![
            12 => (0u32..12).prop_map(|gram| Formula::Gram(Trigram(gram))),
            1 => Just(Formula::All),
            1 => Just(Formula::Nothing),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            let parts = prop::collection::vec(inner, 1..5);
            prop_oneof![parts.clone().prop_map(Formula::and), parts.prop_map(Formula::or)]
        })
    }

    proptest! {
        #[test]
        fn finds_the_documents_of_which_the_formula_holds(
            formula in formula(),
            lists in prop::collection::btree_map(0u32..10, prop::collection::btree_set(0u32..300, 0..200), 0..10),
        ) {
            let sets: BTreeMap<u32, DocSet> = lists.iter().map(|(gram, docs)| (*gram, docs.iter().copied().collect())).collect();
            let documents = formula.documents(&|gram| sets.get(&gram.0)).unwrap_or_else(|| DocSet::all(300));
            let holds = |doc: &u32| formula.holds(&|gram| lists.get(&gram.0).is_some_and(|docs| docs.contains(doc)));
            prop_assert!(documents.iter().eq((0..300).filter(holds)));
        }
    }
}
