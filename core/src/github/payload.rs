//! The few fields of a webhook payload that matter here; all others are ignored, and nothing of it is kept.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use url::form_urlencoded;

/// A payload, of whatever event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Payload {
    /// What of the event happened.
    pub action: Option<String>,
    /// The repository it is about; organisation events have none.
    pub repository: Option<PayloadRepository>,
    /// `push`: the full ref name.
    #[serde(rename = "ref")]
    pub ref_name: Option<String>,
    /// `push`: how many commits came, if the payload tells all of them; they are counted, not kept.
    #[serde(rename = "commits", default, deserialize_with = "count")]
    pub n_commits: Option<u32>,
    /// `push`: whether the ref leads to something else than more of the same.
    #[serde(default)]
    pub forced: bool,
    /// The installation of the App that it came through.
    pub installation: Option<PayloadInstallation>,
    /// Who did it.
    pub sender: Option<PayloadAccount>,
    /// `repository.edited`: what was changed.
    pub changes: Option<PayloadChanges>,
    /// `ping`: GitHub's number of the hook.
    pub hook_id: Option<i64>,
    /// `ping`: the hook as GitHub has it.
    pub hook: Option<PayloadHook>,
    /// `installation_repositories`: what the installation sees from now on.
    #[serde(default)]
    pub repositories_added: Vec<PayloadRepository>,
    /// `installation_repositories`: what it sees no more.
    #[serde(default)]
    pub repositories_removed: Vec<PayloadRepository>,
}

/// The repository of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadRepository {
    /// GitHub's numeric id, which survives renames and transfers.
    pub id: i64,
    /// `owner/name`.
    pub full_name: Option<String>,
    /// Short name of the default branch.
    pub default_branch: Option<String>,
}

/// The installation of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadInstallation {
    /// GitHub's number of it.
    pub id: i64,
    /// Where the App is installed; only events of the installation itself tell.
    pub account: Option<PayloadAccount>,
}

/// A user or an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadAccount {
    /// GitHub's number of it.
    pub id: i64,
    /// Its name; an enterprise has none.
    pub login: Option<String>,
}

/// What an edit changed: of all that may be, only whether a field is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadChanges {
    /// The default branch is another.
    pub default_branch: Option<serde_json::Value>,
}

/// A hook as GitHub has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadHook {
    /// What it sends; `*` is everything.
    #[serde(default)]
    pub events: Vec<String>,
    /// How it sends it.
    pub config: Option<PayloadHookConfig>,
}

/// How a hook sends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PayloadHookConfig {
    /// `json` or `form`.
    pub content_type: Option<String>,
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
    /// A field that the event cannot do without.
    #[error("`{0}` is missing")]
    Missing(&'static str),
}

/// GitHub tells of no more commits than this.
const MOST_COMMITS: usize = 2048;

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let commits = Option::<Vec<IgnoredAny>>::deserialize(deserializer)?;
    Ok(commits.map(|commits| commits.len()).filter(|n| *n < MOST_COMMITS).and_then(|n| u32::try_from(n).ok()))
}

impl Payload {
    /// Reads a body by its content type: JSON, or a form whose field `payload` holds JSON.
    pub fn parse(content_type: &str, body: &[u8]) -> Result<Self, PayloadError> {
        if is_form(content_type)? {
            let field = form_urlencoded::parse(body).find(|(name, _)| name == "payload");
            let (_, json) = field.ok_or(PayloadError::NoPayload)?;
            return Ok(serde_json::from_str(&json)?);
        }
        Ok(serde_json::from_slice(body)?)
    }
}

/// Whether a body is a form; neither form nor JSON is refused.
pub(super) fn is_form(content_type: &str) -> Result<bool, PayloadError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is = |wanted: &str| essence.eq_ignore_ascii_case(wanted);
    match (is("application/json"), is("application/x-www-form-urlencoded")) {
        (false, false) => Err(PayloadError::ContentType),
        (_, is_form) => Ok(is_form),
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
    fn commits_are_counted_where_all_of_them_are_told() {
        let with = |commits: &str| format!(r#"{{"ref":"refs/heads/main","commits":{commits}}}"#);
        let n_commits = |commits: &str| Payload::parse("application/json", with(commits).as_bytes()).unwrap().n_commits;
        let many = format!("[{}]", vec!["{}"; MOST_COMMITS].join(","));
        assert_eq!((n_commits("[]"), n_commits(r#"[{"id":"a"},{"id":"b"}]"#)), (Some(0), Some(2)));
        assert_eq!((n_commits(&many), n_commits("null")), (None, None));
        assert_eq!(Payload::parse("application/json", PUSH.as_bytes()).unwrap().n_commits, None);
    }

    #[test]
    fn bad_bodies_are_typed_errors() {
        assert!(matches!(Payload::parse("text/plain", b"{}"), Err(PayloadError::ContentType)));
        assert!(matches!(Payload::parse("application/json", b"{"), Err(PayloadError::Json(_))));
        assert!(matches!(Payload::parse("application/json", b"[]"), Err(PayloadError::Json(_))));
        assert!(matches!(Payload::parse("application/x-www-form-urlencoded", b"a=b"), Err(PayloadError::NoPayload)));
    }
}
