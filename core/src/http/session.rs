//! What a browser brings instead of a key: a cookie with the key, or the token of a user, sealed under the master key. No script
//! can read it, no other site's page can send it with a form, and no process has to remember it. It ends with what is in it, or
//! by itself.
//!
//! The layer makes of it the `Authorization` that [`super::Authorized`] looks at, so a handler knows nothing of cookies. A request
//! that may change something counts only with the token of the session ([`BrowserSession::holds`]): in the header `KotaDB-Form`, where
//! `form` puts that of a form to the API, or in the body of the forms that begin and end it. A page of another site knows no token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue};
use time::OffsetDateTime;

use super::error::ApiError;
use super::flash::Flash;
use super::resources::Resources;
use super::token::TENANT;
use crate::config::Config;
use crate::crypto::{self, MasterKey, Secret, Signer};
use crate::id::TenantId;

/// The name of the cookie.
const NAME: &str = "kotadb_session";
/// How long a session lasts, whatever is in it.
const LIFE_SECONDS: i64 = 7 * 24 * 3600;
/// What it is sealed for.
const CONTEXT: &str = "browser session";
/// What its tokens are signed for.
const PURPOSE: &str = "form";
/// Where the token is looked for.
pub(super) const FORM: &str = "kotadb-form";

/// The session of a browser. `Debug` prints no secret.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    credential: Secret,
    /// The tenant that was chosen, of a user who is in several.
    tenant: Option<TenantId>,
    cookie: Secret,
    signer: Signer,
}

impl BrowserSession {
    /// A new one, with a key or a token; empty: of somebody who is about to sign in. `not_configured` without a master key.
    pub fn new(resources: &Resources, credential: &str) -> Result<Self, ApiError> {
        Ok(Self::sealed(resources.master_key()?, credential, None, ends()))
    }

    /// The same user in a tenant of his.
    pub fn within(&self, resources: &Resources, tenant: TenantId) -> Result<Self, ApiError> {
        Ok(Self::sealed(resources.master_key()?, self.credential.expose(), Some(tenant), ends()))
    }

    fn sealed(key: &MasterKey, credential: &str, tenant: Option<TenantId>, ends: i64) -> Self {
        let tenant_text = tenant.map(|tenant| format!("{tenant} ")).unwrap_or_default();
        let text = format!("{ends} {tenant_text}{credential}");
        Self {
            credential: Secret::new(credential),
            tenant,
            cookie: Secret::new(URL_SAFE_NO_PAD.encode(key.seal(CONTEXT, text.as_bytes()))),
            signer: Signer::new(PURPOSE, Some(key)),
        }
    }

    /// What a cookie holds; `None`: it is none of ours, or its time is over.
    fn open(key: &MasterKey, cookie: &str, now: i64) -> Option<Self> {
        let opened = key.open(CONTEXT, &URL_SAFE_NO_PAD.decode(cookie).ok()?).ok()?;
        let text = String::from_utf8(opened).ok()?;
        let (ends, held) = text.split_once(' ')?;
        // Neither a key nor a token has a blank.
        let (tenant, credential) = held.split_once(' ').map_or((None, held), |(id, held)| (id.parse().ok(), held));
        (now < ends.parse().ok()?).then(|| Self {
            credential: Secret::new(credential),
            tenant,
            cookie: Secret::new(cookie),
            signer: Signer::new(PURPOSE, Some(key)),
        })
    }

    /// Whether somebody is signed in.
    pub fn is_signed_in(&self) -> bool {
        !self.credential.expose().is_empty()
    }

    /// The key or token that it holds.
    pub(super) fn credential(&self) -> &str {
        self.credential.expose()
    }

    /// What a form has to bring with it.
    pub fn form_token(&self) -> String {
        crypto::to_hex(&self.signer.sign(b"f", self.cookie.expose().as_bytes()))
    }

    /// Whether a form, or a script, brought it.
    pub fn holds(&self, token: &str) -> bool {
        let digit = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = token.as_bytes().chunks(2).map(digit).collect();
        bytes.is_some_and(|bytes| self.signer.verify(b"f", self.cookie.expose().as_bytes(), &bytes))
    }

    /// A secret of the session that no page shows: what a browser that was sent elsewhere to sign in comes back with is good
    /// here alone (RFC 7636).
    pub fn verifier(&self) -> String {
        crypto::to_hex(&self.signer.sign(b"v", self.cookie.expose().as_bytes()))
    }

    /// `Set-Cookie` for it. `Lax`, so that a link from elsewhere to a page works, and nothing that another page posts.
    pub fn set_cookie(&self, is_tls: bool) -> HeaderValue {
        set_cookie(NAME, self.cookie.expose(), LIFE_SECONDS, is_tls)
    }

    /// `Set-Cookie` that ends whatever session there is.
    pub fn forget(is_tls: bool) -> HeaderValue {
        set_cookie(NAME, "", 0, is_tls)
    }
}

/// When a session that begins now ends.
fn ends() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp() + LIFE_SECONDS
}

/// A cookie that no script reads and no other site sends with a form.
pub(super) fn set_cookie(name: &str, value: &str, max_age: i64, is_tls: bool) -> HeaderValue {
    let secure = if is_tls { "; Secure" } else { "" };
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
    HeaderValue::try_from(cookie).expect("base64 and digits are a header value")
}

/// What opens sessions; without a master key there are none.
#[derive(Clone, Debug)]
pub(super) struct Sessions(Option<Arc<MasterKey>>);

impl Sessions {
    pub(super) fn new(config: &Config) -> Self {
        let previous = config.master_key_previous.as_ref().map(Secret::expose);
        let key = config.master_key.as_ref().map(|key| MasterKey::from_base64(key.expose(), previous));
        Self(key.and_then(Result::ok).map(Arc::new))
    }

    /// What seals.
    pub(super) fn key(&self) -> Option<&MasterKey> {
        self.0.as_deref()
    }

    /// The session that a request brings.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<BrowserSession> {
        let key = self.key()?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        cookie(headers, NAME).and_then(|text| BrowserSession::open(key, text, now))
    }
}

/// The layer.
pub(super) async fn session(State(sessions): State<Sessions>, mut request: Request, next: Next) -> Response {
    if let Some(session) = sessions.of(request.headers()) {
        if session.is_signed_in() && !brings_credentials(request.headers()) && is_meant(&session, &request) {
            let value = format!("Bearer {}", session.credential.expose());
            if let Ok(mut value) = HeaderValue::try_from(value) {
                value.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, value);
                name_tenant(request.headers_mut(), session.tenant);
            }
        }
        request.extensions_mut().insert(session);
        if let Some(flash) = sessions.key().and_then(|key| Flash::of(key, request.headers())) {
            request.extensions_mut().insert(flash);
        }
    }
    next.run(request).await
}

/// As a program names it.
fn name_tenant(headers: &mut HeaderMap, tenant: Option<TenantId>) {
    if let Some(value) = tenant.and_then(|tenant| HeaderValue::try_from(tenant.to_string()).ok()) {
        headers.insert(TENANT, value);
    }
}

fn brings_credentials(headers: &HeaderMap) -> bool {
    headers.contains_key(AUTHORIZATION) || headers.contains_key("x-api-key")
}

/// Whether the person at the browser asks, and not another site's page.
fn is_meant(session: &BrowserSession, request: &Request) -> bool {
    let token = request.headers().get(FORM).and_then(|value| value.to_str().ok());
    request.method().is_safe() || token.is_some_and(|token| session.holds(token))
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let pairs = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::{get, post};
    use base64::engine::general_purpose::STANDARD;
    use tower::ServiceExt;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_base64(&STANDARD.encode([byte; 32]), None).unwrap()
    }

    /// What a handler sees of the credentials.
    async fn seen(request: http::request::Builder) -> String {
        let told = |headers: HeaderMap| async move {
            headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let sessions = Sessions(Some(Arc::new(key(1))));
        let router =
            Router::new().route("/", get(told)).route("/do", post(told)).layer(from_fn_with_state(sessions, session));
        let response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        String::from_utf8(to_bytes(response.into_body(), 999).await.unwrap().to_vec()).unwrap()
    }

    fn lasting(credential: &str) -> BrowserSession {
        BrowserSession::sealed(&key(1), credential, None, i64::MAX)
    }

    #[test]
    fn it_opens_until_its_end_with_our_key_alone() {
        let session = BrowserSession::sealed(&key(1), "kdb_live_x", None, NOW);
        let cookie = session.cookie.expose();
        let opened = BrowserSession::open(&key(1), cookie, NOW - 1).unwrap();
        assert_eq!(opened.credential.expose(), "kdb_live_x");
        assert!(BrowserSession::open(&key(1), cookie, NOW).is_none());
        assert!(BrowserSession::open(&key(2), cookie, NOW - 1).is_none());
        assert!(BrowserSession::open(&key(1), &cookie[1..], NOW - 1).is_none());
        assert!(!format!("{session:?}").contains("kdb_live"));
    }

    #[test]
    fn it_holds_the_tenant_that_was_chosen() {
        let tenant: TenantId = "0190b0a0-0000-7000-8000-000000000001".parse().unwrap();
        let session = BrowserSession::sealed(&key(1), "a.b.c", Some(tenant), NOW);
        let opened = BrowserSession::open(&key(1), session.cookie.expose(), NOW - 1).unwrap();
        assert_eq!((opened.tenant, opened.credential()), (Some(tenant), "a.b.c"));
        let mut headers = HeaderMap::new();
        name_tenant(&mut headers, opened.tenant);
        assert_eq!(headers[TENANT], tenant.to_string());
    }

    #[test]
    fn a_token_is_that_of_its_session() {
        let (one, other) = (lasting("a"), lasting("a"));
        assert!(one.holds(&one.form_token()) && !one.holds(&one.verifier()));
        for wrong in
            [other.form_token(), String::new(), "zz".to_owned(), "é".to_owned(), one.form_token()[2..].to_owned()]
        {
            assert!(!one.holds(&wrong), "{wrong}");
        }
    }

    #[test]
    fn scripts_do_not_see_the_cookie_and_other_sites_do_not_send_it() {
        let value = |is_tls| lasting("a").set_cookie(is_tls).to_str().unwrap().to_owned();
        assert!(value(true).ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=604800; Secure"));
        assert!(!value(false).contains("Secure"));
        assert!(BrowserSession::forget(false).to_str().unwrap().contains("Max-Age=0"));
    }

    #[tokio::test]
    async fn a_cookie_reads_and_changes_nothing_without_its_token() {
        let session = lasting("kdb_live_x");
        let cookie = format!("a=b; {NAME}={}", session.cookie.expose());
        let get = || http::Request::get("/").header("cookie", &cookie);
        let post = || http::Request::post("/do").header("cookie", &cookie);
        assert_eq!(seen(get()).await, "Bearer kdb_live_x");
        assert_eq!(seen(get().header("authorization", "Bearer own")).await, "Bearer own");
        assert_eq!(seen(get().header("x-api-key", "own")).await, "");
        assert_eq!(seen(post()).await, "");
        assert_eq!(seen(post().header(FORM, lasting("kdb_live_x").form_token())).await, "");
        assert_eq!(seen(post().header(FORM, session.form_token())).await, "Bearer kdb_live_x");
        let nobody = format!("{NAME}={}", lasting("").cookie.expose());
        assert_eq!(seen(http::Request::get("/").header("cookie", nobody)).await, "");
    }
}
