//! A bar chart as one SVG without any script or font of its own: the times of the 21 queries, ours beside the peers', on a
//! logarithmic axis; below them, of everything else that was promised, how much of the limit is used.

use std::fmt::Write as _;

use crate::queries::QUERIES;
use crate::report::{figure, find};
use crate::rows::Row;

/// A series: tool, metric, caption, colour (readable on light and dark, apart for the colour-blind).
const SERIES: [(&str, &str, &str, &str); 8] = [
    ("kotadb", "page_p50", "KotaDB, page, median", "#56b4e9"),
    ("kotadb", "page_p99", "KotaDB, page, 99 of 100", "#009e73"),
    ("kotadb", "all_p50", "KotaDB, every match counted", "#0072b2"),
    ("kotadb", "process", "KotaDB, whole process", "#004369"),
    ("zoekt", "page_p50", "Zoekt, page, median (carried over)", "#f0e442"),
    ("zoekt", "all_p50", "Zoekt, every match counted (carried over)", "#e69f00"),
    ("rg", "process", "ripgrep, whole process", "#999999"),
    ("csearch", "process", "csearch, whole process", "#cc79a7"),
];
const HOLDS: &str = "#0072b2";
const MISSED: &str = "#d55e00";

const LABEL_WIDTH: f64 = 210.0;
const PLOT_WIDTH: f64 = 640.0;
const WIDTH: f64 = LABEL_WIDTH + PLOT_WIDTH + 130.0;
const BAR: f64 = 5.0;
const GROUP: f64 = BAR * SERIES.len() as f64 + 8.0;
const TOP: f64 = 90.0;
/// Ends of the axis of the queries, as powers of ten of a millisecond.
const DECADES: (i32, i32) = (-2, 4);
/// Height of a promise, and the share of its limit at the end of the axis.
const PROMISE: f64 = 16.0;
const MOST_SHARE: f64 = 2.0;

/// The chart as SVG.
pub fn draw(rows: &[Row]) -> String {
    let is_query = |row: &&Row| QUERIES.iter().any(|query| query.name == row.name);
    let promises: Vec<&Row> = rows.iter().filter(|row| row.holds.is_some() && !is_query(row)).collect();
    let bottom = TOP + GROUP * QUERIES.len() as f64;
    let height = bottom + 90.0 + PROMISE * promises.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    title(&mut svg, 20.0, "21 queries on Linux 6.1, milliseconds (logarithmic; shorter is better)");
    legend(&mut svg);
    decades(&mut svg, bottom);
    queries(&mut svg, rows);
    title(&mut svg, bottom + 50.0, "What else was promised: the share of the limit that is used (shorter is better)");
    shares(&mut svg, bottom + 70.0, &promises);
    svg + "</svg>\n"
}

fn title(svg: &mut String, y: f64, text: &str) {
    _ = writeln!(svg, "<text x=\"10\" y=\"{y}\" font-size=\"14\">{text}</text>");
}

fn legend(svg: &mut String) {
    for (nth, (_, _, caption, colour)) in SERIES.iter().enumerate() {
        let (x, y) = (10.0 + 240.0 * (nth % 4) as f64, 32.0 + 18.0 * (nth / 4) as f64);
        _ = writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"10\" height=\"10\" fill=\"{colour}\"/>");
        _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" font-size=\"10\">{caption}</text>", x + 14.0, y + 9.0);
    }
}

fn decades(svg: &mut String, bottom: f64) {
    for decade in DECADES.0..=DECADES.1 {
        let ms = 10f64.powi(decade);
        line(svg, place(ms), (TOP - 4.0, bottom), &ms.to_string());
    }
}

fn queries(svg: &mut String, rows: &[Row]) {
    for (nth, query) in QUERIES.iter().enumerate() {
        let top = TOP + GROUP * nth as f64;
        label(svg, top + GROUP / 2.0, query.name);
        for (at, (tool, metric, _, colour)) in SERIES.iter().enumerate() {
            if let Some(value) = find(rows, query.name, tool, metric) {
                bar(svg, (top + BAR * at as f64, BAR), place(value), colour, &figure(value));
            }
        }
    }
}

fn shares(svg: &mut String, top: f64, promises: &[&Row]) {
    for (share, caption) in [(0.0, "0"), (1.0, "the limit"), (MOST_SHARE, "twice")] {
        line(svg, share / MOST_SHARE * PLOT_WIDTH, (top - 4.0, top + PROMISE * promises.len() as f64), caption);
    }
    for (nth, row) in promises.iter().enumerate() {
        let at = top + PROMISE * nth as f64;
        let share = row.share().unwrap_or(MOST_SHARE).min(MOST_SHARE);
        let colour = if row.holds == Some(true) { HOLDS } else { MISSED };
        let caption = format!("{} {} ({})", figure(row.value), row.unit, row.target.as_deref().unwrap_or_default());
        label(svg, at + PROMISE * 0.7, &format!("{}, {}", row.name, row.metric));
        bar(svg, (at, PROMISE - 4.0), share / MOST_SHARE * PLOT_WIDTH, colour, &caption);
    }
}

fn label(svg: &mut String, y: f64, text: &str) {
    let text = escape(text);
    _ = writeln!(svg, "<text x=\"{}\" y=\"{y:.1}\" text-anchor=\"end\">{text}</text>", LABEL_WIDTH - 8.0);
}

/// A line across the bars, `x` from the axis, with its caption below.
fn line(svg: &mut String, x: f64, (from, to): (f64, f64), caption: &str) {
    let x = LABEL_WIDTH + x;
    _ = writeln!(svg, "<line x1=\"{x}\" y1=\"{from}\" x2=\"{x}\" y2=\"{to}\" stroke=\"#dddddd\"/>");
    _ = writeln!(svg, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{caption}</text>", to + 14.0);
}

fn bar(svg: &mut String, (top, height): (f64, f64), length: f64, colour: &str, caption: &str) {
    let (length, thick, caption) = (length.max(1.0), height - 1.0, escape(caption));
    _ = writeln!(
        svg,
        "<rect x=\"{LABEL_WIDTH}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{thick}\" fill=\"{colour}\"/>"
    );
    let (x, y, size) = (LABEL_WIDTH + length + 3.0, top + height - 1.0, height.clamp(6.0, 10.0));
    _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\">{caption}</text>");
}

/// Distance of a time from the axis.
fn place(ms: f64) -> f64 {
    let (low, high) = (f64::from(DECADES.0), f64::from(DECADES.1));
    ((ms.max(1e-9).log10() - low) / (high - low)).clamp(0.0, 1.0) * PLOT_WIDTH
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_series_and_promise_has_a_bar() {
        let rows = [
            Row::ours("lit-rare-2", "all_p50", 0.3, "ms").at_most(0.6),
            Row::of("rg", "lit-rare-2", "process", 300.0, "ms"),
            Row::ours("build", "index/text", 0.285, "ratio").at_most(0.33),
            Row::ours("build", "throughput", 70.0, "MB/s").at_least(80.0),
        ];
        let svg = draw(&rows);
        assert_eq!(svg.matches("<rect").count(), 1 + SERIES.len() + rows.len());
        assert!(svg.contains("70 MB/s (>= 80.0000)") && svg.contains("0.28 ratio (&lt;= 0.3300)"), "{svg}");
        assert_eq!((svg.matches(MISSED).count(), svg.matches("</svg>").count()), (1, 1));
    }
}
