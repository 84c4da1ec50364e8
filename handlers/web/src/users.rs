//! Who calls a symbol, by how sure that is, and what it calls.

use kotadb_core::search::relations::{CallLine, CallTree, SymbolPlace};
use kotadb_core::text::Language;
use kotadb_core::wire::relations::SymbolRef;
use maud::{Markup, html};

use crate::at::At;
use crate::moment::count;
use crate::visible::Visible;
use crate::{code, links};

/// From here on an edge is as good as certain, and from there on likelier than not.
const CONFIRMED: f32 = 0.8;
const LIKELY: f32 = 0.5;
/// Sites of a caller that are shown.
const SITES: usize = 3;

/// A symbol by its name, its kind, and where it is.
pub(crate) fn name(at: &At, place: &SymbolPlace) -> Markup {
    let symbol = SymbolRef::from(place);
    html! {
        span.kind { (symbol.kind) } " "
        a.go href=(links::symbol(at.id, &symbol.id, &at.asked.at)) { b { (Visible(&symbol.name)) } }
        @if !place.path.is_empty() {
            " " a.quiet href=(format!("{}#L{}", links::file(at.id, &place.path, &at.asked.at), place.line)) {
                (Visible(&String::from_utf8_lossy(&place.path))) ":" (place.line)
            }
        }
        @if symbol.test { " " span.badge { "test" } }
    }
}

/// Callers in three parts; of each part what it means.
pub(crate) fn callers(at: &At, tree: &CallTree) -> Markup {
    let of = |low: f32, high: f32| -> Vec<&CallLine> {
        tree.lines.iter().filter(|line| (low..high).contains(&line.manner.share())).collect()
    };
    let parts = [
        ("Confirmed", "the code says so", of(CONFIRMED, 2.0)),
        ("Likely", "likelier than not", of(LIKELY, CONFIRMED)),
        ("Possible", "the name fits, nothing more is known", of(0.0, LIKELY)),
    ];
    let unresolved = tree.subject.summary.map_or(0, |summary| summary.unresolved_same_name);
    html! {
        section aria-labelledby="callers" {
            h2 #callers { "Callers" }
            @if tree.lines.is_empty() { p { "None is known." } }
            @for (title, meaning, lines) in &parts {
                @if !lines.is_empty() {
                    h3 { (title) " " span.quiet { (count(lines.len() as u64, "caller")) ": " (meaning) } }
                    ol.users { @for line in lines { li { (name(at, &line.symbol)) (sites(at, line)) } } }
                }
            }
            @if unresolved > 0 {
                p.note {
                    (count(unresolved, "reference")) " by this name lead nowhere that is known: callers may be among them."
                }
            }
            @if tree.truncated { p.note { "There are more than are shown." } }
        }
    }
}

/// What it calls.
pub(crate) fn callees(at: &At, tree: &CallTree) -> Markup {
    let (sure, possible): (Vec<_>, Vec<_>) = tree.lines.iter().partition(|line| line.manner.share() >= LIKELY);
    html! {
        section aria-labelledby="callees" {
            h2 #callees { "Calls" }
            @if tree.lines.is_empty() { p { "Nothing that is known." } }
            (called(at, &sure))
            @if !possible.is_empty() {
                details {
                    summary.go { (count(possible.len() as u64, "possible one")) ": the name fits, nothing more is known" }
                    (called(at, &possible))
                }
            }
        }
    }
}

fn called(at: &At, lines: &[&CallLine]) -> Markup {
    html! {
        ol.users { @for line in lines { li { (name(at, &line.symbol)) " " span.quiet { (percent(line)) } } } }
    }
}

fn percent(line: &CallLine) -> String {
    format!("{:.0} % · {}", line.manner.share() * 100.0, line.manner.tier.name())
}

/// The lines where it calls.
fn sites(at: &At, line: &CallLine) -> Markup {
    let link = links::file(at.id, &line.path, &at.asked.at);
    let language = Language::of_path(&line.path).unwrap_or(Language::TEXT);
    html! {
        " " span.quiet { (percent(line)) }
        div.code {
            @for site in line.sites.iter().take(SITES) {
                a.line href=(format!("{link}#L{}", site.line)) {
                    span.n { (site.line) }
                    code { (code::line(site.text.as_bytes(), language, &[])) }
                }
            }
        }
        @if line.n_sites > SITES { p.quiet.after { (count((line.n_sites - SITES) as u64, "site")) " more" } }
    }
}
