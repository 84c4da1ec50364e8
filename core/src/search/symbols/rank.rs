//! Which symbols come first: by how the name matches, then what is more likely meant.

use std::cmp::Ordering;

use super::answer::{NameMatch, SymbolHit};
use super::place::Place;
use crate::facts::{Flags, SymbolKind};
use crate::segment::{Class, NameRow};

/// A symbol in a file.
pub(super) fn hit(place: Place<'_>, row: &NameRow, matched: NameMatch) -> SymbolHit {
    let target = &place.open.target;
    let refs = || place.refs.iter().filter_map(|nth| target.refs.get(*nth as usize));
    SymbolHit {
        repository: target.repository,
        repository_name: target.repository_name.clone(),
        refs: refs().map(|one| one.name.clone()).collect(),
        commit: refs().next().map(|one| one.commit).unwrap_or(crate::id::ObjectId([0; 20])),
        path: place.path.to_vec(),
        class: place.class,
        language: place.language,
        row: row.clone(),
        matched,
        score: score(row, matched, place.class),
    }
}

/// Its points.
pub(super) fn score(row: &NameRow, matched: NameMatch, class: Class) -> u32 {
    let matched = match matched {
        NameMatch::Exact => 9_000,
        NameMatch::Folded => 8_000,
        NameMatch::Prefix => 6_000,
        NameMatch::Word => 4_000,
        NameMatch::Part => 2_000,
    };
    let definition = if row.flags.has(Flags::DECLARATION) { 0 } else { 400 };
    let exported = if row.flags.has(Flags::EXPORTED) { 200 } else { 0 };
    let class = match class {
        Class::Source => 700,
        Class::Test => 300,
        Class::Docs => 200,
        Class::Generated | Class::Vendored => 0,
    };
    matched + class + definition + exported + kind(row.kind)
}

fn kind(kind: SymbolKind) -> u32 {
    match kind {
        kind if kind.is_type() => 190,
        SymbolKind::Function | SymbolKind::Method => 160,
        SymbolKind::Constructor | SymbolKind::Macro => 120,
        SymbolKind::Module | SymbolKind::Constant | SymbolKind::Variable => 100,
        SymbolKind::Property | SymbolKind::Field | SymbolKind::Variant => 60,
        _ => 20,
    }
}

/// The higher score, the shorter name, then by place.
pub(super) fn order(a: &SymbolHit, b: &SymbolHit) -> Ordering {
    let place = |hit: &SymbolHit| (hit.row.name.len(), hit.row.line, hit.row.column);
    let (name_a, name_b) = ((&a.repository_name, &a.path), (&b.repository_name, &b.path));
    b.score
        .cmp(&a.score)
        .then(place(a).0.cmp(&place(b).0))
        .then(name_a.cmp(&name_b))
        .then(place(a).cmp(&place(b)))
        .then(a.refs.cmp(&b.refs))
}

/// Whether a symbol in a file, of a score, is sure to come behind a hit.
pub(super) fn is_behind((place, row, score): (Place<'_>, &NameRow, u32), hit: &SymbolHit) -> bool {
    let by_score = hit.score.cmp(&score).then(row.name.len().cmp(&hit.row.name.len()));
    let by_name = || place.open.target.repository_name.as_str().cmp(hit.repository_name.as_str());
    let by_path = || place.path.cmp(&hit.path[..]);
    let by_place = || (row.line, row.column).cmp(&(hit.row.line, hit.row.column));
    by_score.then_with(by_name).then_with(by_path).then_with(by_place) == Ordering::Greater
}
