//! Answers as lines for people and for agents.

use super::{
    CallItem, CallList, CallSite, DependencyItem, DependencyList, ImpactItem, ImpactReport, MemberItem, MemberList,
    Risk, SymbolRef, UseSummary,
};
use crate::graph::ask::CONFIRMED;

impl CallList {
    /// A line for each site: `path:line:column: text  (caller, confidence)`, deeper levels indented; then what is to be said.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.candidates.iter().map(SymbolRef::line_text).collect();
        for item in &self.items {
            let CallItem { sites, site_count, .. } = item;
            let indent = "  ".repeat(item.depth as usize - 1);
            let sure = if item.confidence * 100.0 + 0.5 >= f32::from(CONFIRMED.0) { "" } else { "?" };
            for site in sites {
                let CallSite { line, column, text, confidence, resolution, .. } = site;
                let place = format!("{}:{line}:{column}", item.path);
                lines.push(format!("{indent}{place}: {text}  [{}{sure} {confidence:.2} {resolution}]", item.symbol.id));
            }
            let more = site_count - sites.len() as u64;
            if more > 0 {
                lines.push(format!("{indent}  … {more} more sites"));
            }
        }
        lines.extend(self.summary.map(summary_line));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }
}

/// How sure the users are.
pub(super) fn summary_line(summary: UseSummary) -> String {
    let UseSummary { confirmed, possible, unresolved_same_name } = summary;
    format!("{confirmed} confirmed, {possible} possible, {unresolved_same_name} unresolved of the same name")
}

/// How grave a change is, and why.
pub(super) fn risk_line(risk: &Risk) -> String {
    let Risk { direct, transitive, files, public_api, tests, score } = risk;
    let parts = format!("{direct} direct, {transitive} transitive, {files} files, {public_api} public, {tests} tests");
    format!("risk {score:.2}: {parts}")
}

impl SymbolRef {
    /// `path:line: kind id`.
    pub fn line_text(&self) -> String {
        let place = self.path.as_ref().map(|path| format!("{path}:{}: ", self.line.unwrap_or(1))).unwrap_or_default();
        format!("{place}{} {}", self.kind, self.id)
    }
}

impl MemberList {
    /// A line for each member.
    pub fn lines(&self) -> Vec<String> {
        let item = |item: &MemberItem| {
            let indent = "  ".repeat(item.depth as usize - 1);
            format!("{indent}{}  [{} {} {:.2}]", item.symbol.line_text(), item.relation, item.of, item.confidence)
        };
        let lines = self.candidates.iter().map(SymbolRef::line_text).chain(self.items.iter().map(item));
        lines.chain(self.notes.iter().map(|note| format!("note: {note}"))).collect()
    }
}

impl DependencyList {
    /// A line for each file, then the circles.
    pub fn lines(&self) -> Vec<String> {
        let item = |item: &DependencyItem| {
            let indent = "  ".repeat(item.depth as usize - 1);
            format!("{indent}{}  [{} × {} {:.2}]", item.path, item.count, item.roles.join(","), item.confidence)
        };
        let cycle = |cycle: &Vec<String>| format!("cycle: {} → {}", cycle.join(" → "), self.path);
        self.items.iter().map(item).chain(self.cycles.iter().map(cycle)).collect()
    }
}

impl ImpactReport {
    /// A line for each symbol, tests and entry points apart, then the risk.
    pub fn lines(&self) -> Vec<String> {
        let item = |item: &ImpactItem| {
            format!("  {} {:.2} {} {}", item.depth, item.confidence, item.via, item.symbol.line_text())
        };
        let mut lines = vec!["changed:".to_owned()];
        let changed = self.changed.iter();
        lines.extend(
            changed.map(|one| format!("  {}{}", one.symbol.line_text(), if one.signature { "" } else { " (body)" })),
        );
        for (name, items) in [("touched", &self.items), ("tests", &self.tests), ("entry points", &self.entry_points)] {
            lines.push(format!("{name}: {}", items.len()));
            lines.extend(items.iter().map(item));
        }
        lines.push(risk_line(&self.risk));
        lines.extend(self.unknown_files.iter().map(|path| format!("note: `{path}` is not in the index")));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }
}
