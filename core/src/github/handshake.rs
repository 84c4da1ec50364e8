//! What a member's browser carries while it is at GitHub: who began, for whom, and the secrets that tie the way back to the
//! way there. It is sealed, ends after ten minutes, and is kept in a cookie, so no process has to remember it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::crypto::{self, MasterKey};
use crate::id::TenantId;

/// How long somebody may take at GitHub.
pub const LIFE_SECONDS: i64 = 600;
/// What it is sealed for.
const CONTEXT: &str = "github handshake";

/// One way to GitHub and back. `Debug` prints no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Handshake {
    /// Whose member began.
    pub tenant: TenantId,
    /// Who began.
    pub user: Uuid,
    /// Whether that member may link installations.
    pub may_install: bool,
    /// The installation that is to be linked.
    pub installation: Option<i64>,
    /// `state`: comes back from GitHub.
    pub nonce: String,
    /// Shown when the code is changed for a token (RFC 7636).
    pub verifier: String,
    ends: i64,
}

impl std::fmt::Debug for Handshake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handshake").field("tenant", &self.tenant).field("user", &self.user).finish_non_exhaustive()
    }
}

impl Handshake {
    /// A new one. `now`: seconds since 1970.
    pub fn new(tenant: TenantId, user: Uuid, may_install: bool, installation: Option<i64>, now: i64) -> Self {
        let [nonce, verifier] = [(); 2].map(|()| crypto::to_hex(&crypto::random::<32>()));
        Self { tenant, user, may_install, installation, nonce, verifier, ends: now + LIFE_SECONDS }
    }

    /// The hash of the verifier, as `S256` wants it.
    pub fn challenge(&self) -> String {
        crypto::challenge(&self.verifier)
    }

    /// As the cookie holds it.
    pub fn seal(&self, key: &MasterKey) -> String {
        let Self { tenant, user, may_install, installation, nonce, verifier, ends } = self;
        let installation = installation.map(|id| id.to_string()).unwrap_or_default();
        let text = format!("{tenant} {user} {may_install} {installation} {nonce} {verifier} {ends}");
        URL_SAFE_NO_PAD.encode(key.seal(CONTEXT, text.as_bytes()))
    }

    /// What a cookie holds; `None`: it is none of ours, or its time is over.
    pub fn open(key: &MasterKey, cookie: &str, now: i64) -> Option<Self> {
        let opened = key.open(CONTEXT, &URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
        let text = String::from_utf8(opened).ok()?;
        let mut parts = text.split(' ');
        let mut next = || parts.next();
        let (tenant, user, may_install) = (next()?.parse().ok()?, next()?.parse().ok()?, next()? == "true");
        let installation = next().filter(|id| !id.is_empty()).map(str::parse).transpose().ok()?;
        let (nonce, verifier) = (next()?.to_owned(), next()?.to_owned());
        let ends: i64 = next()?.parse().ok()?;
        (now < ends).then_some(Self { tenant, user, may_install, installation, nonce, verifier, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn key(byte: u8) -> MasterKey {
        use base64::engine::general_purpose::STANDARD;
        MasterKey::from_base64(&STANDARD.encode([byte; 32]), None).unwrap()
    }

    #[test]
    fn it_opens_for_ten_minutes_with_our_key_alone() {
        for installation in [None, Some(7)] {
            let one = Handshake::new(TenantId(Uuid::now_v7()), Uuid::now_v7(), true, installation, NOW);
            let cookie = one.seal(&key(1));
            assert_eq!(Handshake::open(&key(1), &cookie, NOW + LIFE_SECONDS - 1), Some(one.clone()));
            assert_eq!(Handshake::open(&key(1), &cookie, NOW + LIFE_SECONDS), None);
            assert_eq!(Handshake::open(&key(2), &cookie, NOW), None);
            assert_eq!(Handshake::open(&key(1), &cookie[1..], NOW), None);
            assert!(!format!("{one:?}").contains(&one.verifier));
            let other = URL_SAFE_NO_PAD.encode(key(1).seal("token:x", b"a"));
            assert_eq!(Handshake::open(&key(1), &other, NOW), None);
        }
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let mut one = Handshake::new(TenantId::LOCAL, Uuid::nil(), false, None, NOW);
        // Appendix B of RFC 7636.
        one.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        assert_eq!(one.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
