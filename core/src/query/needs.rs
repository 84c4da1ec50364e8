//! Which literals every line with a match of a pattern holds, as sketches are asked for them. Trigrams say the same of
//! documents before those are read (`trigrams`); literals are longer, and a sketch knows in which block they may begin.
//!
//! All literals are in ASCII lower case. That is enough: a sketch of a text with other characters that fold to ASCII says
//! nothing, so no text that is asked holds them.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use crate::text::{self, Gram, Sketch};

/// Most copies that a counted repetition is written out to.
const MAX_COPIES: u32 = 4;
/// Most alternatives that are told apart.
const MAX_ALTERNATIVES: usize = 64;
/// Most characters of a class that is one letter in several cases.
const MAX_CASES: usize = 4;

/// A necessary condition on the literals of a match, always simplified by [`Needs::all`] and [`Needs::any`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing is known.
    Unknown,
    /// The grams of one literal; at least one.
    Literal(Vec<Gram>),
    /// All of them, at least two, none unknown.
    All(Vec<Self>),
    /// At least one of them, at least two, none unknown.
    Any(Vec<Self>),
}

/// Blocks of a text, 64 in a word, the first one lowest.
pub(super) type Blocks = Vec<u64>;

impl Needs {
    /// What a match of `hir` needs.
    pub(super) fn of(hir: &Hir) -> Self {
        let mut walk = Walk::default();
        walk.visit(hir);
        walk.finish()
    }

    fn literal(folded: &[u8]) -> Self {
        let grams = Gram::of_literal(folded);
        if grams.is_empty() { Self::Unknown } else { Self::Literal(grams) }
    }

    /// All of `parts`.
    fn all(parts: Vec<Self>) -> Self {
        let mut known: Vec<Self> = parts.into_iter().filter(|part| *part != Self::Unknown).collect();
        match known.len() {
            0 => Self::Unknown,
            1 => known.swap_remove(0),
            _ => Self::All(known),
        }
    }

    /// At least one of `parts`, of which there is one.
    pub(super) fn any(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.swap_remove(0),
            _ if parts.contains(&Self::Unknown) => Self::Unknown,
            _ => Self::Any(parts),
        }
    }

    /// Whether anything is known.
    pub(super) fn are_known(&self) -> bool {
        *self != Self::Unknown
    }

    /// Whether a text with this sketch may have a match.
    pub(super) fn may_match(&self, sketch: &Sketch) -> bool {
        match self {
            Self::Unknown => true,
            Self::Literal(grams) => sketch.having(grams).any(|blocks| blocks != 0),
            Self::All(parts) => parts.iter().all(|part| part.may_match(sketch)),
            Self::Any(parts) => parts.iter().any(|part| part.may_match(sketch)),
        }
    }

    /// Blocks such that every line with a match has a byte in one of them; `None`: all of them.
    pub(super) fn blocks(&self, sketch: &Sketch) -> Option<Blocks> {
        match self {
            Self::Unknown => None,
            Self::Literal(grams) => Some(sketch.having(grams).collect()),
            Self::All(parts) => parts.iter().filter_map(|part| part.blocks(sketch)).min_by_key(|blocks| count(blocks)),
            Self::Any(parts) => {
                let mut parts = parts.iter().map(|part| part.blocks(sketch));
                let first = parts.next()??;
                parts.try_fold(first, |mut sum, part| {
                    sum.iter_mut().zip(part?).for_each(|(word, other)| *word |= other);
                    Some(sum)
                })
            }
        }
    }
}

fn count(blocks: &[u64]) -> u32 {
    blocks.iter().map(|word| word.count_ones()).sum()
}

/// A walk through an expression from left to right.
#[derive(Default)]
struct Walk {
    /// The literal that ends where the walk is.
    literal: Vec<u8>,
    needs: Vec<Needs>,
}

impl Walk {
    fn visit(&mut self, hir: &Hir) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.literal.extend(literal.0.iter().map(u8::to_ascii_lowercase)),
            HirKind::Class(class) => match one_letter(class) {
                Some(letter) => self.literal.extend(letter),
                None => self.cut(),
            },
            HirKind::Capture(capture) => self.visit(&capture.sub),
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.visit(part)),
            HirKind::Alternation(parts) => self.alternation(parts),
        }
    }

    /// The first copies follow what is before them, whether or not more of them come.
    fn repetition(&mut self, repetition: &Repetition) {
        let Repetition { min, max, .. } = *repetition;
        (0..min.min(MAX_COPIES)).for_each(|_| self.visit(&repetition.sub));
        if max != Some(min) || min > MAX_COPIES {
            self.cut();
        }
    }

    /// What is before the alternatives belongs to each of them.
    fn alternation(&mut self, parts: &[Hir]) {
        let before = std::mem::take(&mut self.literal);
        if parts.len() > MAX_ALTERNATIVES {
            self.needs.push(Needs::literal(&before));
            return;
        }
        let alternatives = parts.iter().map(|part| {
            let mut walk = Self { literal: before.clone(), needs: Vec::new() };
            walk.visit(part);
            walk.finish()
        });
        let alternatives = alternatives.collect();
        self.needs.push(Needs::any(alternatives));
    }

    /// What follows is not known to be next to what was before.
    fn cut(&mut self) {
        self.needs.push(Needs::literal(&self.literal));
        self.literal.clear();
    }

    fn finish(mut self) -> Needs {
        self.cut();
        Needs::all(self.needs)
    }
}

/// The folded letter that all members of a class are cases of.
fn one_letter(class: &Class) -> Option<Vec<u8>> {
    let mut letters: Vec<Vec<u8>> = match class {
        Class::Unicode(class) if class.ranges().iter().map(|range| range.len()).sum::<usize>() <= MAX_CASES => {
            let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            chars.map(|char| text::fold(char.to_string().as_bytes())).collect()
        }
        Class::Bytes(class) if class.ranges().iter().map(|range| range.len()).sum::<usize>() <= MAX_CASES => {
            let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            bytes.map(|byte| vec![byte.to_ascii_lowercase()]).collect()
        }
        _ => return None,
    };
    letters.dedup();
    if letters.len() == 1 { letters.pop() } else { None }
}
