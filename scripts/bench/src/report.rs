//! All rows in one place: `engine.json`, tables in `engine.md`, a chart in `engine.svg`. Here Zoekt's figures are carried over to
//! this machine, and what is promised of the queries is held against them.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::chart;
use crate::queries::{Kind, NO_LITERAL, QUERIES, UNFAIR_RG};
use crate::rows::{Row, Rows};
use crate::samples::{geometric_mean, median};

/// Writes the three files into `out`.
pub fn run(out: &Path) -> anyhow::Result<()> {
    let mut rows = Rows::open(out)?.read_all()?;
    let judged = judge(&mut rows);
    rows.extend(judged);
    fs::write(out.join("engine.json"), serde_json::to_vec_pretty(&rows)?)?;
    let markdown = markdown(&rows);
    fs::write(out.join("engine.md"), &markdown)?;
    fs::write(out.join("engine.svg"), chart::draw(&rows))?;
    println!("{markdown}");
    Ok(())
}

/// Finds the one figure with these names.
pub fn find(rows: &[Row], name: &str, tool: &str, metric: &str) -> Option<f64> {
    rows.iter().find(|row| row.name == name && row.tool == tool && row.metric == metric).map(|row| row.value)
}

/// Holds our queries against Zoekt and ripgrep; gives Zoekt's figures and what follows from several rows.
fn judge(rows: &mut [Row]) -> Vec<Row> {
    let ratios = QUERIES.iter().filter(|query| query.name != UNFAIR_RG);
    let ratios: Vec<f64> =
        ratios.filter_map(|query| Some(find(rows, query.name, "rg", "process")? / query.measured.rg)).collect();
    if ratios.is_empty() {
        return Vec::new();
    }
    let scale = median(ratios);
    let mut out = vec![Row::of("rg", "this machine", "time/measured", scale, "ratio")];
    let mut gains = Vec::new();
    for query in &QUERIES {
        let measured = query.measured;
        for (metric, theirs) in
            [("page_p50", measured.page_p50), ("page_p99", measured.page_p99), ("all_p50", measured.all_p50)]
        {
            let theirs = theirs * scale;
            out.push(Row::of("zoekt", query.name, metric, theirs, "ms"));
            for ours in rows.iter_mut().filter(|row| is_ours(row, query.name, metric)) {
                *ours = ours.clone().at_most(theirs);
                if metric == "all_p50" {
                    gains.push(theirs / ours.value);
                }
            }
        }
        let counted = if query.kind == Kind::FileName { "files" } else { "lines" };
        if let Some(theirs) = find(rows, query.name, "rg", "lines") {
            let is_ours = |row: &Row| row.metric == counted && ["kotadb", "kotadb 256 MiB"].contains(&&*row.tool);
            for ours in rows.iter_mut().filter(|row| row.name == query.name && is_ours(row)) {
                *ours = ours.clone().just(theirs);
            }
        }
        if NO_LITERAL.contains(&query.name)
            && let (Some(ours), Some(rg)) =
                (find(rows, query.name, "kotadb", "all_p50"), find(rows, query.name, "rg", "process"))
        {
            out.push(Row::ours(query.name, "all_p50/rg", ours / rg, "ratio").at_most(1.0));
        }
    }
    if !gains.is_empty() {
        out.push(Row::ours("21 queries", "zoekt/all_p50", geometric_mean(&gains), "ratio").at_least(3.0));
    }
    out
}

/// What the table says of each query: caption, tool, metric.
const COLUMNS: [(&str, &str, &str); 19] = [
    ("page p50", "kotadb", "page_p50"),
    ("Zoekt", "zoekt", "page_p50"),
    ("page p99", "kotadb", "page_p99"),
    ("Zoekt", "zoekt", "page_p99"),
    ("all p50", "kotadb", "all_p50"),
    ("Zoekt", "zoekt", "all_p50"),
    ("HTTP: page p50", "kotadb http", "page_p50"),
    ("page p99", "kotadb http", "page_p99"),
    ("all p50", "kotadb http", "all_p50"),
    ("MCP: page p50", "kotadb mcp", "page_p50"),
    ("256 MiB: page p50", "kotadb 256 MiB", "page_p50"),
    ("page p99", "kotadb 256 MiB", "page_p99"),
    ("all p50", "kotadb 256 MiB", "all_p50"),
    ("process, a page", "kotadb", "process"),
    ("all lines", "kotadb all lines", "process"),
    ("rg", "rg", "process"),
    ("csearch", "csearch", "process"),
    ("lines", "kotadb", "lines"),
    ("rg", "rg", "lines"),
];

fn is_ours(row: &Row, name: &str, metric: &str) -> bool {
    row.name == name && row.tool == "kotadb" && row.metric == metric
}

fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "# The engine, measured\n\nMilliseconds, in a process with a cache of 2 GiB unless another one is named; a page has 50 files, over HTTP 50 lines. \
         Zoekt's are carried over by the ratio of ripgrep's times.\n\n![The 21 queries and the promises](engine.svg)\n\n",
    );
    text += &format!(
        "| query | {} |\n|---{}|\n",
        COLUMNS.map(|(caption, ..)| caption).join(" | "),
        "|---".repeat(COLUMNS.len())
    );
    for query in &QUERIES {
        let cell =
            |(_, tool, metric): (&str, &str, &str)| find(rows, query.name, tool, metric).map_or("–".to_owned(), figure);
        _ = writeln!(text, "| {} | {} |", query.name, COLUMNS.map(cell).join(" | "));
    }
    text += "\n# Promises\n\n| what | metric | value | promised | |\n|---|---|---|---|---|\n";
    for row in rows.iter().filter(|row| row.holds.is_some()) {
        let holds = if row.holds == Some(true) { "holds" } else { "**missed**" };
        let target = row.target.as_deref().unwrap_or_default();
        _ = writeln!(
            text,
            "| {} | {}{} | {} {} | {target} | {holds} |",
            row.name,
            row.metric,
            row.runs.map_or(String::new(), |runs| format!(" of {runs} runs")),
            figure(row.value),
            row.unit
        );
    }
    text += "\n# Everything else\n\n| what | tool | metric | value |\n|---|---|---|---|\n";
    let is_query = |row: &Row| QUERIES.iter().any(|query| query.name == row.name);
    for row in rows.iter().filter(|row| row.holds.is_none() && !is_query(row)) {
        _ = writeln!(text, "| {} | {} | {} | {} {} |", row.name, row.tool, row.metric, figure(row.value), row.unit);
    }
    text
}

/// Three digits that matter.
pub fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zoekt_is_carried_over_by_ripgrep() {
        let mut rows: Vec<Row> =
            QUERIES.iter().map(|query| Row::of("rg", query.name, "process", query.measured.rg / 2.0, "ms")).collect();
        rows.push(Row::ours("lit-rare-2", "all_p50", 0.30, "ms"));
        rows.push(Row::ours("re-no-literal", "all_p50", 1434.3, "ms"));
        let judged = judge(&mut rows);
        let zoekt = find(&judged, "lit-rare-2", "zoekt", "all_p50").unwrap();
        assert!((zoekt - 0.29).abs() < 1e-9);
        let ours = |name: &str| rows.iter().find(|row| is_ours(row, name, "all_p50")).unwrap().holds;
        assert_eq!((ours("lit-rare-2"), ours("re-no-literal")), (Some(false), Some(true)));
        let against_rg = judged.iter().find(|row| row.metric == "all_p50/rg").unwrap();
        assert_eq!((against_rg.value.round(), against_rg.holds), (2.0, Some(false)));
    }
}
