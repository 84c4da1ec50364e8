//! The few fields of a webhook payload that matter here; all others are ignored, and nothing of it is kept.

use serde::Deserialize;
use url::form_urlencoded;

/// A payload, of whatever event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Payload {
    /// The repository it is about; organisation events have none.
    pub repository: Option<PayloadRepository>,
    /// `push`: the full ref name.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
}

/// The repository of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadRepository {
    /// GitHub's numeric id, which survives renames and transfers.
    pub id: i64,
    /// Short name of the default branch.
    pub default_branch: Option<String>,
}

/// Why a verified body is no payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Neither of the two content types that GitHub sends.
    #[error("content type must be `application/json` or `application/x-www-form-urlencoded`")]
    ContentType,
    /// A form without the field.
    #[error("the form has no field `payload`")]
    NoPayload,
    /// Not JSON, or not an object with fields of the right types.
    #[error("payload is not valid JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Payload {
    /// Reads a body by its content type: JSON, or a form whose field `payload` holds JSON.
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, PayloadError> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case("application/json") {
            return Ok(serde_json::from_slice(body)?);
        }
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(PayloadError::ContentType);
        }
        let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
        let (_, json) = field.ok_or(PayloadError::NoPayload)?;
        Ok(serde_json::from_str(&json)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: &str =
        r#"{"ref":"refs/heads/main","repository":{"id":7,"default_branch":"main","x":1},"forced":false}"#;

    #[test]
    fn both_content_types_say_the_same() {
        let json = Payload::parse("application/json; charset=utf-8", PUSH.as_bytes()).unwrap();
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("payload", PUSH).finish();
        let form = Payload::parse("application/x-www-form-urlencoded", form.as_bytes()).unwrap();
        assert_eq!(json, form);
        assert_eq!(json.repository.map(|repository| repository.id), Some(7));
    }

    #[test]
    fn bad_bodies_are_typed_errors() {
        assert!(matches!(Payload::parse("text/plain", b"{}"), Err(PayloadError::ContentType)));
        assert!(matches!(Payload::parse("application/json", b"{"), Err(PayloadError::Json(_))));
        assert!(matches!(Payload::parse("application/json", b"[]"), Err(PayloadError::Json(_))));
        assert!(matches!(Payload::parse("application/x-www-form-urlencoded", b"a=b"), Err(PayloadError::NoPayload)));
    }
}
