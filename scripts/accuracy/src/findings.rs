//! What went wrong, the worst first: grouped by name and reason, so that one fault of a rule is one line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::tree::{Place, Tree};

/// How many groups are shown of each kind.
const SHOWN: usize = 30;

/// One thing that went wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The name that it is about.
    pub name: String,
    /// Why it is wrong.
    pub why: String,
    /// `path:line`.
    pub at: String,
    /// The line.
    pub line: String,
    /// What else helps to see why.
    pub detail: String,
}

impl Finding {
    /// About a name at a place.
    pub fn new(tree: &Tree, place: Place, name: &str, why: String) -> Self {
        let line: String = tree.line_text(place).chars().take(120).collect();
        Self { name: name.to_owned(), why, at: tree.show(place), line, detail: String::new() }
    }

    /// With more to see.
    pub fn with(self, detail: String) -> Self {
        Self { detail, ..self }
    }
}

/// All of one repository, by kind.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<&'static str, Vec<Finding>>);

impl Findings {
    /// Adds one.
    pub fn add(&mut self, kind: &'static str, finding: Finding) {
        self.0.entry(kind).or_default().push(finding);
    }

    /// Those of a kind.
    #[cfg(test)]
    pub fn of(&self, kind: &str) -> &[Finding] {
        self.0.get(kind).map_or(&[], Vec::as_slice)
    }

    /// As text: of each kind the reasons by count, then the groups by count, each with up to three places.
    pub fn write(&self, repository: &str) -> String {
        let mut text = String::new();
        for (kind, findings) in &self.0 {
            _ = writeln!(text, "\n## {repository}: {kind} ({})\n", findings.len());
            for (why, n) in counted(findings, |finding| finding.why.clone()).iter().take(12) {
                _ = writeln!(text, "- {} × {why}", n.len());
            }
            _ = writeln!(text);
            for ((name, why), group) in
                counted(findings, |finding| (finding.name.clone(), finding.why.clone())).iter().take(SHOWN)
            {
                _ = writeln!(text, "{:>5} × `{name}`: {why}", group.len());
                for finding in group.iter().take(3) {
                    _ = writeln!(text, "        {}  {}", finding.at, finding.line);
                    if !finding.detail.is_empty() {
                        _ = writeln!(text, "            {}", finding.detail);
                    }
                }
            }
        }
        text
    }
}

/// Groups by a key, the largest first.
fn counted<K: Ord>(findings: &[Finding], key: impl Fn(&Finding) -> K) -> Vec<(K, Vec<&Finding>)> {
    let mut groups: BTreeMap<K, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups.entry(key(finding)).or_default().push(finding);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups
}
