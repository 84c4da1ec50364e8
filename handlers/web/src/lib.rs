//! Pages for people, made here without a script: nothing on them comes from another host, nothing runs inline, and what comes from
//! repositories is text. A little script makes them faster to use, and without it they can be read all the same.
//!
//! - `GET /`: examples and repositories; for whoever is not signed in, what this is.
//! - `GET /search?q=&cursor=&kind=`: results of a query (`core/src/query/syntax.md`), by file; of symbols with `kind=symbols`, of names of
//!   repositories with `kind=repositories`. `GET /suggest?q=&caret=`: how a query may go on.
//! - `GET /repositories[/{id}]`: what is registered, how fresh it is, its jobs; `…/{id}/jobs`: the part that is renewed while one runs.
//! - `GET /repositories/{id}/files/{path}?at=`: a file or folder of a commit; `…/{id}/symbol?symbol=&at=`: a symbol and who uses it.
//!   `…/{id}/raw/{path}`: the bytes of a file; `…/{id}/hover/{path}?symbol=`: what a name in it means.
//! - `GET /account`, `/account/keys`, `/account/members`; `/connect`: settings for MCP.
//! - `GET /docs[/{page}]`: the documents beside the code.
//! - `GET·POST /sign-in`, `POST /sign-out`: a session by an API key (`core::http::BrowserSession`);
//!   `GET /sign-in/github[/back]`: by an account at GitHub, through Supabase; `GET·POST /sign-in/tenant`: in which tenant.
//! - `GET /assets/{name}`: style and script, under names that change with them.
//!
//! What changes something goes through the API: a form is sent there with the token of the session (`forms`). A refusal is a page, too
//! (`failure`).

mod account;
mod assets;
mod at;
mod calls;
mod code;
mod connect;
mod definition;
mod docs;
mod drawing;
mod facets;
mod failure;
mod file;
mod forms;
mod help;
mod highlight;
mod home;
mod hover;
mod jobs;
mod keys;
mod layout;
mod links;
mod members;
mod moment;
mod named;
mod provider;
mod raw;
mod repositories;
mod repository;
mod results;
mod search;
mod sign_in;
mod suggest;
mod symbol;
mod symbols;
mod tenant;
mod tree;
mod users;
mod visible;
mod ways;

use axum::middleware::from_fn;
use axum::routing::{get, post};
use kotadb_core::http::{OpenApiRouter, Resources};

/// The routes of this family. Pages for people are not in the description.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .route("/", get(home::show))
        .route("/search", get(search::show))
        .route("/suggest", get(suggest::show))
        .route("/repositories", get(repositories::list))
        .route("/repositories/{id}", get(repository::show))
        .route("/repositories/{id}/jobs", get(jobs::part))
        .route("/repositories/{id}/files", get(file::show))
        .route("/repositories/{id}/files/", get(file::show))
        .route("/repositories/{id}/files/{*path}", get(file::show))
        .route("/repositories/{id}/raw/{*path}", get(raw::show))
        .route("/repositories/{id}/hover/{*path}", get(hover::show))
        .route("/repositories/{id}/symbol", get(symbol::show))
        .route("/account", get(account::show))
        .route("/account/keys", get(keys::show))
        .route("/account/members", get(members::show))
        .route("/connect", get(connect::show))
        .route("/docs", get(docs::list))
        .route("/docs/{page}", get(docs::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-in/tenant", get(tenant::show).post(tenant::choose))
        .route("/sign-in/github", get(provider::begin))
        .route("/sign-in/github/back", get(provider::come_back))
        .route("/sign-out", post(sign_in::leave))
        .route("/assets/{name}", get(assets::serve))
        .layer(from_fn(failure::as_page))
}
