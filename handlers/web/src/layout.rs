//! The frame of every page: head, search box, ways to other pages; and what a browser may do with it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, SET_COOKIE, VARY};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use kotadb_core::http::{BrowserSession, Flash, Resources, own_path};
use maud::{DOCTYPE, Markup, html};

use crate::assets::{ICON, SCRIPT, STYLE};
use crate::visible::plain;
use crate::{forms, help, links};

/// Nothing from elsewhere, nothing inline, forms to here alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Who looks at a page, as far as a page shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visitor {
    pub(crate) session: Option<BrowserSession>,
    pub(crate) is_tls: bool,
    /// What became of the form that was sent last.
    pub(crate) flash: Option<Flash>,
    /// The host that was asked.
    host: String,
    /// Path and query that were asked for.
    pub(crate) asked: String,
}

impl Visitor {
    pub(crate) fn is_signed_in(&self) -> bool {
        self.session.as_ref().is_some_and(BrowserSession::is_signed_in)
    }

    /// What a form has to bring; empty without a session.
    pub(crate) fn form_token(&self) -> String {
        self.session.as_ref().map(BrowserSession::form_token).unwrap_or_default()
    }

    /// What was typed into a field of a form that was refused.
    pub(crate) fn typed(&self, field: &str) -> &str {
        self.flash.as_ref().and_then(|flash| flash.typed.get(field)).map_or("", String::as_str)
    }

    /// The address of this server: as the deployment says, or as the browser knows it.
    pub(crate) fn origin(&self, resources: &Resources) -> String {
        let is_name =
            !self.host.is_empty() && self.host.chars().all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c));
        let (scheme, host) =
            (if self.is_tls { "https" } else { "http" }, if is_name { &self.host } else { "localhost" });
        resources.config().webhook_base_url.clone().unwrap_or_else(|| format!("{scheme}://{host}"))
    }

    /// Where to sign in, and then to go on here.
    pub(crate) fn way_in(&self) -> String {
        let next = Some(own_path(&self.asked)).filter(|next| !next.starts_with("/sign-in") && *next != "/");
        links::with("/sign-in", &[("next", next.unwrap_or_default())])
    }

    /// Of a request.
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            session: parts.extensions.get::<BrowserSession>().cloned(),
            is_tls: parts.headers.get("x-forwarded-proto").is_some_and(|scheme| *scheme == "https"),
            flash: parts.extensions.get::<Flash>().cloned(),
            host: parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned(),
            asked: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

/// A page.
pub(crate) struct Page<'a> {
    pub(crate) visitor: &'a Visitor,
    pub(crate) title: &'a str,
    /// What stands in the search box.
    pub(crate) query: &'a str,
    /// Whether the cursor goes there at once.
    pub(crate) is_about_search: bool,
}

impl<'a> Page<'a> {
    pub(crate) fn new(visitor: &'a Visitor, title: &'a str) -> Self {
        Self { visitor, title, query: "", is_about_search: false }
    }

    /// The whole page round its main part.
    pub(crate) fn show(&self, main: &Markup) -> Response {
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                (self.head())
                body {
                    a.skip href="#main" { "Skip to content" }
                    (self.header())
                    main #main tabindex="-1" { (forms::outcome(self.visitor)) (main) }
                    (footer(self.visitor))
                    @if self.visitor.is_signed_in() { (help::dialog()) }
                }
            }
        };
        self.told(answer(page))
    }

    /// What became of a form is told once, and kept nowhere.
    fn told(&self, mut response: Response) -> Response {
        if self.visitor.flash.is_some() {
            response.headers_mut().append(SET_COOKIE, Flash::forget(self.visitor.is_tls));
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        response
    }

    fn head(&self) -> Markup {
        html! {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (plain(self.title)) " · KotaDB" }
                link rel="icon" type="image/svg+xml" href=(ICON.link());
                link rel="stylesheet" href=(STYLE.link());
                script src=(SCRIPT.link()) defer {}
            }
        }
    }

    fn header(&self) -> Markup {
        html! {
            header.top {
                a.brand href="/" { "Kota" b { "DB" } }
                @if self.visitor.is_signed_in() { (self.search_box()) }
                nav aria-label="Pages" {
                    @if self.visitor.is_signed_in() {
                        a href="/repositories" { "Repositories" }
                        a href="/connect" { "MCP" }
                        a href="/account" { "Account" }
                        a href="/docs" { "Docs" }
                        (help::button())
                        form method="post" action="/sign-out" data-forget {
                            input type="hidden" name="token" value=(self.visitor.form_token());
                            button.plain type="submit" { "Sign out" }
                        }
                    } @else {
                        a href="/docs" { "Docs" }
                        a href=(self.visitor.way_in()) { "Sign in" }
                    }
                }
            }
        }
    }

    fn search_box(&self) -> Markup {
        html! {
            form.search role="search" action="/search" method="get" {
                input #q type="search" name="q" value=(plain(self.query)) maxlength="1024" autocomplete="off"
                    autocapitalize="off" spellcheck="false" aria-label="Search code" data-suggest="/suggest"
                    placeholder="Search code: words, \"phrases\", /regexes/, lang: path: repo:"
                    autofocus[self.is_about_search];
                button type="submit" { "Search" }
            }
        }
    }
}

fn footer(visitor: &Visitor) -> Markup {
    html! {
        footer.end {
            p {
                "KotaDB " (env!("CARGO_PKG_VERSION")) " · "
                a href="/docs/query" { "Query syntax" } " · " a href="/docs/api" { "API" }
                @if visitor.is_signed_in() {
                    span.keys {
                        " · " kbd { "/" } " search " kbd { "j" } " " kbd { "k" } " move " kbd { "Enter" } " open "
                        kbd { "t" } " files " kbd { "y" } " permalink " kbd { "?" } " all keys"
                    }
                }
            }
        }
    }
}

/// Markup as an answer of its own.
pub(crate) fn answer(markup: Markup) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "private, no-cache"),
        (VARY, "cookie"),
    ];
    (headers, markup.into_string()).into_response()
}
