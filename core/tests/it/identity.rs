//! Tokens of Supabase against a project on loopback: which are taken, and when its keys are asked for.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kotadb_core::config::Config;
use kotadb_core::crypto::hmac_sha256;
use kotadb_core::db::members::Identity;
use kotadb_core::identity::{Supabase, TokenError};
use kotadb_core::testing::fake_supabase::{FakeSupabase, Signing};
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &str = "the shared secret of a former project";
const MINUTE: Duration = Duration::from_secs(60);

fn supabase(fake: &FakeSupabase, secret: Option<&str>) -> Supabase {
    let mut all: HashMap<_, _> = fake.variables().into_iter().collect();
    all.extend(secret.map(|secret| ("JWT_SECRET", secret.to_owned())));
    all.insert("KOTADB_DATA_DIR", "/nonexistent".to_owned());
    let config = Config::from_lookup(&|name| all.get(name).cloned()).unwrap();
    Supabase::new(&config).unwrap().unwrap()
}

fn hs256(secret: &[u8], header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(hmac_sha256(secret, signed.as_bytes())))
}

#[tokio::test]
async fn both_kinds_of_published_keys_verify() {
    let fake = FakeSupabase::start().await;
    let (supabase, user) = (supabase(&fake, None), Uuid::now_v7());
    for signing in [Signing::Es256, Signing::Rs256] {
        assert_eq!(supabase.verify(&fake.sign(signing, &fake.claims(user))).await, Ok(user), "{signing:?}");
    }
    assert_eq!(fake.key_requests(), 1);
}

#[tokio::test]
async fn a_shared_secret_is_taken_only_where_it_is_set() {
    let fake = FakeSupabase::start().await;
    let (user, header) = (Uuid::now_v7(), json!({ "alg": "HS256", "typ": "JWT" }));
    let token = hs256(SECRET.as_bytes(), &header, &fake.claims(user));
    assert_eq!(supabase(&fake, Some(SECRET)).verify(&token).await, Ok(user));
    assert_eq!(supabase(&fake, None).verify(&token).await, Err(TokenError::Signature));
    assert_eq!(supabase(&fake, Some(&SECRET.to_uppercase())).verify(&token).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn keys_are_not_confused() {
    let fake = FakeSupabase::start().await;
    let (user, supabase) = (Uuid::now_v7(), supabase(&fake, Some(SECRET)));
    let claims = fake.claims(user);
    for (alg, kid, signing) in [
        ("RS256", "ec-1", Signing::Es256),
        ("ES256", "rsa-1", Signing::Rs256),
        ("ES256", "rsa-1", Signing::Es256),
        ("RS256", "ec-1", Signing::Rs256),
        ("ES256", "shared", Signing::Es256),
        ("ES256", "ed", Signing::Es256),
        ("ES256", "", Signing::Es256),
        ("none", "ec-1", Signing::Es256),
        ("HS256", "ec-1", Signing::Es256),
    ] {
        let token = fake.sign_as(signing, &json!({ "alg": alg, "kid": kid }), &claims);
        assert_eq!(supabase.verify(&token).await, Err(TokenError::Signature), "{alg} {kid} {signing:?}");
    }
    let without = fake.sign_as(Signing::Es256, &json!({ "alg": "ES256" }), &claims);
    assert_eq!(supabase.verify(&without).await, Err(TokenError::Signature));
    // Everybody has the public key: it must not serve as a secret.
    for (alg, kid) in [("HS256", "ec-1"), ("ES256", "ec-1"), ("RS256", "ec-1")] {
        let token = hs256(&fake.public_point(), &json!({ "alg": alg, "kid": kid }), &claims);
        assert_eq!(supabase.verify(&token).await, Err(TokenError::Signature), "{alg}");
    }
    let expired =
        json!({ "exp": 1, "iss": claims["iss"], "aud": "authenticated", "role": "authenticated", "sub": user });
    assert_eq!(supabase.verify(&fake.sign(Signing::Es256, &expired)).await, Err(TokenError::Expired));
}

#[tokio::test]
async fn keys_are_kept_for_ten_minutes_and_looked_for_anew_once_in_half_a_minute() {
    let fake = FakeSupabase::start().await;
    let (user, supabase, start) = (Uuid::now_v7(), supabase(&fake, None), Instant::now());
    let token = fake.token(user);
    for (after, requests) in [(0, 1), (9, 1), (11, 2), (12, 2)] {
        assert_eq!(supabase.verify_at(&token, start + after * MINUTE).await, Ok(user), "{after} min");
        assert_eq!(fake.key_requests(), requests, "{after} min");
    }
    // A key that is not known is looked for once; the next who names one has to wait.
    fake.rotate();
    let (new, at) = (fake.token(user), start + 12 * MINUTE);
    assert_eq!(supabase.verify_at(&new, at).await, Ok(user));
    assert_eq!(supabase.verify_at(&token, at).await, Err(TokenError::Signature));
    fake.rotate();
    let newest = fake.token(user);
    assert_eq!(supabase.verify_at(&newest, at + Duration::from_secs(29)).await, Err(TokenError::Signature));
    assert_eq!(fake.key_requests(), 3);
    assert_eq!(supabase.verify_at(&newest, at + Duration::from_secs(30)).await, Ok(user));
    assert_eq!(fake.key_requests(), 4);
}

#[tokio::test]
async fn known_keys_hold_for_a_day_while_the_project_is_away() {
    let fake = FakeSupabase::start().await;
    let (user, supabase, start) = (Uuid::now_v7(), supabase(&fake, None), Instant::now());
    let token = fake.token(user);
    fake.set_down(true);
    assert_eq!(supabase.verify_at(&token, start).await, Err(TokenError::Unavailable));
    assert_eq!(supabase.verify_at(&token, start + Duration::from_secs(29)).await, Err(TokenError::Unavailable));
    assert_eq!(fake.key_requests(), 1);
    fake.set_down(false);
    let start = start + MINUTE;
    assert_eq!(supabase.verify_at(&token, start).await, Ok(user));
    fake.set_down(true);
    for hours in [1, 23] {
        assert_eq!(supabase.verify_at(&token, start + hours * 60 * MINUTE).await, Ok(user), "{hours} h");
    }
    // Keys may have been made anew meanwhile: nobody can say that this is none of them.
    let unknown = fake.sign_as(Signing::Es256, &json!({ "alg": "ES256", "kid": "new" }), &fake.claims(user));
    assert_eq!(supabase.verify_at(&unknown, start + 23 * 60 * MINUTE).await, Err(TokenError::Unavailable));
    assert_eq!(supabase.verify_at(&token, start + 24 * 60 * MINUTE).await, Err(TokenError::Unavailable));
    fake.set_down(false);
    assert_eq!(supabase.verify_at(&token, start + 25 * 60 * MINUTE).await, Ok(user));
    assert_eq!(supabase.verify_at(&unknown, start + 25 * 60 * MINUTE).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn who_a_user_is_comes_from_the_project_and_not_from_claims() {
    let fake = FakeSupabase::start().await;
    let (user, supabase) = (Uuid::now_v7(), supabase(&fake, None));
    let token = fake.token(user);
    assert_eq!(supabase.identity(&token, user).await, None);
    fake.set_user(user, "a@b.example", false, None);
    assert_eq!(supabase.identity(&token, user).await, Some(Identity::default()));
    fake.set_user(user, "a@b.example", true, Some((7, "octo")));
    let known = Identity { email: Some("a@b.example".to_owned()), github: Some((7, "octo".to_owned())) };
    assert_eq!(supabase.identity(&token, user).await, Some(known));
    assert_eq!(supabase.identity(&token, Uuid::now_v7()).await, None);
    fake.set_down(true);
    assert_eq!(supabase.identity(&token, user).await, None);
}
