//! Names, types and module names as numbers: each text once, in one piece of memory.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// A text by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word(pub u32);

impl Word {
    /// No text.
    pub const NONE: Self = Self(u32::MAX);

    /// The number, unless it is [`Word::NONE`].
    pub fn some(self) -> Option<Self> {
        (self != Self::NONE).then_some(self)
    }
}

/// The table is filled part by part, by so many bits of the hash: each is small enough to stay in the cache.
const PART_BITS: u32 = 4;

/// All texts, found by an open table of their numbers.
#[derive(Debug, Default)]
pub struct Words {
    bytes: String,
    ends: Vec<u32>,
    /// Of each place of the table a byte of the hash, by which most texts that lie in the way are told apart without a look at them.
    marks: Vec<u8>,
    /// The word of each place that is taken.
    words: Vec<u32>,
    /// How many of them the table has: the first ones.
    n_placed: usize,
    /// Hashes of the others.
    waiting: Vec<u64>,
}

/// The mark of a place that is free.
const FREE: u8 = 0;

impl Words {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a number; empty for [`Word::NONE`].
    pub fn text(&self, word: Word) -> &str {
        let at = word.0 as usize;
        let Some(&end) = self.ends.get(at) else { return "" };
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start as usize..end as usize]
    }

    /// The number of a text that is known.
    pub fn find(&self, text: &str) -> Option<Word> {
        debug_assert_eq!(self.n_placed, self.len(), "texts that were appended are not settled");
        if self.marks.is_empty() {
            return None;
        }
        self.at(self.look_up(text, hash(text.as_bytes())))
    }

    /// The number of a text, a new one if need be. Past 4 GiB of texts there are no new ones.
    pub fn add(&mut self, text: &str) -> Word {
        self.settle();
        self.make_room(1);
        let hash = hash(text.as_bytes());
        let place = self.look_up(text, hash);
        if let Some(known) = self.at(place) {
            return known;
        }
        let word = self.push(text);
        if word != Word::NONE {
            (self.marks[place], self.words[place]) = (mark(hash), word.0);
            self.n_placed += 1;
        }
        word
    }

    /// The same of a text that has not come since the last [`Self::settle`], unless it was the latest: as sorted lists have them.
    /// Millions of new ones would go all over a large table, so that each waits for memory; they go in together, later. `hash`: its
    /// [`hash`], which other threads can tell.
    pub fn append(&mut self, text: &str, hash: u64) -> Word {
        self.make_room(0);
        let latest = Word((self.len() as u32).wrapping_sub(1));
        if self.n_placed < self.len() && self.text(latest) == text {
            return latest;
        }
        let known = self.at(self.look_up(text, hash));
        known.unwrap_or_else(|| {
            let word = self.push(text);
            self.waiting.extend(word.some().map(|_| hash));
            word
        })
    }

    /// Puts what was appended into the table.
    pub fn settle(&mut self) {
        if self.n_placed < self.len() {
            self.make_room(self.len() - self.n_placed);
            let waiting = std::mem::take(&mut self.waiting);
            self.place_all(self.n_placed, &waiting);
        }
    }

    /// Sees to it that the table has room for so many more.
    fn make_room(&mut self, more: usize) {
        let n_words = self.n_placed + more;
        if n_words * 4 > self.marks.len() * 3 || self.marks.is_empty() {
            let n_places = (n_words * 4 / 3 + 1).next_power_of_two().max(64);
            (self.marks, self.words) = (vec![FREE; n_places], vec![0; n_places]);
            let hash_of = |word: usize| hash(self.text(Word(word as u32)).as_bytes());
            let hashes: Vec<u64> = (0..self.n_placed).map(hash_of).collect();
            self.place_all(0, &hashes);
        }
    }

    /// Puts the words from a number on that have these hashes into the table: those of each part of it together.
    fn place_all(&mut self, first: usize, hashes: &[u64]) {
        for part in 0..1 << PART_BITS {
            let numbered = (first as u32..).zip(hashes);
            for (word, hash) in numbered.filter(|(_, hash)| **hash >> (u64::BITS - PART_BITS) == part) {
                let mut place = self.first_place(*hash);
                while self.marks[place] != FREE {
                    place = self.next_place(place);
                }
                (self.marks[place], self.words[place]) = (mark(*hash), word);
            }
        }
        self.n_placed = first + hashes.len();
    }

    fn push(&mut self, text: &str) -> Word {
        let Ok(end) = u32::try_from(self.bytes.len() + text.len()) else { return Word::NONE };
        self.bytes.push_str(text);
        self.ends.push(end);
        Word(self.ends.len() as u32 - 1)
    }

    /// Where a text is, or belongs.
    fn look_up(&self, text: &str, hash: u64) -> usize {
        let (mut place, mark) = (self.first_place(hash), mark(hash));
        loop {
            let found = self.marks[place];
            if found == FREE || (found == mark && self.text(Word(self.words[place])) == text) {
                return place;
            }
            place = self.next_place(place);
        }
    }

    /// The word at a place.
    fn at(&self, place: usize) -> Option<Word> {
        (self.marks[place] != FREE).then(|| Word(self.words[place]))
    }

    /// By the high bits, so that what is near each other by its hash is near each other here.
    fn first_place(&self, hash: u64) -> usize {
        (hash >> (u64::BITS - self.marks.len().trailing_zeros())) as usize
    }

    fn next_place(&self, place: usize) -> usize {
        (place + 1) & (self.marks.len() - 1)
    }
}

fn mark(hash: u64) -> u8 {
    ((hash >> 32) as u8).max(FREE + 1)
}

/// Eight bytes at a time, each step a product of twice their length whose halves meet, as in wyhash. The keys are drawn for each
/// process, so that nobody can write names which meet in one place; hence no hash may say what comes first.
pub fn hash(bytes: &[u8]) -> u64 {
    let [start, key] = *KEYS;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    let step = |hash: u64, word: &[u8; 8]| folded(hash ^ u64::from_le_bytes(*word), key);
    let mixed = words.iter().chain([&tail]).fold(start ^ bytes.len() as u64, step);
    folded(mixed ^ start, key)
}

static KEYS: LazyLock<[u64; 2]> = LazyLock::new(|| [0u8, 1].map(|nth| RandomState::new().hash_one(nth) | 1));

fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> u64::BITS) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut words = Words::default();
        assert_eq!((words.find("a"), words.len()), (None, 0));
        let texts: Vec<String> = (0..5000).map(|n| format!("name_{n}")).collect();
        let numbers: Vec<Word> = texts.iter().map(|text| words.add(text)).collect();
        assert_eq!((words.len(), words.add(""), words.add("")), (5000, Word(5000), Word(5000)));
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!((words.add(text), words.find(text), words.text(number)), (number, Some(number), &**text));
        }
        assert_eq!((words.find("name_"), words.text(Word::NONE)), (None, ""));
    }

    #[test]
    fn what_is_appended_is_found_once_it_is_settled() {
        let mut words = Words::default();
        let (early, late) = (words.add("name_7"), words.add("other"));
        for list in [0..3000, 0..9000] {
            let texts: Vec<String> = list.map(|n| format!("name_{n}")).collect();
            let mut append = |text: &String| words.append(text, hash(text.as_bytes()));
            let numbers: Vec<Word> = texts.iter().map(&mut append).collect();
            assert_eq!((numbers[7], append(&texts[texts.len() - 1])), (early, numbers[numbers.len() - 1]));
            words.settle();
            for (text, number) in texts.iter().zip(numbers) {
                assert_eq!((words.find(text), words.text(number)), (Some(number), &**text));
            }
        }
        assert_eq!((words.len(), words.find("other"), words.add("new")), (9001, Some(late), Word(9001)));
        words.append("newest", hash(b"newest"));
        assert_eq!((words.add("newest"), words.len()), (Word(9002), 9003));
    }
}
