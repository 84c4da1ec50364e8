//! A bar chart of the 21 queries: time of every match, ours beside the peers', on a logarithmic axis, as one SVG without any
//! script or font of its own.

use std::fmt::Write as _;

use crate::queries::QUERIES;
use crate::report::find;
use crate::rows::Row;

/// A series: tool, metric, caption, colour (readable on light and dark, apart for the colour-blind).
const SERIES: [(&str, &str, &str, &str); 4] = [
    ("kotadb", "all_p50", "KotaDB, every match counted", "#0072b2"),
    ("zoekt", "all_p50", "Zoekt, every match counted (carried over)", "#e69f00"),
    ("rg", "process", "ripgrep, whole process", "#999999"),
    ("csearch", "process", "csearch, whole process", "#cc79a7"),
];

const LABEL_WIDTH: f64 = 170.0;
const PLOT_WIDTH: f64 = 640.0;
const BAR: f64 = 7.0;
const GROUP: f64 = BAR * SERIES.len() as f64 + 8.0;
const TOP: f64 = 70.0;
/// Ends of the axis, as powers of ten of a millisecond.
const DECADES: (i32, i32) = (-2, 4);

/// The chart as SVG.
pub fn draw(rows: &[Row]) -> String {
    let height = TOP + GROUP * QUERIES.len() as f64 + 30.0;
    let width = LABEL_WIDTH + PLOT_WIDTH + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"10\" y=\"20\" font-size=\"14\">21 queries on Linux 6.1, milliseconds (logarithmic; shorter is better)</text>\n"
    );
    legend(&mut svg);
    axis(&mut svg, height);
    for (nth, query) in QUERIES.iter().enumerate() {
        let top = TOP + GROUP * nth as f64;
        _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LABEL_WIDTH - 8.0,
            top + GROUP / 2.0,
            query.name
        );
        for (at, (tool, metric, _, colour)) in SERIES.iter().enumerate() {
            if let Some(value) = find(rows, query.name, tool, metric) {
                bar(&mut svg, top + BAR * at as f64, value, colour);
            }
        }
    }
    svg + "</svg>\n"
}

fn legend(svg: &mut String) {
    for (nth, (_, _, caption, colour)) in SERIES.iter().enumerate() {
        let x = 10.0 + 205.0 * nth as f64;
        _ = writeln!(svg, "<rect x=\"{x}\" y=\"32\" width=\"10\" height=\"10\" fill=\"{colour}\"/>");
        _ = writeln!(svg, "<text x=\"{}\" y=\"41\" font-size=\"10\">{caption}</text>", x + 14.0);
    }
}

fn axis(svg: &mut String, height: f64) {
    for decade in DECADES.0..=DECADES.1 {
        let x = LABEL_WIDTH + place(10f64.powi(decade));
        let (from, to) = (TOP - 4.0, height - 20.0);
        _ = writeln!(svg, "<line x1=\"{x}\" y1=\"{from}\" x2=\"{x}\" y2=\"{to}\" stroke=\"#dddddd\"/>");
        _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            height - 6.0,
            10f64.powi(decade)
        );
    }
}

fn bar(svg: &mut String, top: f64, value: f64, colour: &str) {
    let length = place(value).max(1.0);
    let height = BAR - 1.0;
    _ = writeln!(
        svg,
        "<rect x=\"{LABEL_WIDTH}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{height}\" fill=\"{colour}\"/>"
    );
    let caption = if value >= 10.0 { format!("{value:.0}") } else { format!("{value:.2}") };
    _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"7\">{caption}</text>",
        LABEL_WIDTH + length + 3.0,
        top + BAR - 1.0
    );
}

/// Distance of a value from the axis.
fn place(value: f64) -> f64 {
    let (low, high) = (f64::from(DECADES.0), f64::from(DECADES.1));
    ((value.max(1e-9).log10() - low) / (high - low)).clamp(0.0, 1.0) * PLOT_WIDTH
}
