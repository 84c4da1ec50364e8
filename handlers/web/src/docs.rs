//! `GET /docs` and `/docs/{page}`: what stands beside the code, as pages. Public, and made once.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::Response;
use kotadb_core::http::ApiError;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use crate::layout::{Page, Visitor};
use crate::links;

/// A document: its address, its title, what it is about, where it is in the repository, its text.
struct Document {
    page: &'static str,
    title: &'static str,
    about: &'static str,
    file: &'static str,
    text: &'static str,
}

const DOCUMENTS: [Document; 7] = [
    Document {
        page: "start",
        title: "Start",
        about: "What KotaDB is, how it is set up and asked, and all its settings.",
        file: "README.md",
        text: include_str!("../../../README.md"),
    },
    Document {
        page: "query",
        title: "Query syntax",
        about: "Words, phrases, regular expressions, and where to look.",
        file: "core/src/query/syntax.md",
        text: include_str!("../../../core/src/query/syntax.md"),
    },
    Document {
        page: "deploy",
        title: "Deploying",
        about: "How the service gets to Fly and Supabase, step by step.",
        file: "DEPLOYMENT.md",
        text: include_str!("../../../DEPLOYMENT.md"),
    },
    Document {
        page: "operate",
        title: "Operating",
        about: "What to watch, and what to do when something is wrong.",
        file: "OPERATIONS.md",
        text: include_str!("../../../OPERATIONS.md"),
    },
    Document {
        page: "accuracy",
        title: "Accuracy",
        about: "What is said of callers and definitions, beside what compilers say.",
        file: "ACCURACY.md",
        text: include_str!("../../../ACCURACY.md"),
    },
    Document {
        page: "benchmarks",
        title: "Benchmarks",
        about: "What it takes, in time, memory and bytes, and how to measure it.",
        file: "BENCHMARKS.md",
        text: include_str!("../../../BENCHMARKS.md"),
    },
    Document {
        page: "changes",
        title: "Changes",
        about: "What users and operators notice, newest first.",
        file: "CHANGELOG.md",
        text: include_str!("../../../CHANGELOG.md"),
    },
];

static PAGES: LazyLock<Vec<String>> = LazyLock::new(|| DOCUMENTS.iter().map(|one| rendered(one.text)).collect());

/// The list of them.
pub(crate) async fn list(visitor: Visitor) -> Response {
    let body = html! {
        section.narrow {
            h1 { "Docs" }
            ul.plain-list {
                @for one in &DOCUMENTS {
                    li { a.go href=(format!("/docs/{}", one.page)) { (one.title) } " " span.quiet { (one.about) } }
                }
                li { a.go href="/docs/api" { "API reference" } " " span.quiet { "Every route, with what it takes and answers." } }
                li { a.go href="/llms.txt" { "llms.txt" } " " span.quiet { "The same for language models." } }
            }
        }
    };
    Page::new(&visitor, "Docs").show(&body)
}

/// One of them.
pub(crate) async fn show(visitor: Visitor, Path(page): Path<String>) -> Result<Response, ApiError> {
    let found = DOCUMENTS.iter().zip(PAGES.iter()).find(|(one, _)| one.page == page);
    let (document, html) = found.ok_or_else(|| ApiError::not_found("page"))?;
    Ok(Page::new(&visitor, document.title).show(&body(document, html)))
}

fn body(document: &Document, text: &str) -> Markup {
    html! {
        div.prose {
            nav.kinds aria-label="Docs" {
                @for one in &DOCUMENTS {
                    a href=(format!("/docs/{}", one.page)) aria-current=[(one.page == document.page).then_some("page")] { (one.title) }
                }
                a href="/docs/api" { "API" }
            }
            (PreEscaped(text))
        }
    }
}

/// Headings get an anchor, examples of queries become links, a link to a file of the repository leads to its page or is none, and a picture
/// is left out.
fn rendered(text: &str) -> String {
    let mut events: Vec<Event<'_>> = Vec::new();
    let (mut is_query, mut is_image) = (false, false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            // Pictures lie beside the documents, and not in the program.
            Event::Start(Tag::Image { .. }) => is_image = true,
            Event::End(TagEnd::Image) => is_image = false,
            _ if is_image => {}
            Event::Start(Tag::CodeBlock(kind)) => {
                is_query = matches!(&kind, CodeBlockKind::Fenced(info) if &**info == "query");
                if !is_query {
                    events.push(Event::Start(Tag::CodeBlock(kind)))
                }
            }
            Event::End(TagEnd::CodeBlock) if is_query => is_query = false,
            Event::Text(queries) if is_query => events.push(Event::Html(examples(&queries).into_string().into())),
            Event::Html(raw) | Event::InlineHtml(raw) if raw.trim_start().starts_with("<!--") => {}
            Event::Html(raw) | Event::InlineHtml(raw) => events.push(Event::Text(raw)),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                events.push(Event::Start(Tag::Link { link_type, dest_url: target(dest_url), title, id }));
            }
            other => events.push(other),
        }
    }
    anchored(&mut events);
    let mut html = String::new();
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    html.replace("<p></p>\n", "")
        .replace("<table>", "<div class=\"wide\" tabindex=\"0\"><table>")
        .replace("</table>", "</table></div>")
        .replace("<pre>", "<pre tabindex=\"0\">")
}

fn examples(queries: &str) -> Markup {
    html! {
        ul.examples { @for query in queries.lines() { li { a.go href=(links::search(query)) { code { (query) } } } } }
    }
}

/// Where a link of a file leads from a page.
fn target(link: CowStr<'_>) -> CowStr<'_> {
    let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
    if file.starts_with("https://") || (file.is_empty() && !anchor.is_empty()) {
        return link;
    }
    let found = DOCUMENTS.iter().find(|one| one.file == file);
    let page = found.map_or_else(|| "/docs".to_owned(), |one| format!("/docs/{}", one.page));
    if anchor.is_empty() || found.is_none() { page.into() } else { format!("{page}#{anchor}").into() }
}

/// Gives headings the anchors that links between documents mean.
fn anchored(events: &mut [Event<'_>]) {
    for at in 0..events.len() {
        if !matches!(events[at], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let end = events[at..].iter().position(|event| matches!(event, Event::End(TagEnd::Heading(_))));
        let within = &events[at..at + end.unwrap_or_default()];
        let text: String = within
            .iter()
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(&**text),
                _ => None,
            })
            .collect();
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(slug(&text).into());
        }
    }
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || *c == '-').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_page_and_no_markup_of_its_own() {
        let html = rendered(
            "# A `b`\n\n![a *picture*](b.png)\n\n<script>x</script>\n\n[q](core/src/query/syntax.md#where), [f](fly/api.toml)\n\n```query\na \"b\"\n```\n",
        );
        for part in [
            "<h1 id=\"a-b\">",
            "&lt;script&gt;",
            "href=\"/docs/query#where\"",
            "href=\"/docs\"",
            "href=\"/search?q=a+%22b%22\"",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert!(!html.contains("<script") && !html.contains("picture") && !html.contains("<p></p>"), "{html}");
    }

    #[test]
    fn every_link_between_documents_leads_somewhere() {
        for (one, html) in DOCUMENTS.iter().zip(PAGES.iter()) {
            for link in html.split("href=\"/docs/").skip(1).filter_map(|rest| rest.split('"').next()) {
                let (page, anchor) = link.split_once('#').unwrap_or((link, ""));
                let found = DOCUMENTS.iter().zip(PAGES.iter()).find(|(other, _)| other.page == page);
                let (_, target) = found.unwrap_or_else(|| panic!("{}: {link}", one.page));
                assert!(anchor.is_empty() || target.contains(&format!("id=\"{anchor}\"")), "{}: {link}", one.page);
            }
        }
    }
}
