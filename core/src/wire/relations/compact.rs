//! Answers as few lines as can be, for agents, who pay for each byte: what is in one file stands below its path, once. The id of a
//! symbol is that path, `#`, and the name that is shown.

use super::{CallItem, CallList, CallSite, ImpactItem, ImpactReport, MemberItem, MemberList, SymbolRef};
use crate::graph::ask::CONFIRMED;

/// Lines below the paths that they belong to.
#[derive(Default)]
struct ByFile {
    lines: Vec<String>,
    last: Option<String>,
}

impl ByFile {
    fn add(&mut self, path: &str, line: String) {
        if self.last.as_deref() != Some(path) {
            self.last = Some(path.to_owned());
            self.lines.push(path.to_owned());
        }
        self.lines.push(format!("  {line}"));
    }

    fn plain(&mut self, line: String) {
        self.last = None;
        self.lines.push(line);
    }
}

impl SymbolRef {
    /// The name that stands behind the path in its id.
    fn label(&self) -> &str {
        self.id.split_once('#').map_or(&*self.id, |(_, label)| label)
    }

    /// `7: method Pool.acquire`, below its path.
    fn short(&self) -> String {
        match self.kind.as_str() {
            "file" => "the file".to_owned(),
            kind => format!("{}: {kind} {}", self.line.unwrap_or(1), self.label()),
        }
    }
}

fn listed(symbols: &[SymbolRef], to: &mut ByFile) {
    for symbol in symbols {
        match &symbol.path {
            Some(path) => to.add(path, symbol.short()),
            None => to.plain(symbol.line_text()),
        }
    }
}

impl CallList {
    /// Users below their files, each site once. A tree of several levels keeps its shape, as [`CallList::lines`] has it.
    pub fn compact(&self) -> Vec<String> {
        if self.items.iter().any(|item| item.depth > 1) {
            return self.lines();
        }
        let mut lines = ByFile::default();
        listed(&self.candidates, &mut lines);
        for item in &self.items {
            for site in &item.sites {
                lines.add(&item.path, site_line(item, site));
            }
            match item.site_count - item.sites.len() as u64 {
                0 => {}
                more => lines.add(&item.path, format!("… {more} more in {}", item.symbol.label())),
            }
        }
        lines.lines.extend(self.summary.map(super::lines::summary_line));
        lines.lines
    }
}

/// What is called or used in the file of its sites goes by its name; what is elsewhere by its id.
fn site_line(item: &CallItem, site: &CallSite) -> String {
    let CallSite { line, text, confidence, resolution, .. } = site;
    let sure = if confidence * 100.0 + 0.5 >= f32::from(CONFIRMED.0) { "" } else { "?" };
    let is_here = item.symbol.path.as_deref() == Some(&item.path);
    let name = match (is_here, item.symbol.kind.as_str()) {
        (true, "file") => "top level",
        (true, _) => item.symbol.label(),
        _ => &item.symbol.id,
    };
    format!("{line}: {text}  [{name}{sure} {confidence:.2} {resolution}]")
}

impl MemberList {
    /// Members below their files.
    pub fn compact(&self) -> Vec<String> {
        let mut lines = ByFile::default();
        listed(&self.candidates, &mut lines);
        for MemberItem { symbol, of, relation, confidence, .. } in &self.items {
            let of = of.rsplit('#').next().unwrap_or(of);
            let path = symbol.path.as_deref().unwrap_or_default();
            lines.add(path, format!("{}  [{relation} {of} {confidence:.2}]", symbol.short()));
        }
        lines.lines
    }
}

impl ImpactReport {
    /// What is touched below its files, with depth and confidence; then the risk.
    pub fn compact(&self) -> Vec<String> {
        let mut lines = ByFile::default();
        lines.plain("changed:".to_owned());
        listed(&self.changed.iter().map(|one| one.symbol.clone()).collect::<Vec<_>>(), &mut lines);
        for unclear in &self.unclear {
            lines.plain(format!("{}: {} candidates", unclear.name, unclear.candidates.len()));
            listed(&unclear.candidates, &mut lines);
        }
        for (name, items) in [("touched", &self.items), ("tests", &self.tests), ("entry points", &self.entry_points)] {
            lines.plain(format!("{name}: {}", items.len()));
            for ImpactItem { symbol, depth, confidence, via } in items {
                let path = symbol.path.as_deref().unwrap_or_default();
                lines.add(path, format!("{}  [{depth} {via} {confidence:.2}]", symbol.short()));
            }
        }
        lines.plain(super::lines::risk_line(&self.risk));
        lines.lines.extend(self.unknown_files.iter().map(|path| format!("not in the index: {path}")));
        lines.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::relations::{GraphState, UseSummary};

    #[test]
    fn sites_of_one_file_stand_below_its_path() {
        let symbol = |id: &str, kind: &str| SymbolRef {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: kind.to_owned(),
            path: Some("app.rs".to_owned()),
            line: Some(7),
            exported: false,
            test: false,
        };
        let site = |line, confidence| CallSite {
            line,
            column: 5,
            text: "acquire()".to_owned(),
            role: "call".to_owned(),
            confidence,
            resolution: "import".to_owned(),
        };
        let item = |id, kind, sites: Vec<CallSite>| CallItem {
            symbol: symbol(id, kind),
            depth: 1,
            parent: None,
            confidence: 0.9,
            resolution: "import".to_owned(),
            path: "app.rs".to_owned(),
            site_count: sites.len() as u64 + 1,
            sites,
        };
        let items = vec![
            item("app.rs#Run.go", "method", vec![site(3, 0.95), site(4, 0.4)]),
            item("app.rs", "file", vec![site(9, 0.95)]),
        ];
        let list = CallList {
            symbol: None,
            items,
            summary: Some(UseSummary { confirmed: 2, possible: 1, unresolved_same_name: 0 }),
            candidates: Vec::new(),
            next_cursor: None,
            truncated: false,
            index: GraphState::default(),
            notes: Vec::new(),
        };
        let expected = [
            "app.rs",
            "  3: acquire()  [Run.go 0.95 import]",
            "  4: acquire()  [Run.go? 0.40 import]",
            "  … 1 more in Run.go",
            "  9: acquire()  [top level 0.95 import]",
            "  … 1 more in app.rs",
            "2 confirmed, 1 possible, 0 unresolved of the same name",
        ];
        assert_eq!(list.compact(), expected);
    }
}
