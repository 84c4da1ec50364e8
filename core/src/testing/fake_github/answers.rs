//! What each path of the API answers.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::api::{Asked, refusal};
use super::deliver::{Log, Parcel};
use super::world::{Asker, Attempt, FakeHook, Repo, World};
use super::{Shared, events};

pub(super) fn route(shared: &Shared, asked: &Asked) -> Response {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match (asked.method.as_str(), path.as_slice()) {
        ("POST", ["app", "installations", id, "access_tokens"]) => mint(shared, asked, id),
        ("GET", ["app", "installations", id]) => installation(shared, asked, id),
        ("GET", ["app", "hook", "deliveries"]) => app_deliveries(shared, asked),
        ("POST", ["app", "hook", "deliveries", id, "attempts"]) => again(shared, Log::App, id),
        ("GET", ["login", "oauth", "authorize"]) => super::people::authorize(shared, asked),
        ("POST", ["login", "oauth", "access_token"]) => super::people::grant(shared, asked),
        ("GET", ["user", rest @ ..]) => super::people::own(shared, asked, rest),
        ("GET", ["installation", "repositories"]) => installation_repositories(shared, asked),
        ("GET", ["orgs" | "users", owner, "repos"]) => owner_repositories(shared, asked, owner),
        (_, ["repos", owner, name, rest @ ..]) => by_name(shared, asked, &format!("{owner}/{name}"), rest),
        (_, ["repositories", id, rest @ ..]) => match id.parse() {
            Ok(id) => by_id(shared, asked, id, rest),
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

pub(super) fn not_found() -> Response {
    refusal(404, "Not Found")
}

pub(super) fn ok(status: u16, body: Value) -> Response {
    (StatusCode::from_u16(status).expect("a status of HTTP"), axum::Json(body)).into_response()
}

/// A page of a list, with the link to the next.
pub(super) fn page(world: &World, asked: &Asked, items: Vec<Value>, field: Option<&str>) -> Response {
    let number = |name: &str, default: usize| asked.query.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (size, at) = (number("per_page", 30).clamp(1, 100), number("page", 1).max(1));
    let total = items.len();
    let shown: Vec<_> = items.into_iter().skip((at - 1) * size).take(size).collect();
    let body = match field {
        Some(field) => json!({ "total_count": total, field: shown }),
        None => Value::Array(shown),
    };
    let next = (at * size < total).then(|| format!("page={}", at + 1));
    linked(world, asked, size, next, ok(200, body))
}

fn linked(world: &World, asked: &Asked, size: usize, next: Option<String>, mut response: Response) -> Response {
    if let Some(next) = next {
        let path = asked.path.join("/");
        let link = format!("<{}/{path}?per_page={size}&{next}>; rel=\"next\"", world.base);
        response.headers_mut().insert(header::LINK, HeaderValue::from_str(&link).expect("a URL is a header value"));
    }
    response
}

fn mint(shared: &Shared, asked: &Asked, id: &str) -> Response {
    if asked.asker != Asker::App {
        return refusal(401, "A JSON web token could not be decoded");
    }
    let mut world = shared.world();
    let Some(one) = id.parse().ok().and_then(|id: i64| world.installations.get(&id).cloned()) else {
        return not_found();
    };
    if one.is_suspended {
        return refusal(403, "This installation has been suspended");
    }
    let token = format!("ghs_{}", Uuid::now_v7().simple());
    world.minted.insert(token.clone(), one.id);
    let ends = (OffsetDateTime::now_utc() + Duration::hours(1)).format(&Rfc3339).expect("an hour from now has a date");
    ok(201, json!({ "token": token, "expires_at": ends, "permissions": {}, "repository_selection": "all" }))
}

fn installation(shared: &Shared, asked: &Asked, id: &str) -> Response {
    if asked.asker != Asker::App {
        return refusal(401, "A JSON web token could not be decoded");
    }
    let world = shared.world();
    let found = id.parse().ok().and_then(|id: i64| world.installations.get(&id));
    found.map_or_else(not_found, |one| ok(200, events::installation(one)))
}

fn installation_repositories(shared: &Shared, asked: &Asked) -> Response {
    let Asker::Installation(id) = asked.asker else { return refusal(403, "Resource not accessible") };
    let world = shared.world();
    let covered = world.repos.values().filter(|repo| world.covers(id, repo));
    let items = covered.map(|repo| events::repository(repo, &world.base)).collect();
    page(&world, asked, items, Some("repositories"))
}

fn owner_repositories(shared: &Shared, asked: &Asked, owner: &str) -> Response {
    let world = shared.world();
    let of = |repo: &&Repo| repo.owner().eq_ignore_ascii_case(owner);
    if world.repos.values().find(of).is_none() {
        return not_found();
    }
    let seen = world.repos.values().filter(of).filter(|repo| world.sees(&asked.asker, repo));
    let items = seen.map(|repo| events::repository(repo, &world.base)).collect();
    page(&world, asked, items, None)
}

/// A former name is answered with the way to the present one.
fn by_name(shared: &Shared, asked: &Asked, name: &str, rest: &[&str]) -> Response {
    let (found, former, base) = {
        let world = shared.world();
        let former = world.former.get(&name.to_lowercase()).copied();
        (world.find(name).map(|repo| repo.id), former, world.base.clone())
    };
    match (found, former) {
        (Some(id), _) => by_id(shared, asked, id, rest),
        (None, Some(id)) => {
            let rest: String = rest.iter().map(|part| format!("/{part}")).collect();
            let status = if asked.method == Method::GET { 301 } else { 307 };
            let mut response = refusal(status, "Moved Permanently");
            let to =
                HeaderValue::from_str(&format!("{base}/repositories/{id}{rest}")).expect("a URL is a header value");
            response.headers_mut().insert(header::LOCATION, to);
            response
        }
        (None, None) => not_found(),
    }
}

fn by_id(shared: &Shared, asked: &Asked, id: i64, rest: &[&str]) -> Response {
    let (repo, base, administers) = {
        let world = shared.world();
        let Some(repo) = world.repos.get(&id).filter(|repo| world.sees(&asked.asker, repo)) else {
            return not_found();
        };
        (repo.clone(), world.base.clone(), world.administers(&asked.asker, repo))
    };
    match (asked.method.as_str(), rest) {
        ("GET", []) => ok(200, events::repository(&repo, &base)),
        ("GET", ["commits", name @ ..]) => commit(&repo, asked, &name.join("/")),
        ("GET", ["git", "matching-refs", prefix @ ..]) => {
            matching(&shared.world(), asked, &repo, &format!("refs/{}", prefix.join("/")))
        }
        (_, ["hooks", ..]) if !administers => not_found(),
        ("GET", ["hooks"]) => page(&shared.world(), asked, repo.hooks.iter().map(shown).collect(), None),
        ("POST", ["hooks"]) => create_hook(shared, asked, &repo),
        (_, ["hooks", hook, rest @ ..]) => {
            let hook = repo.hooks.iter().find(|one| one.id.to_string() == *hook);
            hook.map_or_else(not_found, |hook| on_hook(shared, asked, &repo, hook, rest))
        }
        _ => not_found(),
    }
}

fn commit(repo: &Repo, asked: &Asked, name: &str) -> Response {
    if repo.refs.is_empty() {
        return refusal(409, "Git Repository is empty.");
    }
    let head = format!("refs/heads/{}", repo.default_branch);
    let name = if name == "HEAD" { head } else { format!("refs/{name}") };
    let Some((id, target)) = repo.refs.get(&name) else { return refusal(422, "No commit found for SHA") };
    let id = target.as_ref().unwrap_or(id);
    let etag = format!("\"{id}\"");
    if asked.headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut response = id.clone().into_response();
    response.headers_mut().insert(header::ETAG, HeaderValue::from_str(&etag).expect("hexadecimal digits"));
    response
}

fn matching(world: &World, asked: &Asked, repo: &Repo, prefix: &str) -> Response {
    let refs = repo.refs.iter().filter(|(name, _)| name.starts_with(prefix));
    let items = refs.map(|(name, (id, target))| {
        let kind = if target.is_some() { "tag" } else { "commit" };
        json!({ "ref": name, "node_id": "r", "object": { "type": kind, "sha": id } })
    });
    page(world, asked, items.collect(), None)
}

fn shown(hook: &FakeHook) -> Value {
    let last = hook.attempts.last();
    let code = last.map(|attempt| attempt.status_code).filter(|code| *code > 0);
    let status = last.map_or("unused", |attempt| if attempt.status_code == 0 { "timeout" } else { "active" });
    json!({
        "type": "Repository", "id": hook.id, "name": "web", "active": hook.active, "events": hook.events,
        "config": {
            "content_type": hook.content_type, "url": hook.url, "insecure_ssl": hook.insecure_ssl,
            "secret": (!hook.secret.is_empty()).then_some("********"),
        },
        "last_response": { "code": code, "status": status, "message": null },
    })
}

fn create_hook(shared: &Shared, asked: &Asked, repo: &Repo) -> Response {
    let url = asked.body["config"]["url"].as_str().unwrap_or_default();
    if url.is_empty() || asked.body["name"] != "web" {
        return refusal(422, "Validation Failed");
    }
    let id = shared.world().next_id();
    let mut hook = FakeHook {
        id,
        url: String::new(),
        secret: String::new(),
        active: true,
        events: vec!["push".to_owned()],
        content_type: "form".to_owned(),
        insecure_ssl: "0".to_owned(),
        attempts: Vec::new(),
    };
    set(&mut hook, &asked.body);
    let same = |one: &FakeHook| one.url == hook.url && one.events == hook.events;
    if repo.hooks.iter().any(same) {
        return refusal(422, "Hook already exists on this repository");
    }
    let body = shown(&hook);
    if let Some(repo) = shared.world().repos.get_mut(&repo.id) {
        repo.hooks.push(hook.clone());
    }
    shared.send_later(vec![ping(shared, repo, &hook)]);
    ok(201, body)
}

fn set(hook: &mut FakeHook, body: &Value) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let config = &body["config"];
    hook.url = text(&config["url"]).unwrap_or_else(|| hook.url.clone());
    hook.secret = text(&config["secret"]).unwrap_or_else(|| hook.secret.clone());
    hook.content_type = text(&config["content_type"]).unwrap_or_else(|| hook.content_type.clone());
    hook.insecure_ssl = text(&config["insecure_ssl"]).unwrap_or_else(|| hook.insecure_ssl.clone());
    hook.active = body["active"].as_bool().unwrap_or(hook.active);
    if let Some(events) = body["events"].as_array() {
        hook.events = events.iter().filter_map(text).collect();
    }
}

fn ping(shared: &Shared, repo: &Repo, hook: &FakeHook) -> Parcel {
    let base = shared.world().base.clone();
    let body = json!({
        "zen": "Keep it logically awesome.", "hook_id": hook.id, "hook": shown(hook),
        "repository": events::repository(repo, &base), "sender": events::sender(),
    });
    Parcel {
        log: Log::Hook(repo.id, hook.id),
        url: hook.url.clone(),
        secret: hook.secret.clone(),
        is_form: hook.content_type == "form",
        event: "ping".to_owned(),
        guid: Uuid::now_v7().to_string(),
        body: body.to_string(),
        redelivery: false,
    }
}

fn on_hook(shared: &Shared, asked: &Asked, repo: &Repo, hook: &FakeHook, rest: &[&str]) -> Response {
    let log = Log::Hook(repo.id, hook.id);
    match (asked.method.as_str(), rest) {
        ("GET", []) => ok(200, shown(hook)),
        ("PATCH", []) => {
            let mut changed = hook.clone();
            set(&mut changed, &asked.body);
            change(shared, repo.id, |hooks| {
                hooks.iter_mut().filter(|one| one.id == hook.id).for_each(|one| *one = changed.clone());
            });
            ok(200, shown(&changed))
        }
        ("DELETE", []) => {
            change(shared, repo.id, |hooks| hooks.retain(|one| one.id != hook.id));
            StatusCode::NO_CONTENT.into_response()
        }
        ("POST", ["pings"]) => {
            shared.send_later(vec![ping(shared, repo, hook)]);
            StatusCode::NO_CONTENT.into_response()
        }
        ("GET", ["deliveries"]) => log_page(&shared.world(), asked, &hook.attempts),
        ("POST", ["deliveries", id, "attempts"]) => again(shared, log, id),
        _ => not_found(),
    }
}

fn change(shared: &Shared, repo: i64, change: impl FnOnce(&mut Vec<FakeHook>)) {
    if let Some(repo) = shared.world().repos.get_mut(&repo) {
        change(&mut repo.hooks);
    }
}

fn app_deliveries(shared: &Shared, asked: &Asked) -> Response {
    let world = shared.world();
    if asked.asker != Asker::App {
        refusal(401, "Bad credentials")
    } else {
        log_page(&world, asked, &world.app_attempts)
    }
}

/// The newest first; the next page begins behind a cursor.
fn log_page(world: &World, asked: &Asked, attempts: &[Attempt]) -> Response {
    let size = asked.query.get("per_page").and_then(|n| n.parse().ok()).unwrap_or(30_usize).clamp(1, 100);
    let before: i64 = asked.query.get("cursor").and_then(|n| n.parse().ok()).unwrap_or(i64::MAX);
    let older: Vec<_> = attempts.iter().rev().filter(|attempt| attempt.id < before).collect();
    let items: Vec<_> = older.iter().take(size).map(|attempt| entry(attempt)).collect();
    let next = (older.len() > size).then(|| format!("cursor={}", older[size - 1].id));
    linked(world, asked, size, next, ok(200, Value::Array(items)))
}

fn entry(attempt: &Attempt) -> Value {
    let payload: Value = serde_json::from_str(&attempt.body).unwrap_or_default();
    json!({
        "id": attempt.id, "guid": attempt.guid, "delivered_at": attempt.delivered_at,
        "redelivery": attempt.redelivery, "duration": 0.03, "status_code": attempt.status_code,
        "status": if (200..300).contains(&attempt.status_code) { "OK" } else { "failed" },
        "event": attempt.event, "action": payload["action"], "installation_id": payload["installation"]["id"],
        "repository_id": payload["repository"]["id"],
    })
}

fn again(shared: &Shared, log: Log, id: &str) -> Response {
    let Some(parcel) = id.parse().ok().and_then(|id| shared.again(log, id)) else { return not_found() };
    shared.send_later(vec![parcel]);
    ok(202, json!({}))
}
