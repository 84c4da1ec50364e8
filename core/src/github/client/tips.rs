//! What refs point at.

use http::header::ETAG;
use http::{Method, StatusCode};
use serde::Deserialize;

use super::error::GithubError;
use super::pages::Listed;
use super::session::{Session, call};
use super::transport::{Call, malformed};
use crate::id::ObjectId;

/// Answers with the commit id alone.
const SHA: &str = "application/vnd.github.sha";

/// A ref and what it points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Full name.
    pub ref_name: String,
    /// A commit, or an annotated tag.
    pub id: ObjectId,
    /// Whether `id` is that of an annotated tag.
    pub is_tag: bool,
}

/// What a ref that was asked for with an ETag points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TipAnswer {
    /// The same as when that ETag was given.
    Same,
    /// This commit, and the ETag to ask with next time.
    Commit(ObjectId, Option<String>),
    /// Nothing: the repository is empty, or has no such ref.
    Nothing,
}

#[derive(Deserialize)]
struct Reference {
    #[serde(rename = "ref")]
    name: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Session {
    /// The commit of a ref of `owner/name`: a full name, or `HEAD` for the default branch. An answer of 304 costs nothing
    /// of the limit.
    pub async fn tip(&self, name: &str, ref_name: &str, etag: Option<&str>) -> Result<TipAnswer, GithubError> {
        let path = format!("/repos/{name}/commits/{}", encoded(short(ref_name)));
        let call = Call { accept: SHA, etag, ..call(Method::GET, &path, None) };
        let answer = match self.send(&call).await {
            // 409: the repository is empty; 422: there is no such ref.
            Err(GithubError::Invalid(_)) => return Ok(TipAnswer::Nothing),
            answer => answer?,
        };
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(TipAnswer::Same);
        }
        let text = String::from_utf8_lossy(&answer.body);
        let commit = text.trim().parse().map_err(|_| malformed(&call, "it is no commit id"))?;
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Ok(TipAnswer::Commit(commit, etag))
    }

    /// The refs of `owner/name` whose full names begin with `prefix`, which begins with `refs/`.
    pub async fn refs(&self, name: &str, prefix: &str) -> Result<Listed<Tip>, GithubError> {
        let path = format!("/repos/{name}/git/matching-refs/{}?per_page=100", encoded(short(prefix)));
        let listed: Listed<Reference> = match self.pages(&path, None, |_| false).await {
            // 409: the repository is empty.
            Err(GithubError::Invalid(_)) => return Ok(Listed { items: Vec::new(), is_complete: true }),
            listed => listed?,
        };
        // A ref that is not to be understood is left out: it could not be fetched either.
        let tips = listed.items.into_iter().filter_map(|reference| {
            let id = reference.object.sha.parse().ok()?;
            Some(Tip { ref_name: reference.name, id, is_tag: reference.object.kind == "tag" })
        });
        Ok(Listed { items: tips.collect(), is_complete: listed.is_complete })
    }
}

/// As GitHub's paths have it.
fn short(ref_name: &str) -> &str {
    ref_name.strip_prefix("refs/").unwrap_or(ref_name)
}

fn encoded(ref_name: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');
    utf8_percent_encode(ref_name, &KEPT).to_string()
}
