//! Pages of lists: how long one is, and the cursor where the next starts. Opaque to clients, so its form may change.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

const PREFIX: &str = "v1.";
const DEFAULT_LIMIT: u32 = 50;
const MOST: u32 = 100;

/// The query string of a list that takes nothing else.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Most items of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

/// Length of a page: `limit` of the request, 1 to 100, by default 50.
pub fn page_limit(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MOST => Ok(limit),
        limit => Err(ApiError::invalid_request(format!("`limit` is {limit}: give 1 to {MOST}"))),
    }
}

/// The sort key of the last item that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub String);

impl Cursor {
    /// As clients get it.
    pub fn encode(&self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&self.0))
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
        // Keys hold no control characters, and Postgres takes no NUL in a text.
        String::from_utf8(bytes).ok().filter(|key| !key.contains(char::is_control)).map(Self)
    }

    /// Splits off the row that was read beyond a page of `limit` rows, and makes the cursor that leads to it.
    pub fn page<T>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        if rows.len() <= limit {
            return (rows, None);
        }
        rows.truncate(limit);
        let cursor = rows.last().map(|row| Self(key(row)).encode());
        (rows, cursor)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::decode(&text)
            .ok_or_else(|| serde::de::Error::custom("`cursor` must be the `next_cursor` of an earlier answer"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_the_next() {
        let (page, cursor) = Cursor::page(vec![1, 2, 3], 2, ToString::to_string);
        assert_eq!(page, [1, 2]);
        assert_eq!(Cursor::decode(&cursor.unwrap()), Some(Cursor("2".to_owned())));
        assert_eq!(Cursor::page(vec![1, 2], 2, ToString::to_string).1, None);
    }

    #[test]
    fn foreign_text_is_no_cursor() {
        for text in ["", "2", "v1.*", "v2.Mg", "v1._w", "v1.AA"] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }
}
