//! What a change may break, as a drawing: a column for each step, a line from whoever is touched to what it uses. The same stands
//! below as a list, for whoever does not see it.

use std::collections::HashMap;

use kotadb_core::graph::NodeId;
use kotadb_core::search::relations::{ImpactAnswer, ImpactLine, SymbolPlace};
use maud::{Markup, html};

use crate::at::At;
use crate::links;
use crate::moment::count;
use crate::users;
use crate::visible::{Visible, plain};

/// Columns, and boxes of a column, that are drawn.
const COLUMNS: u32 = 4;
const ROWS: usize = 9;
/// Units of the drawing.
const WIDTH: usize = 190;
const HEIGHT: usize = 30;
const GAP: usize = 56;
const STEP: usize = 40;
/// Letters of a name that a box has room for.
const LETTERS: usize = 22;
/// Tests and symbols that are listed.
const LISTED: usize = 60;

/// A symbol in the drawing.
struct Drawn<'a> {
    symbol: &'a SymbolPlace,
    column: usize,
    row: usize,
    class: &'static str,
    /// What it leads to.
    from: Option<usize>,
}

/// The whole section.
pub(crate) fn impact(at: &At, subject: &SymbolPlace, answer: &ImpactAnswer) -> Markup {
    let figures = &answer.impact;
    let n = |n: usize, noun: &str| count(n as u64, noun);
    html! {
        section aria-labelledby="impact" {
            h2 #impact { "Impact of a change" }
            p {
                (n(figures.direct, "direct user")) ", " (n(figures.transitive, "indirect one")) " in " (n(figures.files, "file"))
                ", " (n(figures.tests, "test")) @if figures.tests == 0 { ": none reaches it" }
                ". Risk " strong { (format!("{:.2}", figures.score)) } " of 1."
            }
            @if !answer.lines.is_empty() {
                (drawing(at, subject, &answer.lines))
                (list(at, "What may break", answer.lines.iter().filter(|line| !line.how.is_test)))
                (list(at, "Tests that reach it", answer.lines.iter().filter(|line| line.how.is_test)))
            }
            p.quiet { "Calls by reflection, from generated code or from other repositories are not seen." }
        }
    }
}

fn list<'a>(at: &At, title: &str, lines: impl Iterator<Item = &'a ImpactLine>) -> Markup {
    let lines: Vec<_> = lines.collect();
    html! {
        @if !lines.is_empty() {
            details {
                summary.go { (title) ": " (lines.len()) }
                ol.users {
                    @for line in lines.iter().take(LISTED) {
                        li {
                            (users::name(at, &line.symbol))
                            " " span.quiet { "step " (line.how.depth) " · " (format!("{:.0} %", line.how.confidence * 100.0)) " · " (line.how.via.name()) }
                        }
                    }
                }
                @if lines.len() > LISTED { p.quiet.after { (lines.len() - LISTED) " more" } }
            }
        }
    }
}

fn drawing(at: &At, subject: &SymbolPlace, lines: &[ImpactLine]) -> Markup {
    let drawn = place(subject, lines);
    let columns = drawn.iter().map(|one| one.column).max().unwrap_or_default() + 1;
    let rows = drawn.iter().map(|one| one.row).max().unwrap_or_default() + 1;
    let (width, height) = (columns * (WIDTH + GAP) - GAP + 4, rows * STEP);
    let left_out = lines.len() + 1 - drawn.len();
    html! {
        div.wide tabindex="0" role="group" aria-label="Drawing of the impact" {
            svg.graph width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                @for one in &drawn {
                    @if let Some(other) = one.from.map(|from| &drawn[from]) { path class=(one.class) d=(edge(other, one)) {} }
                }
                @for one in &drawn { (figure(at, one)) }
            }
        }
        @if left_out > 0 { p.quiet { (count(left_out as u64, "symbol")) " more are in the list." } }
    }
}

/// Where each symbol stands: near what it leads to.
fn place<'a>(subject: &'a SymbolPlace, lines: &'a [ImpactLine]) -> Vec<Drawn<'a>> {
    let mut drawn = vec![Drawn { symbol: subject, column: 0, row: 0, class: "subject", from: None }];
    let mut known: HashMap<NodeId, usize> = HashMap::from([(subject.node, 0)]);
    for depth in 1..=COLUMNS {
        let of_column = lines.iter().filter(|line| line.how.depth == depth);
        let mut column: Vec<(usize, &ImpactLine)> =
            of_column.filter_map(|line| Some((*known.get(&line.how.from)?, line))).take(ROWS).collect();
        column.sort_by_key(|(from, _)| drawn[*from].row);
        for (row, (from, line)) in column.into_iter().enumerate() {
            let class = match (line.how.is_test, line.how.confidence) {
                (true, _) => "test",
                (false, sure) if sure >= 0.5 => "sure",
                _ => "maybe",
            };
            known.insert(line.symbol.node, drawn.len());
            drawn.push(Drawn { symbol: &line.symbol, column: depth as usize, row, class, from: Some(from) });
        }
    }
    drawn
}

fn figure(at: &At, one: &Drawn<'_>) -> Markup {
    let (x, y) = (one.column * (WIDTH + GAP) + 2, one.row * STEP + 4);
    let name = plain(&one.symbol.name);
    let shown: String = match name.chars().count() > LETTERS {
        true => name.chars().take(LETTERS - 1).chain(['…']).collect(),
        false => name.to_string(),
    };
    html! {
        a href=(links::symbol(at.id, &one.symbol.id, &at.asked.at)) {
            title { (Visible(&plain(&one.symbol.id))) }
            rect class=(one.class) x=(x) y=(y) width=(WIDTH) height=(HEIGHT) rx="5" {}
            text x=(x + 10) y=(y + HEIGHT / 2 + 5) { (shown) }
        }
    }
}

/// From the right side of one box to the left side of another.
fn edge(from: &Drawn<'_>, to: &Drawn<'_>) -> String {
    let (x1, x2) = (from.column * (WIDTH + GAP) + 2 + WIDTH, to.column * (WIDTH + GAP) + 2);
    let middle_of = |row: usize| row * STEP + 4 + HEIGHT / 2;
    let (y1, y2, bend) = (middle_of(from.row), middle_of(to.row), x2.saturating_sub(x1) / 2);
    format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2.saturating_sub(bend))
}
