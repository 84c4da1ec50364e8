//! One JSON Web Token: its parts, its signature, and the claims of Supabase.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::crypto::verify_hmac_sha256;

/// Longest token: those of Supabase have about 1,000 characters.
const MOST_LEN: usize = 8 << 10;
/// Seconds by which clocks may differ.
const LEEWAY: i64 = 30;
/// Who a user's token is for.
const AUDIENCE: &str = "authenticated";

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Not three parts of base64 and JSON, or longer than 8 KiB.
    #[error("the token is no JSON Web Token of at most 8 KiB")]
    Malformed,
    /// Signed in another way, with a key that is not known, or wrongly.
    #[error("the token is not signed by a key of this deployment's Supabase project")]
    Signature,
    /// Its time is over.
    #[error("the token has expired: sign in again")]
    Expired,
    /// It is of another issuer, for somebody else, or not valid yet.
    #[error("the token is not one that this deployment takes: sign in to its Supabase project")]
    Claims,
    /// Of somebody who did not say who he is.
    #[error("the token is of an anonymous user: sign in")]
    Anonymous,
    /// The keys cannot be had.
    #[error("the keys of Supabase cannot be fetched: try again in half a minute")]
    Unavailable,
}

/// What verifies tokens.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum VerifyKey {
    /// ES256: an uncompressed point of P-256.
    Ec(Vec<u8>),
    /// RS256: modulus and exponent.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// HS256.
    Shared(Vec<u8>),
}

impl VerifyKey {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa { .. } => "RS256",
            Self::Shared(_) => "HS256",
        }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            Self::Rsa { n, e } => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            Self::Shared(secret) => verify_hmac_sha256(secret, signed, signature),
        }
    }
}

/// A token whose signature is still to be verified.
#[derive(Debug)]
pub(super) struct Unverified<'a> {
    signed: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
    header: Header,
}

/// What is read before the signature: which key is meant.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood (RFC 7515): none is.
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    nbf: Option<i64>,
    sub: Uuid,
    role: String,
    #[serde(default)]
    is_anonymous: bool,
}

/// One or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl<'a> Unverified<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, TokenError> {
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        if text.len() > MOST_LEN {
            return Err(TokenError::Malformed);
        }
        let header: Header = json(header)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        let signed = &text[..header_and_claims(text)];
        Ok(Self { signed, claims, signature, header })
    }

    /// The algorithm that it names.
    pub(super) fn algorithm(&self) -> &str {
        &self.header.alg
    }

    /// The id of the key that it names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// Verifies signature and claims; who the user is. `now`: seconds since 1970.
    pub(super) fn verify(&self, key: &VerifyKey, issuer: &str, now: i64) -> Result<Uuid, TokenError> {
        if self.header.alg != key.algorithm() || !key.verifies(self.signed.as_bytes(), &self.signature) {
            return Err(TokenError::Signature);
        }
        let claims: Claims = json(self.claims).map_err(|_| TokenError::Claims)?;
        let is_for_us = match &claims.aud {
            Audience::One(one) => one == AUDIENCE,
            Audience::Several(several) => several.iter().any(|one| one == AUDIENCE),
        };
        if claims.iss != issuer || !is_for_us || claims.role != AUDIENCE {
            return Err(TokenError::Claims);
        }
        if claims.exp.saturating_add(LEEWAY) <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf.saturating_sub(LEEWAY) > now) {
            return Err(TokenError::Claims);
        }
        if claims.is_anonymous { Err(TokenError::Anonymous) } else { Ok(claims.sub) }
    }
}

/// Where the signed part ends: at the last dot.
fn header_and_claims(text: &str) -> usize {
    text.rfind('.').unwrap_or_default()
}

fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::hmac_sha256;

    const SECRET: &[u8] = b"a secret of thirty-two characters";
    const ISSUER: &str = "https://abc.supabase.co/auth/v1";
    const NOW: i64 = 1_800_000_000;

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "aud": "authenticated", "exp": NOW + 3600, "iat": NOW, "role": "authenticated",
            "sub": "0190b0a0-0000-7000-8000-000000000001", "is_anonymous": false, "email": "a@b.example",
        })
    }

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(SECRET, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn verify(text: &str) -> Result<Uuid, TokenError> {
        Unverified::parse(text)?.verify(&VerifyKey::Shared(SECRET.to_vec()), ISSUER, NOW)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    #[test]
    fn claims_are_checked_with_half_a_minute_of_leeway() {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        assert!(verify(&token(&header, &claims())).is_ok());
        for (name, value, outcome) in [
            ("aud", json!(["x", "authenticated"]), None),
            ("exp", json!(NOW - 29), None),
            ("nbf", json!(NOW + 30), None),
            ("exp", json!(NOW - 30), Some(TokenError::Expired)),
            ("exp", Value::Null, Some(TokenError::Claims)),
            ("nbf", json!(NOW + 31), Some(TokenError::Claims)),
            ("aud", json!("anon"), Some(TokenError::Claims)),
            ("aud", json!([]), Some(TokenError::Claims)),
            ("iss", json!("https://abc.supabase.co/auth/v1/"), Some(TokenError::Claims)),
            ("iss", json!("https://other.supabase.co/auth/v1"), Some(TokenError::Claims)),
            ("role", json!("service_role"), Some(TokenError::Claims)),
            ("role", json!("anon"), Some(TokenError::Claims)),
            ("sub", json!("admin"), Some(TokenError::Claims)),
            ("is_anonymous", json!(true), Some(TokenError::Anonymous)),
        ] {
            let found = verify(&token(&header, &with(name, value.clone())));
            assert_eq!(found.err(), outcome, "{name} {value}");
        }
    }

    #[test]
    fn the_key_decides_the_algorithm() {
        for alg in ["none", "None", "ES256", "RS256", "HS512", "hs256", ""] {
            let text = token(&json!({ "alg": alg }), &claims());
            assert_eq!(verify(&text), Err(TokenError::Signature), "{alg}");
            let unsigned = &text[..=text.rfind('.').unwrap()];
            assert_eq!(verify(unsigned), Err(TokenError::Signature), "{alg}");
        }
        // The public key of somebody, taken for a shared secret.
        let text = token(&json!({ "alg": "HS256" }), &claims());
        let point = VerifyKey::Ec(SECRET.to_vec());
        assert_eq!(Unverified::parse(&text).unwrap().verify(&point, ISSUER, NOW), Err(TokenError::Signature));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let good = token(&json!({ "alg": "HS256" }), &claims());
        let crit = token(&json!({ "alg": "HS256", "crit": ["b64"], "b64": false }), &claims());
        let long = token(&json!({ "alg": "HS256" }), &with("x", json!("x".repeat(MOST_LEN))));
        for text in ["", "a.b", "a.b.c", "..", &format!("{good}.x"), &format!("{good}="), &crit, &long] {
            assert_eq!(verify(text), Err(TokenError::Malformed), "{text}");
        }
        let twice = r#"{"alg":"none","alg":"HS256"}"#;
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(twice), good.split_once('.').unwrap().1);
        assert_eq!(verify(&text), Err(TokenError::Malformed));
        for at in 0..good.len() {
            let mut wrong = good.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(wrong).unwrap();
            // The last character holds bits that say nothing.
            assert!(verify(&text).is_err() || at == good.len() - 1, "{at}");
        }
    }
}
