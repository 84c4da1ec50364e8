//! A Supabase project on loopback for tests: it publishes keys, signs tokens with them, and tells of users.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// `SUPABASE_ANON_KEY` of the project.
pub const ANON_KEY: &str = "sb_publishable_of_a_test";

/// A project of a test's own. Dropped, it is gone.
#[derive(Debug)]
pub struct FakeSupabase {
    shared: Shared,
    url: String,
    task: JoinHandle<()>,
}

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    /// With the elliptic curve key.
    Es256,
    /// With the RSA key.
    Rs256,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<Project>>);

struct Project {
    url: String,
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    /// Goes into the ids of the keys.
    generation: u32,
    is_down: bool,
    key_requests: usize,
    users: HashMap<Uuid, Value>,
    /// Codes that browsers came back with: whose, and the challenge.
    codes: HashMap<String, (Uuid, String)>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl FakeSupabase {
    /// A project on a free port. Panics if none can be had, because no test can go on then.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port of loopback");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let url = format!("http://127.0.0.1:{port}");
        let project = Project {
            url: url.clone(),
            ec: ec_pair(),
            rsa: RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made"),
            generation: 1,
            is_down: false,
            key_requests: 0,
            users: HashMap::new(),
            codes: HashMap::new(),
        };
        let shared = Shared(Arc::new(Mutex::new(project)));
        let router = Router::new()
            .route("/auth/v1/.well-known/jwks.json", get(keys))
            .route("/auth/v1/user", get(user))
            .route("/auth/v1/token", post(exchange))
            .with_state(shared.clone());
        let task = tokio::spawn(async move {
            // It ends only with the task.
            let _ = axum::serve(listener, router).await;
        });
        Self { shared, url, task }
    }

    /// The settings of a deployment with this project.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![("SUPABASE_URL", self.url.clone()), ("SUPABASE_ANON_KEY", ANON_KEY.to_owned())]
    }

    /// The claims that a token of a user has now, for an hour.
    pub fn claims(&self, user: Uuid) -> Value {
        claims_of(&self.url, user)
    }

    /// A good token of a user.
    pub fn token(&self, user: Uuid) -> String {
        self.sign(Signing::Es256, &self.claims(user))
    }

    /// A token with these claims.
    pub fn sign(&self, signing: Signing, claims: &Value) -> String {
        let project = self.project();
        let (alg, kid) = match signing {
            Signing::Es256 => ("ES256", format!("ec-{}", project.generation)),
            Signing::Rs256 => ("RS256", format!("rsa-{}", project.generation)),
        };
        project.sign(signing, &json!({ "alg": alg, "typ": "JWT", "kid": kid }), claims)
    }

    /// A token with this header, signed by the key of `signing` whatever the header says.
    pub fn sign_as(&self, signing: Signing, header: &Value, claims: &Value) -> String {
        self.project().sign(signing, header, claims)
    }

    /// New keys; the former ones are published no more.
    pub fn rotate(&self) {
        let mut project = self.project();
        project.ec = ec_pair();
        project.generation += 1;
    }

    /// Whether every request is answered with 503 from now on.
    pub fn set_down(&self, is_down: bool) {
        self.project().is_down = is_down;
    }

    /// How often the keys were asked for.
    pub fn key_requests(&self) -> usize {
        self.project().key_requests
    }

    /// The body of the published keys, as somebody would take it for a secret.
    pub fn public_point(&self) -> Vec<u8> {
        self.project().ec.public_key().as_ref().to_vec()
    }

    /// What is certain of a user: the address, whether it is confirmed, and the linked account at GitHub.
    pub fn set_user(&self, user: Uuid, email: &str, is_confirmed: bool, github: Option<(i64, &str)>) {
        let confirmed = is_confirmed.then_some("2026-01-01T00:00:00Z");
        let identity = github.map(|(id, login)| {
            json!({ "provider": "github", "identity_data": { "provider_id": id.to_string(), "user_name": login } })
        });
        let body = json!({
            "id": user, "aud": "authenticated", "email": email, "email_confirmed_at": confirmed,
            "identities": identity.into_iter().collect::<Vec<_>>(),
        });
        self.project().users.insert(user, body);
    }

    /// What a user does who was sent here: the code that the browser takes back with it.
    pub fn come_back(&self, user: Uuid, challenge: &str) -> String {
        let code = Uuid::now_v7().to_string();
        self.project().codes.insert(code.clone(), (user, challenge.to_owned()));
        code
    }

    fn project(&self) -> MutexGuard<'_, Project> {
        self.shared.project()
    }
}

impl Drop for FakeSupabase {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn project(&self) -> MutexGuard<'_, Project> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Project {
    fn sign(&self, signing: Signing, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let random = SystemRandom::new();
        let signature = match signing {
            Signing::Es256 => {
                let made = self.ec.sign(&random, signed.as_bytes()).expect("a P-256 key signs");
                made.as_ref().to_vec()
            }
            Signing::Rs256 => {
                let mut made = vec![0; self.rsa.public_modulus_len()];
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut made).expect("an RSA key signs");
                made
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn claims_of(url: &str, user: Uuid) -> Value {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "iss": format!("{}/auth/v1", url), "aud": "authenticated", "role": "authenticated", "sub": user,
        "iat": now, "exp": now + 3600, "email": "claimed@nobody.example", "is_anonymous": false,
        "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": { "email_verified": true, "user_name": "claimed" },
    })
}

fn ec_pair() -> EcdsaKeyPair {
    EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key can be made")
}

async fn keys(State(shared): State<Shared>) -> Response {
    let mut project = shared.project();
    project.key_requests += 1;
    if project.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let point = project.ec.public_key().as_ref();
    // `RSAPublicKey` of RFC 8017: after nine bytes of lengths and a zero the modulus, in the last three the exponent.
    let rsa = project.rsa.public_key().as_ref();
    let (n, e) = (&rsa[9..9 + 256], &rsa[rsa.len() - 3..]);
    let generation = project.generation;
    axum::Json(json!({ "keys": [
        { "kty": "oct", "kid": "shared", "alg": "HS256", "k": text(b"never published by anybody, we hope") },
        { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": text(&[7; 32]) },
        { "kty": "EC", "kid": format!("ec-{generation}"), "crv": "P-256", "alg": "ES256", "use": "sig",
          "x": text(&point[1..33]), "y": text(&point[33..]) },
        { "kty": "RSA", "kid": format!("rsa-{generation}"), "alg": "RS256", "use": "sig", "n": text(n), "e": text(e) },
    ] }))
    .into_response()
}

/// Whoever shows a token is told of its user; the signature is not looked at, since no test depends on it.
async fn user(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let project = shared.project();
    if project.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let has_key = headers.get("apikey").is_some_and(|key| key == ANON_KEY);
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let subject = token.filter(|_| has_key).and_then(|token| {
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
        let claims: Value = serde_json::from_slice(&claims).ok()?;
        claims["sub"].as_str()?.parse::<Uuid>().ok()
    });
    match subject.and_then(|subject| project.users.get(&subject)) {
        Some(user) => axum::Json(user.clone()).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// A code is good once, and with the secret behind its challenge alone.
async fn exchange(State(shared): State<Shared>, headers: HeaderMap, axum::Json(asked): axum::Json<Value>) -> Response {
    let mut project = shared.project();
    if project.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let code = asked["auth_code"].as_str().unwrap_or_default();
    let verifier = asked["code_verifier"].as_str().unwrap_or_default();
    let challenge = crate::crypto::challenge(verifier);
    let found = project.codes.remove(code).filter(|(_, wanted)| *wanted == challenge);
    let Some((user, _)) = found.filter(|_| headers.get("apikey").is_some_and(|key| key == ANON_KEY)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": format!("ec-{}", project.generation) });
    let token = project.sign(Signing::Es256, &header, &claims_of(&project.url, user));
    axum::Json(json!({ "access_token": token, "token_type": "bearer", "expires_in": 3600 })).into_response()
}
