//! Names, types and module names as numbers: each text once, in one piece of memory.

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

/// All texts, found by an open table of their numbers.
#[derive(Debug, Default)]
pub struct Words {
    bytes: String,
    ends: Vec<u32>,
    slots: Vec<Slot>,
}

/// A place of the table. Most others that lie in the way are told from a text by their mark, without a look at their own.
#[derive(Clone, Copy, Debug)]
struct Slot {
    word: u32,
    mark: u32,
}

const FREE: Slot = Slot { word: u32::MAX, mark: 0 };

impl Slot {
    fn is_free(self) -> bool {
        self.word == FREE.word
    }
}

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
        if self.slots.is_empty() {
            return None;
        }
        let found = self.slots[self.look_up(text, hash(text.as_bytes()))];
        (!found.is_free()).then_some(Word(found.word))
    }

    /// The number of a text, a new one if need be. Past 4 GiB of texts there are no new ones.
    pub fn add(&mut self, text: &str) -> Word {
        if (self.ends.len() + 1) * 4 > self.slots.len() * 3 {
            self.resize(self.slots.len() * 2);
        }
        let hash = hash(text.as_bytes());
        let place = self.look_up(text, hash);
        if !self.slots[place].is_free() {
            return Word(self.slots[place].word);
        }
        let Ok(end) = u32::try_from(self.bytes.len() + text.len()) else { return Word::NONE };
        self.bytes.push_str(text);
        self.ends.push(end);
        let word = self.ends.len() as u32 - 1;
        self.slots[place] = Slot { word, mark: mark(hash) };
        Word(word)
    }

    /// Reads the places of some texts, which brings them into the cache side by side: adding waits for one after the other.
    pub fn warm<'t>(&self, texts: impl Iterator<Item = &'t str>) {
        if !self.slots.is_empty() {
            let marks = texts.map(|text| self.slots[self.first_place(hash(text.as_bytes()))].mark);
            std::hint::black_box(marks.fold(0, u32::wrapping_add));
        }
    }

    /// Makes room for so many more, which spares growing step by step.
    pub fn reserve(&mut self, more: usize) {
        self.resize(((self.ends.len() + more) * 4 / 3).next_power_of_two());
    }

    fn resize(&mut self, n_slots: usize) {
        self.slots = vec![FREE; n_slots.max(self.slots.len()).max(64)];
        for word in 0..self.ends.len() as u32 {
            let hash = hash(self.text(Word(word)).as_bytes());
            let mut place = self.first_place(hash);
            while !self.slots[place].is_free() {
                place = self.next_place(place);
            }
            self.slots[place] = Slot { word, mark: mark(hash) };
        }
    }

    /// Where a text is, or belongs.
    fn look_up(&self, text: &str, hash: u64) -> usize {
        let mut place = self.first_place(hash);
        loop {
            let slot = self.slots[place];
            if slot.is_free() || (slot.mark == mark(hash) && self.text(Word(slot.word)) == text) {
                return place;
            }
            place = self.next_place(place);
        }
    }

    fn first_place(&self, hash: u64) -> usize {
        (hash >> 24) as usize & (self.slots.len() - 1)
    }

    fn next_place(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len() - 1)
    }
}

fn mark(hash: u64) -> u32 {
    hash as u32
}

/// Eight bytes at a time; the table is private to one run, so nobody outside can aim at it for long.
fn hash(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let (words, rest) = bytes.as_chunks::<8>();
    let mut tail = [0; 8];
    tail[..rest.len()].copy_from_slice(rest);
    let step = |hash: u64, word: &[u8; 8]| (hash ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
    let mixed = words.iter().chain([&tail]).fold(bytes.len() as u64 ^ FACTOR, step);
    mixed.wrapping_mul(FACTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number() {
        let mut words = Words::default();
        assert_eq!((words.find("a"), words.len()), (None, 0));
        words.reserve(100);
        let texts: Vec<String> = (0..5000).map(|n| format!("name_{n}")).collect();
        let numbers: Vec<Word> = texts.iter().map(|text| words.add(text)).collect();
        assert_eq!((words.len(), words.add(""), words.add("")), (5000, Word(5000), Word(5000)));
        for (text, number) in texts.iter().zip(numbers) {
            assert_eq!((words.add(text), words.find(text), words.text(number)), (number, Some(number), &**text));
        }
        assert_eq!((words.find("name_"), words.text(Word::NONE)), (None, ""));
    }
}
