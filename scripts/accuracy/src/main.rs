//! Measures what ours says of code against what compilers say: definitions and callers, by language, tier and form, beside ctags
//! and plain name matching. `scripts/accuracy.sh` fetches the repositories and asks the compilers; this compares.
//!
//! ```text
//! table ─► tree ─┬─► truth (scip, lines) ─► sites ─┐
//!                └─► ours (facts, edges) ──────────┴─► definitions, edges, calibration, baseline ─► rows ─► page, findings
//! ```

mod baseline;
mod calibration;
mod definitions;
mod edges;
mod findings;
mod namesakes;
mod ours;
mod page;
mod rows;
mod shortcomings;
mod sites;
mod table;
mod tree;
mod truth;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;

use self::baseline::Names;
use self::definitions::Known;
use self::edges::Comparison;
use self::findings::Findings;
use self::ours::Ours;
use self::rows::Row;
use self::table::Prepared;
use self::tree::Tree;
use self::truth::Truth;

/// Measures what ours says of code against what compilers say.
#[derive(Debug, Parser)]
#[command(name = "kotadb-accuracy")]
struct Args {
    /// What scripts/accuracy.sh prepared: a line each with name, folder and truth.
    #[arg(long)]
    prepared: PathBuf,
    /// Where `accuracy.json`, `accuracy.md` and the findings are written.
    #[arg(long, default_value = "target")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut rows = Vec::new();
    for prepared in table::prepared(&args.prepared)? {
        let repository = &prepared.repository;
        let (measured, findings) =
            measure(&prepared).with_context(|| format!("cannot measure `{}`", repository.name))?;
        page::print(repository, &measured);
        rows.extend(measured);
        // Who writes rules looks at what is wrong: of these repositories nobody does.
        if !repository.is_held_out {
            let path = args.out.join(format!("accuracy/findings-{}.md", repository.name));
            fs::write(&path, findings.write(&repository.name))
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
    }
    write(&args.out, &rows)
}

fn write(out: &Path, rows: &[Row]) -> anyhow::Result<()> {
    fs::write(out.join("accuracy.json"), serde_json::to_vec_pretty(rows)?)?;
    fs::write(out.join("accuracy.md"), page::page(&table::repositories()?, rows))?;
    Ok(())
}

fn measure(prepared: &Prepared) -> anyhow::Result<(Vec<Row>, Findings)> {
    let repository = &prepared.repository;
    let tree = Tree::read(&prepared.root)?;
    let truth = Truth::read(&prepared.truth, &tree, &repository.language)?;
    let ours = Ours::of(&tree)?;
    let mut findings = Findings::default();
    let known = Known::of(&tree, &truth);
    let mut rows = definitions::measure(&tree, &truth, &ours, &mut findings);
    promise(&mut rows, &repository.language);
    let tags = baseline::ctags(&prepared.ctags, &tree)?;
    rows.extend(baseline::ctags_definitions(&truth, &known, &tags));
    rows.extend(callers(&tree, &truth, &ours, &mut findings));
    rows.extend(baseline::names(&tree, &truth, &baseline::by_name(tags), "ctags"));
    for row in &mut rows {
        row.language.clone_from(&repository.language);
        row.repository.clone_from(&repository.name);
    }
    Ok((rows, findings))
}

/// What is promised of definitions.
fn promise(rows: &mut [Row], language: &str) {
    let recall = if ["typescript", "python"].contains(&language) { 0.995 } else { 0.98 };
    for row in rows {
        match row.metric.as_str() {
            "definitions: precision" => *row = row.clone().at_least(0.98),
            "definitions: recall" => *row = row.clone().at_least(recall),
            _ => {}
        }
    }
}

/// Rows of the callers, ours beside plain name matching over the same symbols.
fn callers(tree: &Tree, truth: &Truth, ours: &Ours, findings: &mut Findings) -> Vec<Row> {
    let n_inside = truth.sites.iter().filter(|site| truth.is_inside(&site.meanings)).count();
    let mut rows = vec![
        Row::count("calls that the truth knows", truth.sites.len()),
        Row::count("calls of symbols of the repository", n_inside),
    ];
    if truth.n_nameless > 0 {
        rows.push(Row::count("calls left out: they name nothing (`super(…)`, operators)", truth.n_nameless));
    }
    let compared = Comparison { tree, truth, ours };
    if ours.is_resolved {
        rows.extend(edges::measure(&compared, findings));
    }
    if !ours.by_name.is_empty() {
        rows.extend(baseline::names(tree, truth, &our_names(tree, ours), "our symbols"));
        above_names(&mut rows);
    }
    rows
}

fn our_names(tree: &Tree, ours: &Ours) -> Names {
    let mut names = Names::new();
    for (name, places) in &ours.by_name {
        let lines = places.iter().map(|&place| (place.file, tree.line(place)));
        names.entry(name.to_string()).or_default().extend(lines);
    }
    names
}

/// The possible set must find what plain name matching finds.
fn above_names(rows: &mut [Row]) {
    let names = rows.iter().find(|row| row.metric == "name matching over our symbols: recall").map(|row| row.value);
    let possible = rows.iter_mut().find(|row| row.metric == "possible: recall");
    if let (Some(names), Some(possible)) = (names, possible) {
        *possible = possible.clone().at_least(names);
    }
}
