//! What keys do and how to ask: a dialog on every page, which `?` opens. Without a script its button leads to the page on queries.

use maud::{Markup, html};

use crate::home;

/// Keys, and what each does.
const KEYS: [(&[&str], &str); 11] = [
    (&["/"], "to the search box"),
    (&["j", "k"], "to the next and the previous one; the arrow keys, too"),
    (&["Enter"], "opens it; with Ctrl in another tab"),
    (&["h", "l"], "hide and show further lines of a result"),
    (&["t"], "finds files of the repository"),
    (&["l"], "in a file: to a line by its number"),
    (&["y"], "makes the address that of this commit"),
    (&["Shift", "click"], "on a number: chooses lines up to there"),
    (&["Esc"], "leaves the box, or closes what is open"),
    (&["↓", "↑"], "in the search box: suggestions and earlier queries"),
    (&["?"], "this"),
];
/// What narrows, and an example.
const FIELDS: [(&str, &str); 8] = [
    ("repo:owner/name", "repositories with that in their name"),
    ("path:*.rs", "paths; also file:"),
    ("lang:rust", "a language"),
    ("sym:Pool.acquire", "files that define it"),
    ("ref:v1.2", "a branch, tag or commit"),
    ("case:yes", "upper and lower case as written"),
    ("-word, NOT word", "files without it"),
    ("(a OR b) c", "either, and another"),
];

/// The button that opens it.
pub(crate) fn button() -> Markup {
    html! { a.help href="/docs/query" data-help title="Keys and queries (?)" { span aria-hidden="true" { "?" } span.unseen { "Keys and queries" } } }
}

/// The dialog; closed until a script opens it.
pub(crate) fn dialog() -> Markup {
    html! {
        dialog #help aria-labelledby="help-title" {
            form.close method="dialog" { button.plain type="submit" { "Close" } }
            h2 #help-title { "Keys" }
            dl.facts {
                @for (keys, what) in KEYS {
                    dt { @for key in keys { kbd { (key) } " " } }
                    dd { (what) }
                }
            }
            h2 { "Queries" }
            dl.facts { @for (field, what) in FIELDS { dt { code { (field) } } dd { (what) } } }
            h2 { "Examples" }
            (home::examples())
            p { a href="/docs/query" { "The whole language" } }
        }
    }
}
