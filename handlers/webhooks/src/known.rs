//! Hooks that were looked up a moment ago, with their secrets opened. What is known here may be outdated: it lets a delivery
//! in only together with its version, which the database compares in the same transaction, and it refuses nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kotadb_core::crypto;
use kotadb_core::db::hooks::Hook;
use kotadb_core::github::Signature;
use kotadb_core::http::{ApiError, Resources};
use kotadb_core::id::HookId;

/// How long a hook is known.
const LIFE: Duration = Duration::from_secs(60);
/// Hooks known at once.
const MOST: usize = 4096;

/// A hook with its secrets.
pub(crate) struct OpenHook {
    /// As it was looked up.
    pub(crate) hook: Hook,
    secrets: [Vec<u8>; 2],
}

/// Hooks by id, with the time when each was looked up.
type Hooks = HashMap<HookId, (Instant, Arc<OpenHook>)>;

/// The hooks that one process knows. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Known(Arc<Mutex<Hooks>>);

impl OpenHook {
    /// Opens the secrets; one that does not open is replaced by chance, so that nothing is signed by it.
    pub(crate) fn open(resources: &Resources, hook: Hook) -> Result<Self, ApiError> {
        let mut secrets = secrets_of_nobody();
        for (secret, sealed) in secrets.iter_mut().zip([Some(&hook.secret), hook.previous_secret.as_ref()]) {
            let Some(sealed) = sealed else { continue };
            match resources.master_key()?.open(&format!("hook:{}", hook.id), sealed) {
                Ok(opened) => *secret = opened,
                Err(error) => tracing::error!(hook = %hook.id, "Hook secret cannot be opened: {error}"),
            }
        }
        Ok(Self { hook, secrets })
    }
}

/// The hook, if one of its secrets made the signature. A hook that is not there costs the same work.
pub(crate) fn signed(hook: Option<Arc<OpenHook>>, signature: Option<Signature>, body: &[u8]) -> Option<Arc<OpenHook>> {
    let nobody = secrets_of_nobody();
    let secrets = hook.as_ref().map_or(&nobody, |hook| &hook.secrets);
    let is_signed = signature.is_some_and(|signature| signature.is_by_any(secrets, body));
    hook.filter(|_| is_signed)
}

fn secrets_of_nobody() -> [Vec<u8>; 2] {
    [(); 2].map(|()| crypto::random::<32>().to_vec())
}

impl Known {
    /// A hook that was looked up within the last minute.
    pub(crate) fn find(&self, id: HookId) -> Option<Arc<OpenHook>> {
        self.hooks().get(&id).filter(|(at, _)| at.elapsed() < LIFE).map(|(_, hook)| Arc::clone(hook))
    }

    /// Notes a hook that was just looked up.
    pub(crate) fn note(&self, hook: &Arc<OpenHook>) {
        let mut hooks = self.hooks();
        if hooks.len() >= MOST {
            hooks.retain(|_, (at, _)| at.elapsed() < LIFE);
        }
        if hooks.len() < MOST || hooks.contains_key(&hook.hook.id) {
            hooks.insert(hook.hook.id, (Instant::now(), Arc::clone(hook)));
        }
    }

    fn hooks(&self) -> MutexGuard<'_, Hooks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
