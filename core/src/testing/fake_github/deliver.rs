//! Deliveries: signed, sent, and noted in the log of their webhook.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::Shared;
use super::world::Attempt;
use crate::crypto;

/// Which log an attempt goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Log {
    App,
    /// Repository and webhook.
    Hook(i64, i64),
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) log: Log,
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) is_form: bool,
    pub(super) event: String,
    pub(super) guid: String,
    pub(super) body: String,
    pub(super) redelivery: bool,
}

impl Shared {
    /// What an event at a repository or of the App sends: one parcel for each webhook that listens.
    pub(super) fn parcels(&self, repo: Option<i64>, event: &str, body: &serde_json::Value) -> Vec<Parcel> {
        let world = self.world();
        let guid = Uuid::now_v7().to_string();
        let parcel = |log, url: &str, secret: &str, content_type: &str, body: &serde_json::Value| Parcel {
            log,
            url: url.to_owned(),
            secret: secret.to_owned(),
            is_form: content_type == "form",
            event: event.to_owned(),
            guid: guid.clone(),
            body: body.to_string(),
            redelivery: false,
        };
        let repo = repo.and_then(|id| world.repos.get(&id));
        let mut parcels: Vec<_> = repo
            .iter()
            .flat_map(|repo| repo.hooks.iter().map(move |hook| (repo.id, hook)))
            .filter(|(_, hook)| hook.active && hook.events.iter().any(|name| name == event || name == "*"))
            .map(|(id, hook)| parcel(Log::Hook(id, hook.id), &hook.url, &hook.secret, &hook.content_type, body))
            .collect();
        let Some((url, secret)) = &world.app_hook else { return parcels };
        match repo {
            None => parcels.push(parcel(Log::App, url, secret, "json", body)),
            Some(repo) => {
                let mut covering = world.installations.values().filter(|one| world.covers(one.id, repo));
                if let Some(installation) = covering.find(|one| !one.is_suspended) {
                    let mut body = body.clone();
                    body["installation"] = serde_json::json!({ "id": installation.id, "node_id": "I_1" });
                    parcels.push(parcel(Log::App, url, secret, "json", &body));
                }
            }
        }
        parcels
    }

    /// Sends in order, and waits for the answers.
    pub(super) async fn send(&self, parcels: Vec<Parcel>) {
        for parcel in parcels {
            let status_code = self.attempt(&parcel).await;
            self.note(&parcel, status_code);
        }
    }

    /// Sends without being waited for.
    pub(super) fn send_later(&self, parcels: Vec<Parcel>) {
        self.world().under_way += 1;
        let shared = self.clone();
        tokio::spawn(async move {
            shared.send(parcels).await;
            shared.world().under_way -= 1;
        });
    }

    async fn attempt(&self, parcel: &Parcel) -> u16 {
        {
            let mut world = self.world();
            if world.lose > 0 {
                world.lose -= 1;
                return 0;
            }
        }
        let (content_type, body) = match parcel.is_form {
            true => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                ("application/x-www-form-urlencoded", form.append_pair("payload", &parcel.body).finish())
            }
            false => ("application/json", parcel.body.clone()),
        };
        let signature = crypto::to_hex(&crypto::hmac_sha256(parcel.secret.as_bytes(), body.as_bytes()));
        let request = self
            .http
            .post(&parcel.url)
            .header("content-type", content_type)
            .header("x-github-event", &parcel.event)
            .header("x-github-delivery", &parcel.guid)
            .header("x-hub-signature-256", format!("sha256={signature}"))
            .header("user-agent", "GitHub-Hookshot/fake");
        let request = match parcel.log {
            Log::Hook(_, hook) => request.header("x-github-hook-id", hook.to_string()),
            Log::App => request.header("x-github-hook-installation-target-type", "integration"),
        };
        request.body(body).send().await.map_or(0, |response| response.status().as_u16())
    }

    fn note(&self, parcel: &Parcel, status_code: u16) {
        let mut world = self.world();
        let attempt = Attempt {
            id: world.next_id(),
            guid: parcel.guid.clone(),
            event: parcel.event.clone(),
            body: parcel.body.clone(),
            status_code,
            redelivery: parcel.redelivery,
            delivered_at: OffsetDateTime::now_utc().format(&Rfc3339).expect("the present has a date"),
        };
        match parcel.log {
            Log::App => world.app_attempts.push(attempt),
            Log::Hook(repo, hook) => {
                let hooks = world.repos.get_mut(&repo).map(|repo| repo.hooks.iter_mut());
                if let Some(hook) = hooks.and_then(|mut hooks| hooks.find(|one| one.id == hook)) {
                    hook.attempts.push(attempt);
                }
            }
        }
    }

    /// The parcel of an attempt, to be sent again with the webhook's present URL and secret.
    pub(super) fn again(&self, log: Log, attempt: i64) -> Option<Parcel> {
        let world = self.world();
        let (url, secret, is_form, attempts) = match log {
            Log::App => {
                let (url, secret) = world.app_hook.clone()?;
                (url, secret, false, &world.app_attempts)
            }
            Log::Hook(repo, hook) => {
                let hook = world.repos.get(&repo)?.hooks.iter().find(|one| one.id == hook)?;
                (hook.url.clone(), hook.secret.clone(), hook.content_type == "form", &hook.attempts)
            }
        };
        let first = attempts.iter().find(|one| one.id == attempt)?;
        let (event, guid, body) = (first.event.clone(), first.guid.clone(), first.body.clone());
        Some(Parcel { log, url, secret, is_form, event, guid, body, redelivery: true })
    }
}
