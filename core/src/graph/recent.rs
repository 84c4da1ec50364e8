//! Numbers in the order of their last use: what code uses, the lines near it mostly use as well.

/// Numbers that are remembered: a place among them fits into a byte, beside two signs.
pub(super) const MOST: usize = 253;

/// What was used last comes first.
#[derive(Debug, Default)]
pub(super) struct Recent(Vec<u32>);

impl Recent {
    /// Takes in what is not among them.
    pub(super) fn put(&mut self, number: u32) {
        self.0.truncate(MOST - 1);
        self.0.insert(0, number);
    }

    /// What is at a place, which comes first from now on.
    pub(super) fn take(&mut self, place: usize) -> Option<u32> {
        self.0.get_mut(..=place)?.rotate_right(1);
        self.0.first().copied()
    }

    /// The place of a number.
    pub(super) fn place_of(&self, number: u32) -> Option<usize> {
        self.0.iter().position(|one| *one == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lead_back_to_what_was_used() {
        let mut state = 1u32;
        let numbers = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 16 & 7 == 0 { state >> 8 & 4095 } else { state >> 24 & 31 }
        });
        let (mut writer, mut reader, mut n_fresh) = (Recent::default(), Recent::default(), 0);
        for number in numbers.take(5_000) {
            match writer.place_of(number) {
                Some(place) => assert_eq!((writer.take(place), reader.take(place)), (Some(number), Some(number))),
                None => {
                    n_fresh += 1;
                    [&mut writer, &mut reader].into_iter().for_each(|recent| recent.put(number));
                }
            }
        }
        assert!((MOST..2_500).contains(&n_fresh), "{n_fresh}");
        assert!(reader.take(MOST - 1).is_some() && reader.take(MOST).is_none());
    }
}
