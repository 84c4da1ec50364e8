//! The frame of a page: its style, and the policy that lets the browser apply that and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kotadb_core::crypto::sha256;

const STYLE: &str = include_str!("style.css");

/// A page with a title and a body that is HTML already.
pub(crate) fn whole(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · KotaDB</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header><a href=\"/\">KotaDB</a> · <a href=\"/docs\">Docs</a></header>\n<main>{body}</main>\n</body>\n</html>\n"
    )
}

/// Allows the style of [`whole`], by its hash.
pub(crate) fn policy() -> String {
    let hash = STANDARD.encode(sha256(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Text as it may stand in HTML, attributes included.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

/// Prose of the description: what stands between backticks is code, an empty line begins a paragraph.
pub(crate) fn prose(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let parts = paragraph.split('`').enumerate();
        let parts = parts.map(|(nth, part)| match nth % 2 {
            1 => format!("<code>{}</code>", escaped(part)),
            _ => escaped(part).replace('\n', "<br>"),
        });
        format!("<p>{}</p>", parts.collect::<String>())
    });
    paragraphs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_markup() {
        assert_eq!(escaped("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(prose("a `<b>`\n\nc"), "<p>a <code>&lt;b&gt;</code></p><p>c</p>");
    }

    #[test]
    fn the_policy_names_the_style_that_is_sent() {
        let page = whole("t", "");
        let style = page.split("<style>").nth(1).and_then(|rest| rest.split("</style>").next());
        let hash = STANDARD.encode(sha256(style.unwrap_or_default().as_bytes()));
        assert!(policy().contains(&hash));
    }
}
