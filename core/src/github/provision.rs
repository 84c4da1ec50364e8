//! Keeps the webhook of a repository at GitHub: exactly one of our URL, with our secret. Every step can be done again, so
//! a crash half-way is mended by the next try.

use super::client::{GithubError, Hook, HookResponse, HookSettings, Session};
use crate::crypto::{self, MasterKey, Secret};
use crate::id::HookId;

/// One webhook and where it belongs.
#[derive(Clone, Copy, Debug)]
pub struct Provision<'a> {
    /// Who asks.
    pub session: &'a Session,
    /// `owner/name`.
    pub name: &'a str,
    /// Its payload URL.
    pub url: &'a str,
}

/// A webhook that is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// GitHub's number of it.
    pub id: i64,
    /// Whether anything had to be changed.
    pub changed: bool,
    /// What its last delivery came to, as GitHub tells.
    pub last_response: HookResponse,
}

impl Provision<'_> {
    /// Makes the webhook, or brings the one that is there up to date and takes its duplicates away. `renew`: the secret is
    /// set and a `ping` sent even where all that GitHub shows is as it should be.
    pub async fn ensure(&self, secret: &Secret, renew: bool) -> Result<Provisioned, GithubError> {
        let ours = self.ours().await?;
        let Some((first, duplicates)) = ours.split_first() else {
            return self.make(secret).await;
        };
        for hook in duplicates {
            self.delete(hook.id).await?;
        }
        // 401: it signs with another secret than ours.
        let is_refused = first.last_response.code == Some(401);
        let changed = !duplicates.is_empty();
        if first.is_sound() && !renew && !is_refused {
            return Ok(Provisioned { id: first.id, changed, last_response: first.last_response.clone() });
        }
        let settings = HookSettings { url: self.url, secret };
        self.session.update_hook(self.name, first.id, &settings).await?;
        self.session.ping_hook(self.name, first.id).await?;
        Ok(Provisioned { id: first.id, changed: true, last_response: HookResponse::default() })
    }

    /// Takes the webhook away, duplicates too; how many there were.
    pub async fn remove(&self) -> Result<usize, GithubError> {
        let ours = match self.ours().await {
            Err(GithubError::NotFound(_)) => return Ok(0),
            ours => ours?,
        };
        for hook in &ours {
            self.delete(hook.id).await?;
        }
        Ok(ours.len())
    }

    /// GitHub pings a new webhook by itself.
    async fn make(&self, secret: &Secret) -> Result<Provisioned, GithubError> {
        let settings = HookSettings { url: self.url, secret };
        let id = match self.session.create_hook(self.name, &settings).await {
            // Somebody made it since it was looked for.
            Err(error @ GithubError::Invalid(_)) => {
                let id = self.ours().await?.first().ok_or(error)?.id;
                self.session.update_hook(self.name, id, &settings).await?.id
            }
            hook => hook?.id,
        };
        Ok(Provisioned { id, changed: true, last_response: HookResponse::default() })
    }

    /// The oldest first.
    async fn ours(&self) -> Result<Vec<Hook>, GithubError> {
        let mut hooks = self.session.hooks(self.name).await?.items;
        hooks.retain(|hook| hook.config.url == self.url);
        hooks.sort_by_key(|hook| hook.id);
        Ok(hooks)
    }

    async fn delete(&self, id: i64) -> Result<(), GithubError> {
        match self.session.delete_hook(self.name, id).await {
            Err(GithubError::NotFound(_)) => Ok(()),
            done => done,
        }
    }
}

/// The payload URL of a hook below the public base URL of the service.
pub fn payload_url(base: &str, hook: HookId) -> String {
    format!("{}/webhooks/github/{hook}", base.trim_end_matches('/'))
}

/// A secret of 32 random bytes, in hexadecimal (people paste it into a form), and the same sealed for its row.
pub fn new_secret(key: &MasterKey, hook: HookId) -> (Secret, Vec<u8>) {
    let secret = crypto::to_hex(&crypto::random::<32>());
    let sealed = key.seal(&seal_context(hook), secret.as_bytes());
    (Secret::new(secret), sealed)
}

/// The secret of a row; `None`: it was sealed with a key that is lost.
pub fn open_secret(key: &MasterKey, hook: HookId, sealed: &[u8]) -> Option<Secret> {
    let opened = key.open(&seal_context(hook), sealed).ok()?;
    String::from_utf8(opened).ok().map(Secret::new)
}

fn seal_context(hook: HookId) -> String {
    format!("hook:{hook}")
}

/// What an owner reads of a webhook that GitHub did not take.
pub fn fault(error: &GithubError) -> String {
    match error {
        error if error.is_lost() => format!(
            "{error}: give the App or token the right to manage webhooks of the repository, or set the webhook by hand"
        ),
        error => format!("{error}: it is tried again by the next sweep"),
    }
}

/// What an owner reads of a webhook whose last delivery failed; `None`: it did not.
pub fn response_fault(response: &HookResponse) -> Option<String> {
    match (response.code, response.status.as_deref()) {
        (Some(code), _) if !(200..300).contains(&code) => {
            Some(format!("GitHub's last delivery was answered with {code}: is `KOTADB_WEBHOOK_BASE_URL` this service?"))
        }
        (None, Some(status)) if status != "unused" => {
            Some(format!("GitHub's last delivery got no answer ({status}): is `KOTADB_WEBHOOK_BASE_URL` reachable?"))
        }
        _ => None,
    }
}
