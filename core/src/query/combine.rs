//! The algebra of google/codesearch (Cox, "Regular Expression Matching with a Trigram Index", 2012): what is known of
//! an expression's matches, and what follows for its concatenation, alternation and repetition.

use super::formula::Formula;
use super::strings::{End, MAX_EXACT, MAX_SET, Strings};

/// Largest formula that is worth keeping; a larger one is forgotten, which is always sound.
const MAX_FORMULA: usize = 512;

/// What is known of every match of an expression, in folded bytes.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Whether the empty string can be a match.
    can_be_empty: bool,
    /// All the strings that can match, where they are few and short.
    exact: Option<Strings>,
    /// Every match begins with one of them.
    prefix: Strings,
    /// Every match ends with one of them.
    suffix: Strings,
    /// What every text with a match satisfies besides.
    formula: Formula,
}

impl Known {
    /// Matches exactly one of `strings`.
    pub(super) fn exactly(strings: Strings) -> Self {
        let known = Self {
            can_be_empty: strings.len() > 0 && strings.min_len() == 0,
            exact: Some(strings),
            prefix: Strings::empty_string(),
            suffix: Strings::empty_string(),
            formula: Formula::All,
        };
        known.simplified()
    }

    /// Matches something of which nothing is known.
    pub(super) fn anything(can_be_empty: bool) -> Self {
        Self {
            can_be_empty,
            exact: None,
            prefix: Strings::empty_string(),
            suffix: Strings::empty_string(),
            formula: Formula::All,
        }
    }

    /// Matches nothing at all.
    pub(super) fn nothing() -> Self {
        Self { formula: Formula::Nothing, ..Self::anything(false) }
    }

    /// `self` followed by `next`.
    pub(super) fn then(self, next: &Self) -> Self {
        let formula = Formula::and([self.formula.clone(), next.formula.clone()]);
        let exact = match (&self.exact, &next.exact) {
            (Some(a), Some(b)) => Some(a.cross(b)),
            _ => None,
        };
        let known = Self {
            can_be_empty: self.can_be_empty && next.can_be_empty,
            formula: Formula::and([formula, seam(&self, next)]),
            prefix: outer(&self, next, End::Front),
            suffix: outer(next, &self, End::Back),
            exact,
        };
        known.simplified()
    }

    /// `self` or `other`.
    pub(super) fn or(self, other: &Self) -> Self {
        let exact = match (&self.exact, &other.exact) {
            (Some(a), Some(b)) => Some(a.union(b)),
            _ => None,
        };
        // What an exact set says is in the formula only once the set is given up.
        let formula = if exact.is_some() {
            Formula::or([self.formula.clone(), other.formula.clone()])
        } else {
            Formula::or([self.full_formula(), other.full_formula()])
        };
        let known = Self {
            can_be_empty: self.can_be_empty || other.can_be_empty,
            prefix: self.edge(End::Front).union(other.edge(End::Front)),
            suffix: self.edge(End::Back).union(other.edge(End::Back)),
            exact,
            formula,
        };
        known.simplified()
    }

    /// One or more of `self`.
    pub(super) fn repeated(self) -> Self {
        let known = Self {
            prefix: self.edge(End::Front).clone(),
            suffix: self.edge(End::Back).clone(),
            formula: self.full_formula(),
            exact: None,
            can_be_empty: self.can_be_empty,
        };
        known.simplified()
    }

    /// What a text must satisfy to have a match.
    pub(super) fn full_formula(&self) -> Formula {
        match &self.exact {
            Some(exact) => Formula::and([self.formula.clone(), exact.formula()]),
            None => Formula::and([self.formula.clone(), self.prefix.formula(), self.suffix.formula()]),
        }
    }

    fn edge(&self, end: End) -> &Strings {
        match (&self.exact, end) {
            (Some(exact), _) => exact,
            (None, End::Front) => &self.prefix,
            (None, End::Back) => &self.suffix,
        }
    }

    /// Gives up an exact set that is too large or long enough to live in the formula, and shortens the edges.
    fn simplified(mut self) -> Self {
        if let Some(exact) = self.exact.take_if(|exact| exact.len() > MAX_EXACT || exact.min_len() >= 4) {
            self.formula = Formula::and([self.formula, exact.formula()]);
            self.prefix = exact.clone();
            self.suffix = exact;
        }
        if self.exact.is_none() {
            self.formula = Formula::and([self.formula, self.prefix.formula(), self.suffix.formula()]);
            self.prefix = bounded(&self.prefix, End::Front);
            self.suffix = bounded(&self.suffix, End::Back);
        }
        if self.formula.size() > MAX_FORMULA {
            self.formula = Formula::All;
        }
        self
    }
}

/// What the place where two expressions meet says: a suffix of the first followed by a prefix of the second. Where
/// both are exact their product says it already.
fn seam(first: &Known, second: &Known) -> Formula {
    let (suffix, prefix) = (first.edge(End::Back), second.edge(End::Front));
    let both_exact = first.exact.is_some() && second.exact.is_some();
    if both_exact || suffix.len() > MAX_SET || prefix.len() > MAX_SET || suffix.min_len() + prefix.min_len() < 3 {
        return Formula::All;
    }
    suffix.cross(prefix).formula()
}

/// The edge of a concatenation on the side of `near`; `far` is seen through it where it is exact or can be empty.
fn outer(near: &Known, far: &Known, end: End) -> Strings {
    match &near.exact {
        Some(exact) if end == End::Front => exact.cross(far.edge(end)),
        Some(exact) => far.edge(end).cross(exact),
        None if near.can_be_empty => near.edge(end).union(far.edge(end)),
        None => near.edge(end).clone(),
    }
}

/// Two bytes are all that a trigram across a seam needs; fewer where the set is still too large.
fn bounded(strings: &Strings, end: End) -> Strings {
    let mut out = strings.shorten(2, end);
    for len in [1, 0] {
        if out.len() > MAX_SET {
            out = out.shorten(len, end);
        }
    }
    out.without_longer(end)
}
