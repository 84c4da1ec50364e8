//! Entity tags: what an answer was made from, in a short text. Whoever sends it back as `If-None-Match` is told 304 where the
//! answer would be the same.

use std::convert::Infallible;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, StatusCode};

use crate::crypto::{self, Sha256};

/// The tag of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

/// Makes a tag of all that an answer depends on.
pub struct TagBuilder(Sha256);

/// What the caller has already.
#[derive(Clone, Debug, Default)]
pub struct IfNoneMatch(Option<String>);

impl TagBuilder {
    /// Of answers of one kind, by this version of the program: the next one may word them otherwise.
    pub fn new(kind: &str) -> Self {
        let program = concat!(env!("CARGO_PKG_VERSION"), " ");
        let builder = Self(Sha256::new()).with(program.as_bytes());
        builder.with(option_env!("KOTADB_COMMIT").unwrap_or_default().as_bytes()).with(kind.as_bytes())
    }

    /// One more thing that the answer depends on. Its length counts, so that no two lists of things look alike.
    #[must_use]
    pub fn with(mut self, thing: &[u8]) -> Self {
        self.0.update(&(thing.len() as u64).to_be_bytes());
        self.0.update(thing);
        self
    }

    /// A weak tag: the same answer, but for what it cost.
    pub fn weak(self) -> EntityTag {
        EntityTag(format!("W/\"{}\"", digits(self.0)))
    }

    /// A strong tag: the same bytes.
    pub fn strong(self) -> EntityTag {
        EntityTag(format!("\"{}\"", digits(self.0)))
    }
}

/// 128 bits: enough that nobody meets two that are equal.
fn digits(hash: Sha256) -> String {
    crypto::to_hex(&hash.finish()[..16])
}

impl fmt::Display for EntityTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EntityTag {
    /// As a header has it.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("hexadecimal digits and quotes are a header value")
    }

    /// The answer to whoever has what this tag stands for.
    pub fn not_modified(&self) -> Response {
        (StatusCode::NOT_MODIFIED, [(ETAG, self.header())]).into_response()
    }
}

impl IfNoneMatch {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values: Vec<&str> = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).collect();
        Self((!values.is_empty()).then(|| values.join(",")))
    }

    /// Whether anything was said.
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the caller has this already. Tags are compared weakly, as RFC 9110 wants it here.
    pub fn has(&self, tag: &str) -> bool {
        let opaque = |text: &str| text.trim().trim_start_matches("W/").to_owned();
        let given = self.0.as_deref().unwrap_or_default();
        given.split(',').any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
    }
}

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_where_anything_does() {
        let tag = |things: &[&str]| {
            things.iter().fold(TagBuilder::new("kind"), |builder, thing| builder.with(thing.as_bytes())).strong()
        };
        assert_eq!(tag(&["a", "b"]), tag(&["a", "b"]));
        for other in [&["ab", ""][..], &["a", "b", ""], &["b", "a"], &["a"]] {
            assert_ne!(tag(&["a", "b"]), tag(other), "{other:?}");
        }
        assert_ne!(TagBuilder::new("other").strong(), TagBuilder::new("kind").strong());
    }

    #[test]
    fn what_is_had_is_found_in_a_list() {
        let given =
            |text: &'static str| IfNoneMatch::of(&HeaderMap::from_iter([(IF_NONE_MATCH, text.parse().unwrap())]));
        assert!(given("\"x\", W/\"y\"").has("\"y\"") && given("\"y\"").has("W/\"y\"") && given("*").has("\"y\""));
        assert!(!given("\"x\"").has("\"y\"") && !IfNoneMatch::default().has("\"y\"") && !given("").has("\"y\""));
    }
}
