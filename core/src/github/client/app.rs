//! The App's own credentials: a JSON Web Token of ten minutes, signed with its RSA key.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use time::{Duration, OffsetDateTime};

use super::error::GithubError;
use crate::crypto::Secret;

/// GitHub refuses what begins in its future: clocks differ.
const BACKDATED: Duration = Duration::seconds(60);
/// GitHub's most is ten minutes; a minute of it is left for clocks that differ.
const VALID: Duration = Duration::seconds(540);

/// The App. `Debug` prints nothing of its key.
pub(super) struct App {
    id: u64,
    key: RsaKeyPair,
}

impl App {
    /// From the number and the PEM that GitHub gave: PKCS#1, or PKCS#8 where somebody converted it.
    pub(super) fn new(id: u64, pem: &str) -> Result<Self, GithubError> {
        let der = der_of(pem).ok_or(GithubError::BadKey)?;
        let key = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        Ok(Self { id, key: key.map_err(|_| GithubError::BadKey)? })
    }

    /// A token for the requests that only the App may make.
    pub(super) fn jwt(&self) -> Result<Secret, GithubError> {
        self.jwt_at(OffsetDateTime::now_utc())
    }

    fn jwt_at(&self, now: OffsetDateTime) -> Result<Secret, GithubError> {
        let claims = serde_json::json!({
            "iat": (now - BACKDATED).unix_timestamp(),
            "exp": (now + VALID).unix_timestamp(),
            "iss": self.id.to_string(),
        });
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", part(r#"{"alg":"RS256","typ":"JWT"}"#), part(&claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let made = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        made.map_err(|_| GithubError::BadKey)?;
        Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The bytes between the two lines of a PEM (RFC 7468).
fn der_of(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    STANDARD.decode(body.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{self, KeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn a_token_verifies_and_is_of_ten_minutes() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body = STANDARD.encode(der.as_ref());
        let app = App::new(7, &format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")).unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_000_000).unwrap();
        let jwt = app.jwt_at(now).unwrap();
        let (signed, tag) = jwt.expose().rsplit_once('.').unwrap();
        let public = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
        public.verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).unwrap()).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims, serde_json::json!({ "iat": 999_940, "exp": 1_000_540, "iss": "7" }));
        assert_eq!(format!("{app:?}"), "App { id: 7, .. }");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for pem in ["", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----", "PRIVATE KEY-----!"] {
            assert_eq!(App::new(7, pem).unwrap_err(), GithubError::BadKey, "{pem}");
        }
    }
}
