//! The App of the fake GitHub: one key a process, and the check of the tokens that are signed with it.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use time::OffsetDateTime;

use super::APP_ID;

fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made"))
}

/// The private key as GitHub hands it out.
pub(super) fn pem() -> String {
    let der: Pkcs8V1Der<'_> = key().as_der().expect("an RSA key has a PKCS#8 form");
    let body = STANDARD.encode(der.as_ref());
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

/// Whether a token was signed by the App, is of this App, and of now. GitHub allows ten minutes.
pub(super) fn is_jwt(token: &str) -> bool {
    check(token).unwrap_or(false)
}

fn check(token: &str) -> Option<bool> {
    let (signed, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key().public_key().as_ref());
    public.verify(signed.as_bytes(), &signature).ok()?;
    let (header, claims) = signed.split_once('.')?;
    let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    let (header, claims) = (part(header)?, part(claims)?);
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let (begins, ends) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
    let is_ours = claims["iss"].as_str().and_then(|id| id.parse().ok()) == Some(APP_ID);
    Some(header["alg"] == "RS256" && is_ours && begins <= now && now < ends && ends <= now + 600)
}
