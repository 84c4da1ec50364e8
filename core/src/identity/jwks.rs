//! The public keys of the Supabase project: fetched when first needed, kept for ten minutes, and for a day where its server
//! is away. A token that names a key which is not known makes us look again, but not more often than each half minute.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::jwt::VerifyKey;

/// How long keys are taken without asking.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// How long they are taken where nobody answers.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// Between two tries.
const PAUSE: Duration = Duration::from_secs(30);
/// Longest answer: each key has about 300 bytes.
const MOST_BYTES: usize = 256 << 10;

/// The keys as one process knows them.
#[derive(Debug)]
pub(super) struct Jwks {
    http: reqwest::Client,
    url: String,
    known: Mutex<Known>,
    /// Held by the one who fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct Known {
    keys: Arc<HashMap<String, VerifyKey>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// There are no keys that may be used, and none can be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable;

/// A key as RFC 7517 writes it.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Jwks {
    pub(super) fn new(http: reqwest::Client, url: String) -> Self {
        Self { http, url, known: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The key of that id; `None`: the project has none such.
    pub(super) async fn key(&self, id: &str, now: Instant) -> Result<Option<VerifyKey>, Unavailable> {
        let known = self.known();
        let is_fresh = known.age(now).is_some_and(|age| age < FRESH);
        if is_fresh && let Some(key) = known.keys.get(id) {
            return Ok(Some(key.clone()));
        }
        let usable = known.age(now).is_some_and(|age| age < STALE).then(|| known.keys.get(id).cloned()).flatten();
        // Who has a key to go on with does not wait for the one who fetches.
        let turn = match &usable {
            Some(_) => self.fetching.try_lock().ok(),
            None => Some(self.fetching.lock().await),
        };
        if turn.is_some() && self.known().may_try(now) {
            self.fetch(now).await;
        }
        drop(turn);
        let known = self.known();
        match (known.keys.get(id), known.age(now)) {
            (Some(key), Some(age)) if age < STALE => Ok(Some(key.clone())),
            // Nobody answered: it may be one that was made since.
            (None, Some(age)) if age < STALE && known.is_answered() => Ok(None),
            _ => Err(Unavailable),
        }
    }

    async fn fetch(&self, now: Instant) {
        self.lock().tried = Some(now);
        match self.ask().await {
            Ok(keys) => {
                let mut known = self.lock();
                known.keys = Arc::new(keys);
                known.fetched = Some(now);
            }
            Err(error) => tracing::warn!(%error, "Keys of Supabase cannot be fetched: {error}"),
        }
    }

    async fn ask(&self) -> Result<HashMap<String, VerifyKey>, String> {
        let failed = |error: reqwest::Error| error.without_url().to_string();
        let body = super::supabase::body(self.http.get(&self.url), MOST_BYTES).await.map_err(failed)?;
        let body = body.ok_or("the answer is too long, or no success")?;
        let set: KeySet = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        // Keys of kinds that are not known may stand beside ours.
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()?.read());
        Ok(keys.collect())
    }

    fn known(&self) -> Known {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn age(&self, now: Instant) -> Option<Duration> {
        self.fetched.map(|fetched| now.saturating_duration_since(fetched))
    }

    /// Whether the last try brought keys.
    fn is_answered(&self) -> bool {
        self.fetched >= self.tried
    }

    fn may_try(&self, now: Instant) -> bool {
        self.tried.is_none_or(|tried| now.saturating_duration_since(tried) >= PAUSE)
    }
}

impl Jwk {
    fn read(self) -> Option<(String, VerifyKey)> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        let is = |alg: &str| self.alg.as_deref().is_none_or(|named| named == alg);
        let key = match self.kty.as_str() {
            "EC" if self.crv.as_deref() == Some("P-256") && is("ES256") => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                (x.len() == 32 && y.len() == 32).then(|| VerifyKey::Ec([vec![4], x, y].concat()))?
            }
            "RSA" if is("RS256") => VerifyKey::Rsa { n: bytes(&self.n)?, e: bytes(&self.e)? },
            // A shared secret has no place in a public list.
            _ => return None,
        };
        Some((self.kid?, key))
    }
}
