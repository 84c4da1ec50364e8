//! GitHub's log of what it delivered, and the way to have it delivered again. GitHub never does so by itself, and on
//! request for three days.

use http::Method;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::error::GithubError;
use super::pages::Listed;
use super::session::Session;

/// GitHub makes a delivery again for as long.
const REPEATABLE: Duration = Duration::days(3);

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// Number of the attempt; a later one has a higher number.
    pub id: i64,
    /// `X-GitHub-Delivery`: the same for every attempt.
    pub guid: String,
    /// When, in RFC 3339.
    pub delivered_at: String,
    /// Status of our answer; 0 where there was none.
    #[serde(default)]
    pub status_code: u16,
    /// `push` and the like.
    pub event: String,
}

impl Delivery {
    fn is_before(&self, moment: OffsetDateTime) -> bool {
        OffsetDateTime::parse(&self.delivered_at, &Rfc3339).is_ok_and(|delivered| delivered < moment)
    }

    /// Whether it arrived.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// Whether another attempt may fare better: what we refuse for good is not asked for again. 401 is, because a secret
    /// may have been repaired since.
    pub fn is_worth_another(&self) -> bool {
        !self.is_ok() && (!(400..500).contains(&self.status_code) || matches!(self.status_code, 401 | 404 | 408 | 429))
    }
}

impl Session {
    /// Attempts of a repository's webhook, the newest first, down to the one numbered `since` (which is left
    /// out), none older than GitHub makes again.
    pub async fn hook_deliveries(&self, name: &str, hook: i64, since: i64) -> Result<Listed<Delivery>, GithubError> {
        self.deliveries(&format!("/repos/{name}/hooks/{hook}/deliveries?per_page=100"), since).await
    }

    /// The same of the App's webhook. For the App's session only.
    pub async fn app_deliveries(&self, since: i64) -> Result<Listed<Delivery>, GithubError> {
        self.deliveries("/app/hook/deliveries?per_page=100", since).await
    }

    /// Has one attempt of a repository's webhook made again.
    pub async fn redeliver(&self, name: &str, hook: i64, delivery: i64) -> Result<(), GithubError> {
        self.run(Method::POST, &format!("/repos/{name}/hooks/{hook}/deliveries/{delivery}/attempts")).await
    }

    /// Has one attempt of the App's webhook made again.
    pub async fn redeliver_app(&self, delivery: i64) -> Result<(), GithubError> {
        self.run(Method::POST, &format!("/app/hook/deliveries/{delivery}/attempts")).await
    }

    async fn deliveries(&self, path: &str, since: i64) -> Result<Listed<Delivery>, GithubError> {
        let oldest = OffsetDateTime::now_utc() - REPEATABLE;
        let is_done = |delivery: &Delivery| delivery.id <= since || delivery.is_before(oldest);
        let mut listed = self.pages(path, None, |page| page.iter().any(is_done)).await?;
        listed.items.retain(|delivery| !is_done(delivery));
        Ok(listed)
    }
}
