//! Tokens of installations: minted when needed, kept in memory, and given up five minutes before they end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use super::app::App;
use super::error::GithubError;
use super::session::Session;
use super::transport::Transport;
use crate::crypto::Secret;

/// A job that begins with a token must be able to finish its fetch with it.
const MARGIN: Duration = Duration::minutes(5);

/// The tokens that this process has minted. `Debug` prints none.
pub struct Tokens {
    transport: Arc<Transport>,
    app: Option<App>,
    minted: StdMutex<HashMap<i64, Arc<Mutex<Option<Minted>>>>>,
}

struct Minted {
    token: Secret,
    ends: OffsetDateTime,
}

/// The answer of a mint.
#[derive(Deserialize)]
struct Answer {
    token: String,
    expires_at: String,
}

impl Tokens {
    pub(super) fn new(transport: Arc<Transport>, app: Option<App>) -> Self {
        Self { transport, app, minted: StdMutex::default() }
    }

    pub(super) fn app(&self) -> Result<&App, GithubError> {
        self.app.as_ref().ok_or(GithubError::NoApp)
    }

    /// A token of an installation that is good for five minutes or longer. Those who ask at the same time share one mint.
    pub async fn installation_token(&self, installation: i64) -> Result<Secret, GithubError> {
        let app = self.app()?;
        let place = {
            let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(minted.entry(installation).or_default())
        };
        let mut place = place.lock().await;
        if let Some(minted) = place.as_ref().filter(|minted| minted.ends - MARGIN > OffsetDateTime::now_utc()) {
            return Ok(minted.token.clone());
        }
        let session = Session::new(Arc::clone(&self.transport), "app".to_owned(), Some(app.jwt()?));
        let minted = mint(&session, installation).await?;
        let token = minted.token.clone();
        *place = Some(minted);
        Ok(token)
    }

    /// Forgets a token that GitHub refused, so that the next request mints another.
    pub fn forget(&self, installation: i64) {
        self.minted.lock().unwrap_or_else(PoisonError::into_inner).remove(&installation);
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("app", &self.app).finish_non_exhaustive()
    }
}

async fn mint(session: &Session, installation: i64) -> Result<Minted, GithubError> {
    let path = format!("/app/installations/{installation}/access_tokens");
    let answer: Answer = session.post(&path, None).await?;
    let ends = OffsetDateTime::parse(&answer.expires_at, &Rfc3339)
        .map_err(|error| GithubError::Malformed { request: format!("POST {path}"), why: error.to_string() })?;
    Ok(Minted { token: Secret::new(answer.token), ends })
}
