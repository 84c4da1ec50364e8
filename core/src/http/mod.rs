//! What every route shares: the lazily built handles of a process, errors as problems, extractors, the layer stack, and
//! the two ways to serve a router (TCP, Lambda). Routes themselves are in `handlers/`.
//!
//! A handler crate exports `routes() -> OpenApiRouter<Resources>` with absolute paths, each with its description; [`stack()`]
//! puts the layers round a router once, so that an answer is the same whoever mounts it.

mod access;
mod answer_headers;
mod auth;
mod body;
mod boundary;
mod code;
mod commit;
mod conditional;
mod cursor;
mod deadline;
pub mod ending;
mod entity_tag;
mod error;
mod extract;
mod flash;
mod form;
mod gate;
pub mod git_backend;
mod github_access;
mod idempotency;
#[cfg(feature = "lambda")]
pub mod lambda;
mod listener;
mod mount;
pub mod openapi;
mod probe;
mod rate;
pub mod registration;
mod resources;
pub mod scope;
mod scrape;
mod serve;
mod session;
mod stack;
mod token;
mod visible;

pub use self::auth::Authorized;
pub use self::body::{BODY_LIMIT, SCIP_BODY_LIMIT, WEBHOOK_BODY_LIMIT};
pub use self::boundary::RequestId;
pub use self::code::Code;
pub use self::commit::{Asked, Place, bounded, confidence, levels};
pub use self::cursor::{Cursor, PageQuery, page_limit};
pub use self::deadline::within;
pub use self::entity_tag::{EntityTag, IfNoneMatch, TagBuilder};
pub use self::error::ApiError;
pub use self::extract::{Id, Json, Query, RawBody};
pub use self::flash::Flash;
pub use self::form::own_path;
#[doc(hidden)]
pub use self::mount::described_routes;
pub use self::mount::{Described, Mounted, OpenApiRouter, routes};
pub use self::probe::{PostgresProbe, Probe};
pub use self::resources::Resources;
pub use self::scope::AccessScope;
pub use self::scrape::metrics_router;
pub use self::serve::{serve, stop_signal};
pub use self::session::BrowserSession;
pub use self::stack::stack;
pub use self::token::tenants_of;
#[doc(hidden)]
pub use utoipa_axum::paste;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use utoipa_axum::routes as utoipa_routes;
