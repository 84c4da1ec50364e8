//! People at the fake GitHub: what they may see, and how they sign in to the App.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::answers::{not_found, ok, page};
use super::api::{Asked, refusal};
use super::world::{Asker, Code, Person, World};
use super::{FakeGithub, Shared, events};

/// `GITHUB_CLIENT_ID` of the App.
pub const CLIENT_ID: &str = "Iv1.fake";
/// `GITHUB_CLIENT_SECRET` of the App.
pub const CLIENT_SECRET: &str = "secret of the fake App";

impl FakeGithub {
    /// Somebody who sees nothing private yet; the number.
    pub fn add_person(&self, login: &str) -> i64 {
        let mut world = self.world();
        let id = world.next_id();
        world.people.insert(id, Person { login: login.to_owned(), ..Person::default() });
        id
    }

    /// Lets somebody see a repository, or no longer.
    pub fn set_access(&self, login: &str, name: &str, sees: bool) {
        let mut world = self.world();
        let repo = world.named(name).id;
        let person = world.people.values_mut().find(|person| person.login == login).expect("a known person");
        if sees {
            person.sees.insert(repo)
        } else {
            person.sees.remove(&repo)
        };
    }

    /// Whether tokens of the App for people end, from now on.
    pub fn set_expiring(&self, expiring: bool) {
        self.world().are_expiring = expiring;
    }

    /// Ends every token that somebody gave the App, with what renews it if `all`.
    pub fn end_tokens(&self, login: &str, all: bool) {
        let mut world = self.world();
        let id = world.people.iter().find(|(_, person)| person.login == login).map(|(id, _)| *id);
        world.user_tokens.retain(|_, of| Some(*of) != id);
        if all {
            world.refresh_tokens.retain(|_, of| Some(*of) != id);
        }
    }

    /// Somebody follows an address of [`crate::github::client::Client::authorize_url`] and allows it: where the browser is
    /// sent back. Panics if GitHub would show a fault instead.
    pub fn allow(&self, address: &str, login: &str) -> Url {
        let address = Url::parse(address).expect("an address");
        assert_eq!(address.path(), "/login/oauth/authorize");
        let query = address.query_pairs().into_owned().collect();
        way_back(&mut self.world(), &query, login).expect("a known person, and all parameters")
    }
}

/// `GET /login/oauth/authorize`: the person that `login` names allows it at once.
pub(super) fn authorize(shared: &Shared, asked: &Asked) -> Response {
    let login = asked.query.get("login").cloned().unwrap_or_default();
    match way_back(&mut shared.world(), &asked.query, &login) {
        Some(back) => (StatusCode::FOUND, [(LOCATION, back.to_string())]).into_response(),
        None => not_found(),
    }
}

/// Where the browser is sent back.
fn way_back(world: &mut World, query: &HashMap<String, String>, login: &str) -> Option<Url> {
    let get = |name: &str| query.get(name).cloned();
    if (get("client_id")?.as_str(), get("code_challenge_method")?.as_str()) != (CLIENT_ID, "S256") {
        return None;
    }
    let person = *world.people.iter().find(|(_, person)| person.login == login)?.0;
    let code = Uuid::now_v7().simple().to_string();
    let kept = Code { person, challenge: get("code_challenge")?, redirect: get("redirect_uri")? };
    world.codes.insert(code.clone(), kept);
    Url::parse_with_params(&get("redirect_uri")?, [("code", code), ("state", get("state")?)]).ok()
}

/// `POST /login/oauth/access_token`: faults are answered with 200, too.
pub(super) fn grant(shared: &Shared, asked: &Asked) -> Response {
    let text = |name: &str| asked.body[name].as_str().unwrap_or_default().to_owned();
    let fault = |error: &str| ok(200, json!({ "error": error, "error_description": format!("{error}!") }));
    if (text("client_id").as_str(), text("client_secret").as_str()) != (CLIENT_ID, CLIENT_SECRET) {
        return fault("incorrect_client_credentials");
    }
    let mut world = shared.world();
    if text("grant_type") == "refresh_token" {
        return match world.refresh_tokens.remove(&text("refresh_token")) {
            Some(person) => ok(200, issue(&mut world, person)),
            None => fault("bad_refresh_token"),
        };
    }
    let Some(code) = world.codes.remove(&text("code")) else { return fault("bad_verification_code") };
    let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, text("code_verifier").as_bytes()).as_ref());
    if hash != code.challenge || text("redirect_uri") != code.redirect {
        return fault("bad_verification_code");
    }
    ok(200, issue(&mut world, code.person))
}

fn issue(world: &mut World, person: i64) -> Value {
    let (token, refresh) = (format!("ghu_{}", Uuid::now_v7().simple()), format!("ghr_{}", Uuid::now_v7().simple()));
    world.user_tokens.insert(token.clone(), person);
    let mut answer = json!({ "access_token": token, "token_type": "bearer", "scope": "" });
    if world.are_expiring {
        world.refresh_tokens.insert(refresh.clone(), person);
        answer["expires_in"] = json!(28_800);
        answer["refresh_token"] = json!(refresh);
    }
    answer
}

/// Below `/user`.
pub(super) fn own(shared: &Shared, asked: &Asked, rest: &[&str]) -> Response {
    let Asker::User(id) = asked.asker else { return refusal(401, "Requires authentication") };
    let world = shared.world();
    let Some(person) = world.people.get(&id) else { return not_found() };
    let seen_of = |installation: i64| {
        let seen = world.repos.values().filter(move |repo| person.sees.contains(&repo.id));
        seen.filter(|repo| world.covers(installation, repo)).collect::<Vec<_>>()
    };
    match rest {
        [] => ok(200, json!({ "login": person.login, "id": id, "type": "User" })),
        ["installations"] => {
            let sees = |one: &&super::world::Installation| {
                one.account.eq_ignore_ascii_case(&person.login) || !seen_of(one.id).is_empty()
            };
            let items = world.installations.values().filter(sees).map(events::installation).collect();
            page(&world, asked, items, Some("installations"))
        }
        ["installations", installation, "repositories"] => {
            let Some(installation) = installation.parse().ok().filter(|id| world.installations.contains_key(id)) else {
                return not_found();
            };
            let items = seen_of(installation).into_iter().map(|repo| events::repository(repo, &world.base)).collect();
            page(&world, asked, items, Some("repositories"))
        }
        _ => not_found(),
    }
}
