//! The style sheet and the script: part of the program, under names that change with their bytes, so that a browser keeps them
//! for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use kotadb_core::crypto;
use kotadb_core::http::ApiError;

/// A file that pages refer to.
pub(crate) struct Asset {
    name: String,
    kind: &'static str,
    text: &'static str,
}

pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(("style", "css"), "text/css; charset=utf-8", include_str!("../assets/style.css")));
pub(crate) static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(("page", "js"), "text/javascript; charset=utf-8", include_str!("../assets/page.js")));
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(("icon", "svg"), "image/svg+xml", include_str!("../assets/icon.svg")));

/// Its bytes never change under its name.
const LIFE: &str = "public, max-age=31536000, immutable";

impl Asset {
    fn new((stem, extension): (&str, &str), kind: &'static str, text: &'static str) -> Self {
        let hash = crypto::to_hex(&crypto::sha256(text.as_bytes())[..8]);
        Self { name: format!("{stem}.{hash}.{extension}"), kind, text }
    }

    /// Its address.
    pub(crate) fn link(&self) -> String {
        format!("/assets/{}", self.name)
    }
}

/// `GET /assets/{name}`.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, ApiError> {
    let all = [&*STYLE, &*SCRIPT, &*ICON];
    let found = all.into_iter().find(|asset| asset.name == name).ok_or_else(|| ApiError::not_found("file"))?;
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, found.kind), (CACHE_CONTROL, LIFE)];
    Ok((headers, found.text).into_response())
}
