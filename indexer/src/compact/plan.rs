//! Which segments are merged with which: what was deleted has to go, a ref shall touch few segments, little of a segment
//! shall be dead, and segments of a size are merged by eights, so that each document moves about once a level.

use std::collections::{BTreeMap, BTreeSet};

use kotadb_core::id::RepositoryId;
use kotadb_core::store::ObjectKey;

use super::bound::{MOST_LARGE, MOST_SMALL, SMALL_BYTES};
use crate::limits;

/// Segments of a level that are merged.
const FAN: usize = 8;
/// Most segments that are merged at once: each takes memory for its tables.
const MOST_INPUTS: usize = 64;
/// Text of the smallest level, in bytes; each next one is as many times as large as there are segments in a merge.
const FIRST_LEVEL: u64 = 64 << 10;
/// Levels whose segments are merged whichever repositories they are of.
const SHARED_LEVELS: u32 = 2;
/// Dead text above which a segment is rewritten, in percent.
const MOST_DEAD: u64 = 30;
/// Text below which a segment with dead text waits to be merged with others.
const WORTH_REWRITING: u64 = 4 << 20;
/// Most segments of more than 256 KiB that a repository shall touch with all of its refs: a search that names a ref opens
/// them while it asks which of them that ref touches.
const MOST_OF_REPOSITORY: usize = kotadb_core::search::AHEAD;
/// Most text of one output.
pub const OUTPUT_TEXT: u64 = limits::SEGMENT_TEXT_BYTES;

/// A segment.
#[derive(Clone, Debug)]
pub struct State {
    /// Its name.
    pub key: ObjectKey,
    /// Its length.
    pub bytes: u64,
    /// Bytes of text in it.
    pub text: u64,
    /// Bytes of text that no snapshot names.
    pub dead_text: u64,
    /// Whether no snapshot names any of its documents.
    pub is_dead: bool,
    /// Whether it holds something that was deleted.
    pub purge: bool,
    /// Whether it is large and was never compressed as what stays is.
    pub unsealed: bool,
    /// Whether it counts, and is not to be merged here.
    pub fixed: bool,
    /// Whose snapshots name it.
    pub repositories: BTreeSet<RepositoryId>,
}

/// Most bytes of text that a merge may take on; what was deleted goes in any case.
#[derive(Clone, Copy, Debug, Default)]
pub struct Most {
    /// So that few segments are of a size, and little of one is dead.
    pub text: u64,
    /// So that a ref touches few segments.
    pub narrowing: u64,
}

/// The groups to merge, each segment in one at most. `refs` are the segments that each ref touches.
pub fn groups(states: &[State], refs: &[Vec<ObjectKey>], most: Most) -> Vec<Vec<ObjectKey>> {
    let mut plan = Plan { by_key: states.iter().map(|state| (state.key, state)).collect(), ..Plan::default() };
    plan.most = most;
    for state in states.iter().filter(|state| state.purge) {
        plan.add_always(state.key);
    }
    for touched in refs {
        plan.narrow(touched, (MOST_LARGE, MOST_SMALL));
    }
    for touched in by_repository(states).values() {
        plan.narrow(touched, (MOST_OF_REPOSITORY, usize::MAX));
    }
    for state in states.iter().filter(|state| !state.is_dead && state.text >= WORTH_REWRITING) {
        if state.dead_text * 100 > state.text * MOST_DEAD && !plan.taken.contains(&state.key) {
            plan.add(vec![state.key], most.text);
        }
    }
    plan.level(states);
    for state in states.iter().filter(|state| state.unsealed && !state.is_dead) {
        if !plan.taken.contains(&state.key) {
            plan.add(vec![state.key], most.text);
        }
    }
    plan.groups
}

fn by_repository(states: &[State]) -> BTreeMap<RepositoryId, Vec<ObjectKey>> {
    let mut touched: BTreeMap<RepositoryId, Vec<ObjectKey>> = BTreeMap::new();
    for state in states {
        state.repositories.iter().for_each(|id| touched.entry(*id).or_default().push(state.key));
    }
    touched
}

#[derive(Default)]
struct Plan<'a> {
    by_key: BTreeMap<ObjectKey, &'a State>,
    taken: BTreeSet<ObjectKey>,
    groups: Vec<Vec<ObjectKey>>,
    most: Most,
}

impl Plan<'_> {
    fn add_always(&mut self, key: ObjectKey) {
        self.taken.insert(key);
        self.groups.push(vec![key]);
    }

    /// Takes two or more on, to make fewer of them.
    fn unite(&mut self, keys: Vec<ObjectKey>, most_text: u64) {
        if keys.len() > 1 {
            self.add(keys, most_text);
        }
    }

    /// Takes a group on, cut to what one merge may hold; the smallest first.
    fn add(&mut self, mut keys: Vec<ObjectKey>, most_text: u64) {
        let least = keys.len().min(2);
        let text = |key: &ObjectKey| self.by_key.get(key).map_or(u64::MAX, |state| state.text - state.dead_text);
        keys.sort_by_key(text);
        let mut sum = 0u64;
        let fits = |key: &ObjectKey| {
            sum = sum.saturating_add(text(key));
            sum <= most_text.min(OUTPUT_TEXT)
        };
        let fitting = keys.iter().take(MOST_INPUTS).copied().take_while(fits).collect::<Vec<_>>();
        if fitting.len() >= least {
            self.taken.extend(&fitting);
            self.groups.push(fitting);
        }
    }

    /// Merges what is too much of one ref or repository: its smallest large segments, and all of its small ones.
    fn narrow(&mut self, touched: &[ObjectKey], (most_large, most_small): (usize, usize)) {
        let all: Vec<&State> = touched.iter().filter_map(|key| self.by_key.get(key).copied()).collect();
        if all.iter().any(|state| self.taken.contains(&state.key)) {
            // The next round sees what became of it.
            return;
        }
        let (small, mut large): (Vec<&State>, Vec<&State>) = all.iter().partition(|state| state.bytes <= SMALL_BYTES);
        let is_free = |state: &&&State| !state.fixed;
        if small.len() > most_small {
            let small: Vec<&&State> = small.iter().filter(is_free).collect();
            self.unite(small.iter().map(|state| state.key).collect(), self.most.narrowing);
        }
        if large.len() > most_large {
            // What two of them hold fits into one segment, or else what no two of them do.
            large.sort_by_key(|state| state.text - state.dead_text);
            let surplus = large.len() - most_large + 1;
            large.retain(|state| !state.fixed);
            let surplus = surplus.min(large.len());
            self.unite(large[..surplus].iter().map(|state| state.key).collect(), self.most.narrowing);
        }
    }

    /// Merges segments of a level; large ones only with those of the same repositories.
    fn level(&mut self, states: &[State]) {
        let mut levels: BTreeMap<(u32, Option<&BTreeSet<RepositoryId>>), Vec<&State>> = BTreeMap::new();
        let free = |state: &&State| !state.is_dead && !state.fixed && !self.taken.contains(&state.key);
        for state in states.iter().filter(free) {
            let level = level(state.text);
            let owners = (level > SHARED_LEVELS).then_some(&state.repositories);
            levels.entry((level, owners)).or_default().push(state);
        }
        for mut level in levels.into_values().filter(|level| level.len() >= FAN) {
            // Segments of one repository stay together where they can.
            level.sort_by_key(|state| (state.repositories.first().copied(), state.key));
            for part in level.chunks(MOST_INPUTS).filter(|part| part.len() >= FAN) {
                self.add(part.iter().map(|state| state.key).collect(), self.most.text);
            }
        }
    }
}

fn level(text: u64) -> u32 {
    (text / FIRST_LEVEL).checked_ilog(FAN as u64).map_or(0, |level| level + 1)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const KIB: u64 = 1 << 10;
    const MIB: u64 = 1 << 20;

    const ANY: Most = most(u64::MAX);

    const fn most(text: u64) -> Most {
        Most { text, narrowing: text }
    }

    fn key(nth: u128) -> ObjectKey {
        ObjectKey { id: Uuid::from_u128(nth), hash: [0; 8] }
    }

    fn state(nth: u128, text: u64, repository: u128) -> State {
        let repositories = BTreeSet::from([RepositoryId(Uuid::from_u128(repository))]);
        State {
            key: key(nth),
            bytes: text / 3,
            text,
            dead_text: 0,
            is_dead: false,
            purge: false,
            unsealed: false,
            fixed: false,
            repositories,
        }
    }

    fn numbers(groups: &[Vec<ObjectKey>]) -> Vec<Vec<u128>> {
        groups.iter().map(|group| group.iter().map(|key| key.id.as_u128()).collect()).collect()
    }

    #[test]
    fn eight_of_a_size_are_merged_whoever_owns_them_and_large_ones_with_their_own() {
        let small: Vec<State> = (0..8).map(|nth| state(nth, 10 * KIB, nth)).collect();
        assert_eq!(numbers(&groups(&small, &[], ANY)), [(0..8).collect::<Vec<_>>()]);
        assert!(groups(&small[..7], &[], ANY).is_empty());
        let large: Vec<State> = (0..8).map(|nth| state(nth, 40 * MIB, nth)).collect();
        assert!(groups(&large, &[], ANY).is_empty());
        let large: Vec<State> = (0..8).map(|nth| state(nth, 40 * MIB, 1)).collect();
        assert_eq!(groups(&large, &[], ANY)[0].len(), 8);
    }

    #[test]
    fn a_ref_touches_four_large_segments_and_eight_small_ones() {
        let large: Vec<State> = (0..6).map(|nth| state(nth, (100 + nth as u64) * MIB, 1)).collect();
        let refs = [large.iter().map(|state| state.key).collect::<Vec<_>>()];
        assert_eq!(numbers(&groups(&large, &refs, ANY)), [[0, 1, 2]]);
        assert!(groups(&large, &refs, most(64 * MIB)).is_empty(), "too much for who asked");
        let sizes = [1, 100, 1, 100, 1, 100, 1, 100, 1].iter().zip(0..);
        let small: Vec<State> = sizes.map(|(size, nth)| state(nth, size * KIB, 1)).collect();
        let refs = [small.iter().map(|state| state.key).collect::<Vec<_>>()];
        assert_eq!(groups(&small, &refs, ANY)[0].len(), 9);
        assert!(groups(&small, &[refs[0][1..].to_vec()], ANY).is_empty());
    }

    #[test]
    fn a_local_index_is_narrowed_whatever_that_takes() {
        let sizes = [1000, 30, 30, 30, 10].iter().zip(0..);
        let states: Vec<State> = sizes.map(|(size, nth)| state(nth, size * MIB, 1)).collect();
        let refs = [states.iter().map(|state| state.key).collect::<Vec<_>>()];
        assert!(groups(&states, &refs, most(32 * MIB)).is_empty());
        let local = Most { text: 32 * MIB, narrowing: u64::MAX };
        assert_eq!(numbers(&groups(&states, &refs, local)), [[4, 1]]);
    }

    #[test]
    fn a_repository_touches_32_large_segments_whoever_shares_them() {
        let owners =
            |nth: u64| BTreeSet::from([1, 2 + nth % 9].map(|id| RepositoryId(Uuid::from_u128(u128::from(id)))));
        let large = |nth: u64| State { repositories: owners(nth), ..state(nth.into(), (40 + nth) * MIB, 1) };
        let states: Vec<State> = (0..35).map(large).collect();
        assert_eq!(numbers(&groups(&states, &[], ANY)), [[0, 1, 2, 3]]);
        assert!(groups(&states[..32], &[], ANY).is_empty());
    }

    #[test]
    fn what_many_share_counts_and_stays() {
        let mut states: Vec<State> = (0..9).map(|nth| state(nth, KIB, 1)).collect();
        (states[0].fixed, states[4].fixed) = (true, true);
        let refs = [states.iter().map(|state| state.key).collect::<Vec<_>>()];
        assert_eq!(numbers(&groups(&states, &refs, ANY)), [[1, 2, 3, 5, 6, 7, 8]]);
        states.iter_mut().skip(1).for_each(|state| state.fixed = true);
        assert!(groups(&states, &refs, ANY).is_empty());
    }

    #[test]
    fn what_was_deleted_goes_whatever_its_size_and_the_dead_beyond_a_third() {
        let mut states = vec![state(1, 900 * MIB, 1), state(2, 10 * MIB, 1), state(3, 10 * MIB, 1)];
        states[0].purge = true;
        (states[1].dead_text, states[2].dead_text) = (4 * MIB, 3 * MIB);
        assert_eq!(numbers(&groups(&states, &[], most(64 * MIB))), [[1], [2]]);
    }

    #[test]
    fn what_is_large_is_sealed_once() {
        let mut states = vec![state(1, 900 * MIB, 1), state(2, 900 * MIB, 1)];
        states[1].unsealed = true;
        assert_eq!(numbers(&groups(&states, &[], ANY)), [[2]]);
        assert!(groups(&states, &[], most(64 * MIB)).is_empty());
    }

    #[test]
    fn a_merge_makes_no_more_than_one_segment() {
        let states: Vec<State> = (0..9).map(|nth| state(nth, 300 * MIB, 1)).collect();
        assert_eq!(groups(&states, &[], ANY)[0].len(), 6);
    }
}
