//! The figures for people: a table as the run goes on, and the page that is kept.

use std::fmt::Write as _;

use crate::rows::Row;
use crate::table::Repository;

/// What the page says of each repository: caption and metric.
const COLUMNS: [(&str, &str); 12] = [
    ("definitions P", "definitions: precision"),
    ("R", "definitions: recall"),
    ("ctags P", "ctags definitions: precision"),
    ("R", "ctags definitions: recall"),
    ("callers P", "callers: precision"),
    ("R", "callers: recall"),
    ("possible R", "possible: recall"),
    ("candidates", "possible: candidates a site"),
    ("calibration error", "edges: calibration error"),
    ("names P", "name matching over our symbols: precision"),
    ("R", "name matching over our symbols: recall"),
    ("calls", "calls of symbols of the repository"),
];

/// Prints the rows of one repository.
pub fn print(repository: &Repository, rows: &[Row]) {
    println!("\n{} {}", repository.language, repository.name);
    for row in rows {
        let holds = row.holds.map_or("", |holds| if holds { "holds" } else { "MISSED" });
        let target = row.target.as_deref().unwrap_or_default();
        println!("  {:<58} {:>9} {:<18} {target:<9} {holds}", row.metric, figure(row), of(row));
    }
}

/// The whole page.
pub fn page(table: &[Repository], rows: &[Row]) -> String {
    let mut text = String::from(INTRODUCTION);
    _ = writeln!(text, "| language | repository | set | {} |", COLUMNS.map(|(caption, _)| caption).join(" | "));
    _ = writeln!(text, "|---|---|---{}|", "|---".repeat(COLUMNS.len()));
    for repository in table {
        let cell = |(_, metric): (&str, &str)| cell(rows, &repository.name, metric);
        let set = if repository.is_held_out { "held out" } else { "tuned" };
        let cells = COLUMNS.map(cell).join(" | ");
        _ = writeln!(text, "| {} | {} | {set} | {cells} |", repository.language, repository.name);
    }
    text += RULES;
    for repository in table {
        _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            repository.language, repository.name, repository.source, repository.why
        );
    }
    text += "\n## All figures\n\nWith the interval of 95 % for shares.\n\n| repository | what | value | of | interval | promised | |\n|---|---|---|---|---|---|---|\n";
    for row in rows {
        let interval = row.interval.map_or(String::new(), |[low, high]| format!("{low:.3}–{high:.3}"));
        let holds = row.holds.map_or("", |holds| if holds { "holds" } else { "**missed**" });
        let of = row.of.map_or(String::new(), |of| of.to_string());
        let target = row.target.as_deref().unwrap_or_default();
        _ = writeln!(
            text,
            "| {} | {} | {} | {of} | {interval} | {target} | {holds} |",
            row.repository,
            row.metric,
            figure(row)
        );
    }
    text
}

fn cell(rows: &[Row], repository: &str, metric: &str) -> String {
    match rows.iter().find(|row| row.repository == repository && row.metric == metric) {
        None => "–".to_owned(),
        Some(row) if row.holds == Some(false) => format!("**{}**", figure(row)),
        Some(row) => figure(row),
    }
}

fn figure(row: &Row) -> String {
    if row.of.is_none() && row.value.fract() == 0.0 && row.target.is_none() {
        return format!("{:.0}", row.value);
    }
    format!("{:.3}", row.value)
}

fn of(row: &Row) -> String {
    row.of.map_or(String::new(), |of| format!("of {of}"))
}

const INTRODUCTION: &str = "\
# Accuracy

What KotaDB says of code, held against what compilers say. `make accuracy` writes this page; its repositories were named in
`scripts/accuracy/repositories.tsv` before the first run, and all of them are shown. Rules are written while the confusions of those
marked *tuned* are read; of those *held out* only the figures are looked at. P: precision, R: recall. What is bold misses its promise.

";

const RULES: &str = "
## What is counted

- **Truth** is rust-analyzer, scip-typescript, scip-python, go/types, javac and clang.
- **Definitions** are compared by file, line and name. Locals, parameters, type parameters and modules are no symbols; what else truth or
  ours leaves out stands below with its count. Code that the truth says nothing at all about (for another system, behind an unused
  feature) is left out. A function inside a function, which the truth calls local, counts neither way; nor does what a truth has no word
  for: fields that parameters of a constructor declare, constructors that are not public, functions in objects whose type is written
  (scip-typescript), fields that it takes for something that it defines nowhere (scip-python), what a macro makes and names (clang).
- **Calls** are names before `(` of which the truth knows the meaning (SCIP), or what the compiler calls a call. In Rust only functions and
  macros: a variant before `(` may be a pattern. The head of a method in an object, `next(value) {`, is none.
- **Callers** are edges of confidence 0.8 and more. P: of these, how many lead to what the truth has; one that leads into the repository
  where the truth names something outside is wrong. R: of the calls of the repository's own symbols, how many have the right edge. The
  method of a trait and that of an impl of the trait are as right as each other; so are a class and its constructor.
  An edge to what the truth has no definition of, as in the other branch of an `#if`, counts neither way.
- **Possible**: the same with edges of any confidence and, where at most eight symbols have the name of a target, these by their name alone:
  what answers have with `min_confidence=0`. Beside it plain name matching over the same symbols.
- **Calibration error**: over ten bins of claimed confidence, the mean distance of what is claimed from what is right. What is claimed
  was set by the rows `edges: right, …` of the repositories marked *tuned*.

## Repositories

| language | name | source | why |
|---|---|---|---|
";
