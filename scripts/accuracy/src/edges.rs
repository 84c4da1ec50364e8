//! Are callers right? Every call that the truth knows is asked for; every edge of ours that calls is held against it.
//!
//! An edge is wrong where it leads to another symbol than the truth has, or to a symbol of the repository where the truth names
//! one outside. Where the truth says nothing of a name, nobody can tell: such edges are counted apart.

use std::collections::{BTreeMap, HashMap, HashSet};

use kotadb_core::graph::ask::NAMESAKES;
use kotadb_core::graph::{Edge, Target, Tier};

use crate::calibration::Calibration;
use crate::definitions::{Key, key};
use crate::findings::{Finding, Findings};
use crate::ours::Ours;
use crate::rows::Row;
use crate::sites::{Form, Site};
use crate::tree::{Place, Tree};
use crate::truth::Truth;

/// Names with this many targets and more are told together.
const MOST_TOLD: usize = 4;

/// Edges from this confidence on are shown as callers.
pub const SURE: u8 = 80;

/// Right ones among all.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn add(&mut self, is_right: bool) {
        self.right += usize::from(is_right);
        self.all += 1;
    }
}

/// What is compared.
pub struct Comparison<'a> {
    /// Its files.
    pub tree: &'a Tree,
    /// What is true.
    pub truth: &'a Truth,
    /// What ours says.
    pub ours: &'a Ours,
}

#[derive(Default)]
struct Counts {
    sure: Score,
    unsure: Score,
    silent: usize,
    untold: usize,
    /// What few symbols of a name add to the edges of each other.
    by_name: Score,
    by_tier: BTreeMap<Tier, Score>,
    /// By tier, how many targets a name has, whether it is the first of them, and whether the name stands behind another.
    by_number: BTreeMap<(Tier, usize, bool, bool), Score>,
    precision: HashMap<Form, Score>,
    recall: HashMap<Form, Score>,
    found: Score,
    found_by: BTreeMap<Tier, usize>,
    possible: Score,
    /// By reason, what is not even possible though plain name matching finds it.
    named_only: BTreeMap<String, usize>,
    candidates: Score,
    calibration: Calibration,
}

/// Rows of the callers of a repository; what is wrong goes to the findings.
pub fn measure(compared: &Comparison<'_>, findings: &mut Findings) -> Vec<Row> {
    let (tree, truth) = (compared.tree, compared.truth);
    let defined = truth.definitions.iter().map(|(&place, found)| key(tree, place, &found.name)).collect();
    let mut judge = Judge { compared, defined, counts: Counts::default(), findings };
    let sites: HashMap<Place, &Site> = compared.truth.sites.iter().map(|site| (site.place, site)).collect();
    let mut places: Vec<(&Place, &Vec<Edge>)> = compared.ours.edges.iter().collect();
    places.sort_by_key(|(place, _)| **place);
    for (&place, edges) in places {
        judge.hold(place, edges, sites.get(&place).copied());
    }
    for site in compared.sites() {
        judge.ask(site);
    }
    judge.counts.rows()
}

impl Comparison<'_> {
    /// The calls of a symbol of the repository, in files that both know.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        let known = |site: &&Site| self.ours.knows(site.place.file);
        self.truth.sites.iter().filter(known).filter(|site| self.truth.is_inside(&site.meanings))
    }

    /// Whether an edge leads to what is meant.
    fn is_right(&self, edge: &Edge, meanings: &[u32]) -> bool {
        let ours: Vec<Place> = self.ours.homes(edge);
        self.truth.homes(meanings).any(|home| ours.iter().any(|&place| self.is_same(place, home)))
    }

    /// Programs differ on where a name begins: a line and a name tell as well.
    fn is_same(&self, a: Place, b: Place) -> bool {
        let name = |place: Place| self.tree.word(place).trim_start_matches(['#', '~']);
        a == b || a.file == b.file && self.tree.line(a) == self.tree.line(b) && name(a) == name(b)
    }

    /// Whether a symbol that is meant has the name that is written.
    fn is_named(&self, site: &Site) -> bool {
        let named = self.ours.by_name.get(self.tree.word(site.place)).map_or(&[][..], Vec::as_slice);
        self.truth.homes(&site.meanings).any(|home| named.iter().any(|&place| self.is_same(place, home)))
    }

    /// How many symbols have the name that is written, in words.
    fn n_named(&self, site: &Site) -> &'static str {
        match self.ours.by_name.get(self.tree.word(site.place)).map_or(0, Vec::len) {
            0..=NAMESAKES => "few of the name",
            _ => "many of the name",
        }
    }

    fn show_truth(&self, meanings: &[u32]) -> String {
        let homes: Vec<String> = self.truth.homes(meanings).take(3).map(|home| self.tree.show(home)).collect();
        let names: Vec<&str> =
            meanings.iter().map(|&symbol| self.truth.symbols[symbol as usize].name.as_str()).collect();
        format!(
            "truth: {} ({})",
            if homes.is_empty() { "outside".to_owned() } else { homes.join(", ") },
            names.join(", ")
        )
    }

    fn show_edge(&self, edge: &Edge) -> String {
        let target = match self.ours.homes(edge).first() {
            Some(&place) => self.tree.show(place),
            None => format!("{:?}", edge.target),
        };
        format!("ours: {} {} → {target}", edge.tier.name(), edge.confidence.0)
    }

    fn show_reference(&self, place: Place) -> String {
        let facts = self.ours.facts[place.file as usize].as_ref();
        let found = facts.and_then(|facts| facts.references.iter().find(|reference| reference.start == place.offset));
        match found {
            None => "no reference".to_owned(),
            Some(reference) => format!("{} of receiver {:?}", reference.role.name(), reference.receiver),
        }
    }
}

/// Goes through edges and calls, and counts.
struct Judge<'a> {
    compared: &'a Comparison<'a>,
    /// What the truth has a definition of.
    defined: HashSet<Key>,
    counts: Counts,
    findings: &'a mut Findings,
}

impl Judge<'_> {
    /// Whether an edge leads into the repository, to what the truth has a word of: of another branch of an `#if` it has none.
    fn is_judged(&self, edge: &Edge) -> bool {
        let homes = self.compared.ours.homes(edge);
        let tree = self.compared.tree;
        homes.iter().any(|&home| self.defined.contains(&key(tree, home, tree.word(home))))
    }

    /// Holds the edges of one name against the truth.
    fn hold(&mut self, place: Place, edges: &[Edge], site: Option<&Site>) {
        let truth = self.compared.truth;
        let is_call = |edge: &&Edge| site.is_some() || edge.role.is_call();
        let is_inside = |edge: &&Edge| matches!(edge.target, Target::Symbol { .. });
        let (inside, untold): (Vec<&Edge>, Vec<&Edge>) =
            edges.iter().filter(is_inside).filter(is_call).partition(|edge| self.is_judged(edge));
        self.counts.untold += untold.len();
        if inside.is_empty() || !truth.files.contains(&place.file) {
            return;
        }
        let Some(meanings) = truth.uses.get(&place) else {
            self.counts.silent += inside.iter().filter(|edge| edge.confidence.0 >= SURE).count();
            return;
        };
        let namesakes = self.compared.ours.namesakes.get(&place).map_or(&[][..], Vec::as_slice);
        self.counts.candidates.right += inside.len() + untold.len() + namesakes.len();
        self.counts.candidates.all += 1;
        for edge in namesakes.iter().filter(|edge| self.is_judged(edge)).collect::<Vec<_>>() {
            let is_right = self.compared.is_right(edge, meanings);
            self.counts.calibration.add(edge.confidence, is_right);
            self.counts.by_name.add(is_right);
        }
        let is_member = site.is_some_and(|site| site.form == Form::Member);
        for (nth, edge) in inside.iter().enumerate() {
            let is_right = self.compared.is_right(edge, meanings);
            let key = (edge.tier, inside.len().min(MOST_TOLD), nth == 0, is_member);
            self.counts.by_number.entry(key).or_default().add(is_right);
            self.count(place, edge, site, (meanings, is_right));
        }
    }

    fn count(&mut self, place: Place, edge: &Edge, site: Option<&Site>, (meanings, is_right): (&[u32], bool)) {
        self.counts.calibration.add(edge.confidence, is_right);
        self.counts.by_tier.entry(edge.tier).or_default().add(is_right);
        if edge.confidence.0 < SURE {
            self.counts.unsure.add(is_right);
            return;
        }
        self.counts.sure.add(is_right);
        if let Some(site) = site {
            self.counts.precision.entry(site.form).or_default().add(is_right);
        }
        if !is_right {
            let form = site.map_or("no call of the truth", |site| site.form.name());
            let why = format!("{form}, {}", edge.tier.name());
            let detail = [
                self.compared.show_edge(edge),
                self.compared.show_truth(meanings),
                self.compared.show_reference(place),
            ];
            self.find("edges that are wrong", place, why, detail.join("; "));
        }
    }

    /// Asks for the edge of one call.
    fn ask(&mut self, site: &Site) {
        let compared = self.compared;
        let edges = compared.ours.edges.get(&site.place).map_or(&[][..], Vec::as_slice);
        let right: Vec<&Edge> = edges.iter().filter(|edge| compared.is_right(edge, &site.meanings)).collect();
        let sure = right.iter().find(|edge| edge.confidence.0 >= SURE);
        self.counts.found.add(sure.is_some());
        self.counts.recall.entry(site.form).or_default().add(sure.is_some());
        let namesakes = compared.ours.namesakes.get(&site.place).map_or(&[][..], Vec::as_slice);
        let is_namesake = namesakes.iter().any(|edge| compared.is_right(edge, &site.meanings));
        let is_possible = !right.is_empty() || is_namesake;
        self.counts.possible.add(is_possible);
        if let Some(edge) = sure {
            *self.counts.found_by.entry(edge.tier).or_default() += 1;
            return;
        }
        let reference = compared.show_reference(site.place);
        let by_name = if is_namesake { ", by name alone" } else { "" };
        let why = format!("{}, {}{by_name}", site.form.name(), why_missed(edges, &right, &reference));
        let edges: Vec<String> = edges.iter().take(2).map(|edge| compared.show_edge(edge)).collect();
        let detail = [compared.show_truth(&site.meanings), reference, edges.join(", ")].join("; ");
        if !is_possible && compared.is_named(site) {
            let why = format!("{why}, {}", compared.n_named(site));
            *self.counts.named_only.entry(why.clone()).or_default() += 1;
            self.find("calls that only plain name matching finds", site.place, why, detail.clone());
        }
        self.find("calls that are missed", site.place, why, detail);
    }

    fn find(&mut self, kind: &'static str, place: Place, why: String, detail: String) {
        let tree = self.compared.tree;
        self.findings.add(kind, Finding::new(tree, place, tree.word(place), why).with(detail));
    }
}

fn why_missed(edges: &[Edge], right: &[&Edge], reference: &str) -> String {
    match (right.first(), edges.first()) {
        (Some(edge), _) => format!("only possible, {}", edge.tier.name()),
        (None, Some(Edge { target: Target::External(_), .. })) => "taken for something outside".to_owned(),
        (None, Some(edge)) => format!("wrong, {}", edge.tier.name()),
        (None, None) if reference == "no reference" => "no reference".to_owned(),
        (None, None) => "unresolved".to_owned(),
    }
}

impl Counts {
    fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut share = |metric: String, score: Score, target: Option<f64>| {
            let row = Row::share(metric, score.right, score.all);
            rows.extend(row.map(|row| target.map_or(row.clone(), |target| row.at_least(target))));
        };
        share("callers: precision".into(), self.sure, Some(0.95));
        share("callers: recall".into(), self.found, Some(0.80));
        for form in Form::ALL {
            share(
                format!("callers: precision, {}", form.name()),
                self.precision.get(&form).copied().unwrap_or_default(),
                None,
            );
            share(
                format!("callers: recall, {}", form.name()),
                self.recall.get(&form).copied().unwrap_or_default(),
                None,
            );
        }
        for (tier, score) in &self.by_tier {
            share(format!("edges: right, {}", tier.name()), *score, None);
        }
        for (&(tier, n, is_first, is_member), score) in &self.by_number {
            let which = if is_first { "first" } else { "other" };
            let form = if is_member { "member" } else { "bare" };
            let more = if n == MOST_TOLD { " and more" } else { "" };
            share(format!("edges: right, {}, {which} of {n}{more}, {form}", tier.name()), *score, None);
        }
        for (tier, found) in &self.found_by {
            let score = Score { right: *found, all: self.found.all };
            share(format!("callers: recall by {}", tier.name()), score, None);
        }
        share("edges below 0.8: right".into(), self.unsure, None);
        share("edges by name alone: right".into(), self.by_name, None);
        share("possible: recall".into(), self.possible, None);
        let named_only = self.named_only.iter();
        rows.extend(named_only.map(|(why, n)| Row::count(format!("possible: only name matching finds, {why}"), *n)));
        if self.candidates.all > 0 {
            let mean = self.candidates.right as f64 / self.candidates.all as f64;
            rows.push(Row::figure("possible: candidates a site", mean).at_most(3.0));
        }
        rows.extend(self.calibration.rows());
        rows.push(Row::count("edges that the truth is silent about", self.silent));
        rows.push(Row::count("edges to what the truth has no definition of", self.untold));
        rows
    }
}

#[cfg(test)]
#[path = "edges_tests.rs"]
mod tests;
