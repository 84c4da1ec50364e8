//! From a regex to the trigram formula that every text with a match satisfies. Works on the tree that grep-regex
//! compiles, so that flags and Unicode case rules are the same.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::combine::Known;
use super::formula::Formula;
use super::strings::Strings;

/// Most distinct folded strings that a character class is expanded to.
const MAX_CLASS: usize = 16;

/// Most characters of a class that are looked at: cased variants fold together, so more than [`MAX_CLASS`].
const MAX_CLASS_CHARS: usize = 64;

/// Most copies that a counted repetition is written out to.
const MAX_COPIES: u32 = 4;

/// What a text must satisfy to have a match of `hir`.
pub(super) fn formula(hir: &Hir) -> Formula {
    known(hir).full_formula()
}

fn known(hir: &Hir) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exactly(Strings::empty_string()),
        HirKind::Literal(literal) => Known::exactly(Strings::new([&literal.0])),
        HirKind::Class(class) => class_known(class),
        HirKind::Capture(capture) => known(&capture.sub),
        HirKind::Repetition(repetition) => repetition_known(repetition),
        HirKind::Concat(parts) => {
            let empty = Known::exactly(Strings::empty_string());
            parts.iter().fold(empty, |sum, part| sum.then(&known(part)))
        }
        HirKind::Alternation(parts) => {
            let mut parts = parts.iter().map(known);
            let first = parts.next().unwrap_or_else(Known::nothing);
            parts.fold(first, |sum, part| sum.or(&part))
        }
    }
}

fn class_known(class: &Class) -> Known {
    let strings: Option<Vec<Vec<u8>>> = match class {
        Class::Unicode(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            (count <= MAX_CLASS_CHARS).then(|| {
                let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
                chars.map(|c| c.to_string().into_bytes()).collect()
            })
        }
        Class::Bytes(class) => {
            let count: usize = class.ranges().iter().map(|range| range.len()).sum();
            (count <= MAX_CLASS_CHARS).then(|| {
                let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
                bytes.map(|byte| vec![byte]).collect()
            })
        }
    };
    match strings.map(Strings::new) {
        Some(strings) if strings.len() == 0 => Known::nothing(),
        Some(strings) if strings.len() <= MAX_CLASS => Known::exactly(strings),
        _ => Known::anything(false),
    }
}

fn repetition_known(repetition: &Repetition) -> Known {
    let Repetition { min, max, .. } = *repetition;
    if max == Some(0) {
        return Known::exactly(Strings::empty_string());
    }
    if min == 0 && max != Some(1) {
        return Known::anything(true);
    }
    let sub = known(&repetition.sub);
    if min == 0 {
        return sub.or(&Known::exactly(Strings::empty_string()));
    }
    if max.is_none() && min == 1 {
        return sub.repeated();
    }
    let copies = (1..min.min(MAX_COPIES)).fold(sub.clone(), |sum, _| sum.then(&sub));
    if max == Some(min) && min <= MAX_COPIES {
        return copies;
    }
    copies.then(&Known::anything(true))
}
