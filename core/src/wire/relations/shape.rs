//! From answers of the search floor to those of the wire.

use super::{
    CallItem, CallList, CallSite, ChangedSymbol, DependencyItem, DependencyList, GraphState, ImpactItem, ImpactReport,
    MemberItem, MemberList, RepositoryMap, Risk, SymbolRef, UnclearName, UseSummary,
};
use crate::facts::{Flags, Relation, Role};
use crate::graph::ask;
use crate::search::relations::{
    CallLine, CallTree, DependencyLine, DependencyTree, ImpactAnswer, ImpactLine, MapAnswer, MemberLine, SitePlace,
    SymbolPlace,
};
use crate::wire::search::path_text;

/// What callers cannot show, said wherever they are asked for.
const NOT_SEEN: &str = "calls by reflection, from generated code or from other repositories are not seen";

impl From<&SymbolPlace> for SymbolRef {
    fn from(place: &SymbolPlace) -> Self {
        let kind = match (place.kind, place.is_file) {
            (None, _) => "external",
            (_, true) => "file",
            (Some(kind), _) => kind.name(),
        };
        Self {
            id: place.id.clone(),
            name: place.name.clone(),
            kind: kind.to_owned(),
            path: Some(path_text(&place.path).0).filter(|path| !path.is_empty()),
            line: Some(place.line).filter(|line| *line > 0),
            exported: place.flags.has(Flags::EXPORTED),
            test: place.is_test,
        }
    }
}

impl From<&SitePlace> for CallSite {
    fn from(site: &SitePlace) -> Self {
        Self {
            line: site.line as u64,
            column: site.column as u64,
            text: site.text.clone(),
            role: site.manner.role.name().to_owned(),
            confidence: site.manner.share(),
            resolution: site.manner.tier.name().to_owned(),
        }
    }
}

/// Callers, callees or usages.
pub fn call_list(tree: &CallTree, index: GraphState) -> CallList {
    let summary = tree.subject.summary.map(|summary| UseSummary {
        confirmed: summary.confirmed,
        possible: summary.possible,
        unresolved_same_name: summary.unresolved_same_name,
    });
    let items: Vec<_> = tree.lines.iter().map(|line| call_item(tree, line)).collect();
    let notes = summary.map_or_else(Vec::new, |summary| use_notes(summary, items.len()));
    let symbol = Some((&tree.subject.symbol).into());
    let (candidates, truncated) = (Vec::new(), tree.truncated);
    CallList { symbol, items, summary, candidates, next_cursor: None, truncated, index, notes }
}

fn call_item(tree: &CallTree, line: &CallLine) -> CallItem {
    CallItem {
        symbol: (&line.symbol).into(),
        depth: line.depth,
        parent: line.parent.map(|parent| tree.lines[parent].symbol.id.clone()),
        confidence: line.manner.share(),
        resolution: line.manner.tier.name().to_owned(),
        path: path_text(&line.path).0,
        sites: line.sites.iter().map(CallSite::from).collect(),
        site_count: line.n_sites as u64,
    }
}

fn use_notes(summary: UseSummary, shown: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if summary.unresolved_same_name > 0 {
        let n = summary.unresolved_same_name;
        notes.push(format!("{n} references by the same name lead nowhere that is known: users may be among them"));
    }
    if shown == 0 && summary.possible > 0 {
        let n = summary.possible;
        notes.push(format!("{n} sites are possible: `min_confidence=0` shows them"));
    }
    if shown == 0 {
        notes.push(format!("that nothing is shown does not mean that nothing uses it: {NOT_SEEN}"));
    }
    notes
}

/// The answer where a name means several symbols, or none.
pub fn undecided(name: &str, candidates: &[SymbolPlace], index: GraphState) -> CallList {
    let candidates: Vec<SymbolRef> = candidates.iter().map(SymbolRef::from).collect();
    let notes = vec![undecided_note(name, candidates.len())];
    let (items, next_cursor) = (Vec::new(), None);
    CallList { symbol: None, items, summary: None, candidates, next_cursor, truncated: false, index, notes }
}

pub(super) fn undecided_note(name: &str, n: usize) -> String {
    match n {
        0 => format!("no symbol that is used or exported has the name `{name}`: look for it with a search"),
        n => format!("{n} symbols have the name `{name}`: ask again with the `id` of one"),
    }
}

/// What implements, extends or overrides a symbol.
pub fn member_list(symbol: &SymbolPlace, members: &[MemberLine], index: GraphState) -> MemberList {
    let item = |line: &MemberLine| MemberItem {
        symbol: (&line.symbol).into(),
        of: line.of.clone(),
        depth: line.depth,
        relation: relation_name(line.relation).to_owned(),
        confidence: line.manner.share(),
        resolution: line.manner.tier.name().to_owned(),
    };
    let items = members.iter().map(item).collect();
    MemberList {
        symbol: Some(symbol.into()),
        items,
        candidates: Vec::new(),
        next_cursor: None,
        index,
        notes: Vec::new(),
    }
}

/// The same where a name means several symbols, or none.
pub fn undecided_members(name: &str, candidates: &[SymbolPlace], index: GraphState) -> MemberList {
    let CallList { candidates, index, notes, .. } = undecided(name, candidates, index);
    MemberList { symbol: None, items: Vec::new(), candidates, next_cursor: None, index, notes }
}

fn relation_name(relation: Option<Relation>) -> &'static str {
    match relation {
        Some(Relation::Extends) => "extends",
        Some(Relation::Implements) => "implements",
        Some(Relation::Embeds) => "embeds",
        None => "overrides",
    }
}

/// What a file uses, or what uses it.
pub fn dependency_list(path: &[u8], tree: &DependencyTree, index: GraphState) -> DependencyList {
    let text = |path: &Vec<u8>| path_text(path).0;
    let item = |line: &DependencyLine| DependencyItem {
        path: text(&line.path),
        depth: line.depth,
        parent: line.parent.map(|parent| text(&tree.lines[parent].path)),
        roles: line.roles.iter().map(|role| role.name().to_owned()).collect(),
        confidence: f32::from(line.confidence.0) / 100.0,
        count: line.count,
    };
    DependencyList {
        next_cursor: None,
        path: path_text(path).0,
        items: tree.lines.iter().map(item).collect(),
        cycles: tree.cycles.iter().map(|cycle| cycle.iter().map(text).collect()).collect(),
        component: tree.component.iter().map(text).collect(),
        truncated: tree.truncated,
        index,
    }
}

/// What may break when something changes.
pub fn impact_report(answer: &ImpactAnswer, index: GraphState) -> ImpactReport {
    let item = |line: &ImpactLine| ImpactItem {
        symbol: (&line.symbol).into(),
        depth: line.how.depth,
        confidence: line.how.confidence,
        via: line.how.via.name().to_owned(),
    };
    let of = |wanted: fn(&ask::Impacted) -> bool| -> Vec<ImpactItem> {
        answer.lines.iter().filter(|line| wanted(&line.how)).map(item).collect()
    };
    let impact = &answer.impact;
    let unclear = |(name, places): &(String, Vec<SymbolPlace>)| UnclearName {
        name: name.clone(),
        candidates: places.iter().map(SymbolRef::from).collect(),
    };
    let mut notes: Vec<_> = answer.unclear.iter().map(|(name, places)| undecided_note(name, places.len())).collect();
    notes.push(NOT_SEEN.to_owned());
    ImpactReport {
        next_cursor: None,
        changed: answer.changed.iter().map(|(symbol, signature)| changed(symbol, *signature)).collect(),
        items: of(|how| !how.is_test),
        tests: of(|how| how.is_test),
        entry_points: of(|how| how.is_entry),
        risk: Risk {
            direct: impact.direct as u64,
            transitive: impact.transitive as u64,
            files: impact.files as u64,
            public_api: impact.public as u64,
            tests: impact.tests as u64,
            score: impact.score,
        },
        unclear: answer.unclear.iter().map(unclear).collect(),
        unknown_files: answer.unknown_files.clone(),
        truncated: impact.truncated,
        index,
        notes,
    }
}

fn changed(symbol: &SymbolPlace, signature: bool) -> ChangedSymbol {
    ChangedSymbol { symbol: symbol.into(), signature }
}

/// A map.
pub fn repository_map(map: &MapAnswer, index: GraphState) -> RepositoryMap {
    let bytes = map.text.len() as u64;
    RepositoryMap {
        text: map.text.clone(),
        bytes,
        tokens_estimate: bytes.div_ceil(4),
        shown: map.shown as u64,
        truncated: map.shown < map.candidates,
        index,
    }
}

/// Roles as users name them; an error names those there are.
pub fn role(name: &str) -> Result<Role, String> {
    let known = Role::ALL.into_iter().find(|role| role.name() == name);
    known.ok_or_else(|| {
        let names: Vec<_> = Role::ALL.iter().map(|role| role.name()).collect();
        format!("`{name}` is no kind of use: give one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::SymbolKind;
    use crate::graph::ask::Summary;
    use crate::graph::{Confidence, Manner, Tier};
    use crate::search::relations::Subject;

    fn place(id: &str, path: &str) -> SymbolPlace {
        let name = id.rsplit(['#', '.']).next().unwrap_or(id).to_owned();
        SymbolPlace {
            node: 1,
            id: id.to_owned(),
            name,
            kind: Some(SymbolKind::Method),
            is_file: false,
            flags: Flags::EXPORTED,
            path: path.as_bytes().to_vec(),
            line: 7,
            is_test: false,
        }
    }

    fn tree(lines: Vec<CallLine>, summary: Summary) -> CallTree {
        let subject = Subject { symbol: place("pool.rs#Pool.acquire", "pool.rs"), summary: Some(summary) };
        CallTree { subject, lines, truncated: false }
    }

    #[test]
    fn no_callers_are_never_said_without_what_is_not_known() {
        let summary = Summary { confirmed: 0, possible: 2, unresolved_same_name: 3 };
        let list = call_list(&tree(Vec::new(), summary), GraphState::default());
        assert_eq!(list.summary, Some(UseSummary { confirmed: 0, possible: 2, unresolved_same_name: 3 }));
        let expected = [
            "0 confirmed, 2 possible, 3 unresolved of the same name",
            "note: 3 references by the same name lead nowhere that is known: users may be among them",
            "note: 2 sites are possible: `min_confidence=0` shows them",
        ];
        assert_eq!(list.lines()[..3], expected);
        assert!(list.lines()[3].contains("does not mean that nothing uses it"));
    }

    #[test]
    fn a_site_is_a_line_with_its_place_and_how_sure_it_is() {
        let manner = |confidence| Manner { role: Role::Call, tier: Tier::Receiver, confidence: Confidence(confidence) };
        let site = |confidence| SitePlace {
            byte: 90,
            line: 6,
            column: 12,
            text: "pool.acquire()".to_owned(),
            manner: manner(confidence),
        };
        let line = |depth, confidence| CallLine {
            symbol: place("app.rs#run", "app.rs"),
            parent: (depth > 1).then_some(0),
            depth,
            manner: manner(confidence),
            path: b"app.rs".to_vec(),
            sites: vec![site(confidence)],
            n_sites: 3,
        };
        let summary = Summary { confirmed: 1, possible: 1, unresolved_same_name: 0 };
        let list = call_list(&tree(vec![line(1, 85), line(2, 45)], summary), GraphState::default());
        let expected = [
            "app.rs:6:12: pool.acquire()  [app.rs#run 0.85 receiver]",
            "  … 2 more sites",
            "  app.rs:6:12: pool.acquire()  [app.rs#run? 0.45 receiver]",
            "    … 2 more sites",
            "1 confirmed, 1 possible, 0 unresolved of the same name",
        ];
        assert_eq!(list.lines(), expected);
        assert_eq!(list.items[1].parent.as_deref(), Some("app.rs#run"));
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json["items"][0]["sites"][0]["role"], "call");
        assert_eq!(serde_json::from_value::<CallList>(json).unwrap(), list);
    }
}
