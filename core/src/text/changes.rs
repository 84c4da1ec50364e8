//! Which lines of a text are not those of another: the shortest difference (Myers 1986), or all between the first and the last
//! difference where that is too long.

use std::collections::HashMap;
use std::ops::Range;

/// Lines that come or go at most; beyond, all of the middle counts as changed. Bounds time and memory by its square.
const MOST_EDITS: usize = 1000;

/// Lines of `after`, from 1, that are not in `before`, ascending. Where lines have gone and none has come, the line that
/// follows them.
pub fn changed_lines(before: &[u8], after: &[u8]) -> Vec<Range<u32>> {
    let mut known = HashMap::new();
    let mut numbers = |text| lines(text).map(|line| number(&mut known, line)).collect::<Vec<u32>>();
    let (before, after) = (numbers(before), numbers(after));
    let prefix = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let (rest, new) = (&before[prefix..], &after[prefix..]);
    let suffix = rest.iter().rev().zip(new.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, new) = (&rest[..rest.len() - suffix], &new[..new.len() - suffix]);
    let mut changed = vec![false; after.len()];
    match edits(old, new) {
        Some(edits) => edits.into_iter().for_each(|at| mark(&mut changed, prefix + at)),
        None => changed[prefix..prefix + new.len()].fill(true),
    }
    runs(&changed)
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn number<'a>(known: &mut HashMap<&'a [u8], u32>, line: &'a [u8]) -> u32 {
    let next = known.len() as u32;
    *known.entry(line).or_insert(next)
}

/// Behind the last line nothing follows.
fn mark(changed: &mut [bool], at: usize) {
    if let Some(last) = changed.len().checked_sub(1) {
        changed[at.min(last)] = true;
    }
}

fn runs(changed: &[bool]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for (line, _) in (1..).zip(changed).filter(|(_, changed)| **changed) {
        match runs.last_mut() {
            Some(run) if run.end == line => run.end += 1,
            _ => runs.push(line..line + 1),
        }
    }
    runs
}

/// Where in `new` a line came, or one went before; `None`: there are too many.
fn edits(old: &[u32], new: &[u32]) -> Option<Vec<usize>> {
    let most = MOST_EDITS.min(old.len() + new.len());
    let zero = most as isize + 1;
    let place = |diagonal: isize| (diagonal + zero) as usize;
    // By diagonal, how far in `old` that many edits lead; of each number of edits.
    let mut furthest = vec![0_usize; 2 * most + 3];
    let mut steps: Vec<Vec<usize>> = Vec::new();
    for n_edits in 0..=most as isize {
        steps.push(furthest.clone());
        for diagonal in (-n_edits..=n_edits).step_by(2) {
            let mut x = match comes(&furthest, diagonal, n_edits, place) {
                true => furthest[place(diagonal + 1)],
                false => furthest[place(diagonal - 1)] + 1,
            };
            while (x as isize - diagonal) >= 0 {
                let y = (x as isize - diagonal) as usize;
                if x >= old.len() || y >= new.len() || old[x] != new[y] {
                    break;
                }
                x += 1;
            }
            furthest[place(diagonal)] = x;
            if x >= old.len() && x as isize - diagonal >= new.len() as isize {
                return Some(back(&steps, (old.len(), new.len()), place));
            }
        }
    }
    None
}

/// Whether the last edit on the way to a diagonal is a line that comes, not one that goes.
fn comes(furthest: &[usize], diagonal: isize, n_edits: isize, place: impl Fn(isize) -> usize) -> bool {
    let (below, above) = (furthest[place(diagonal - 1)], furthest[place(diagonal + 1)]);
    diagonal == -n_edits || (diagonal != n_edits && below < above)
}

fn back(steps: &[Vec<usize>], (mut x, mut y): (usize, usize), place: impl Fn(isize) -> usize + Copy) -> Vec<usize> {
    let mut edits = Vec::new();
    for (n_edits, furthest) in steps.iter().enumerate().skip(1).rev() {
        let diagonal = x as isize - y as isize;
        let came = comes(furthest, diagonal, n_edits as isize, place);
        let before = if came { diagonal + 1 } else { diagonal - 1 };
        x = furthest[place(before)];
        y = (x as isize - before).max(0) as usize;
        edits.push(y);
    }
    edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First line of each range, and the one behind it.
    fn changed(before: &str, after: &str) -> Vec<(u32, u32)> {
        let ranges = changed_lines(before.as_bytes(), after.as_bytes());
        ranges.into_iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn lines_that_came_and_where_lines_went() {
        assert_eq!(changed("a\nb\nc\n", "a\nb\nc\n"), []);
        assert_eq!(changed("a\nb\nc\n", "a\nx\nc\n"), [(2, 3)]);
        assert_eq!(changed("a\nb\nc\n", "a\nc\n"), [(2, 3)], "what follows");
        assert_eq!(changed("a\nb\nc\n", "a\nb\n"), [(2, 3)], "nothing follows");
        assert_eq!(changed("a\nd\n", "a\nb\nc\nd\ne\n"), [(2, 4), (5, 6)]);
        assert_eq!(changed("", "a\nb"), [(1, 3)]);
        assert_eq!(changed("a\n", ""), []);
        let long: String = (0..3000).map(|n| format!("{n}\n")).collect();
        let other: String = (0..3000).map(|n| format!("x{n}\n")).collect();
        assert_eq!(
            changed(&format!("a\n{long}z\n"), &format!("a\n{other}z\n")),
            [(2, 3002)],
            "too many to be told apart"
        );
    }

    /// Length of the longest common subsequence, the slow way.
    fn common(before: &[u8], after: &[u8]) -> usize {
        let mut row = vec![0; after.len() + 1];
        for one in before {
            let mut diagonal = 0;
            for (at, other) in after.iter().enumerate() {
                let longest = if one == other { diagonal + 1 } else { row[at].max(row[at + 1]) };
                diagonal = std::mem::replace(&mut row[at + 1], longest);
            }
        }
        row[after.len()]
    }

    proptest! {
        #[test]
        fn what_is_not_changed_is_in_both_and_as_much_as_can_be(before in "[abc]{0,12}", after in "[abc]{0,12}") {
            let text = |letters: &str| letters.chars().map(|letter| format!("{letter}\n")).collect::<String>();
            let ranges = changed_lines(text(&before).as_bytes(), text(&after).as_bytes());
            let is_changed = |line: u32| ranges.iter().any(|range| range.contains(&line));
            let same: Vec<u8> =
                (1..).zip(after.bytes()).filter(|(line, _)| !is_changed(*line)).map(|(_, letter)| letter).collect();
            prop_assert_eq!(common(before.as_bytes(), &same), same.len(), "in both, in this order");
            // Each line that goes marks one that stays, at most.
            let shared = common(before.as_bytes(), after.as_bytes());
            prop_assert!(same.len() + (before.len() - shared) >= shared);
        }
    }
}
