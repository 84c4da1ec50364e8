//! Fault 16: while jobs of two tenants run, every operation of the description is asked by keys of one for what the other has:
//! ids in every place and spelling, names, cursors, entity tags. Nothing of it is seen, and nothing of it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use kotadb_core::db::members::Role;
use kotadb_core::testing::chance::Chance;
use kotadb_indexer::admin;
use nix::sys::signal::Signal;
use serde_json::json;
use uuid::Uuid;

use super::isolation_requests::{Asked, Operation, operations};
use crate::api::{Answer, Api};
use crate::invariants;
use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// How often an operation is asked again at most, until it says that there is none.
const AGAIN: usize = 50;

/// What the other one has.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    /// Ids that go into paths.
    pub(super) ids: Vec<String>,
    /// What else may be sent: names, cursors, entity tags.
    pub(super) names: Vec<String>,
    pub(super) cursors: Vec<String>,
    pub(super) tags: Vec<String>,
    /// What must not be seen, unless it was sent: of the tenant, and of one repository.
    pub(super) marks: [Vec<String>; 2],
}

/// Somebody who asks.
struct Asker {
    api: Api,
    /// Its own tenant's id, which may lead on to what others have; `None`: it is of the same tenant and limited.
    own: Option<String>,
    has_all_scopes: bool,
}

#[derive(Debug, Default)]
struct Tally {
    asked: u64,
    seen: u64,
    let_in: u64,
    operations: BTreeSet<String>,
    /// By operation with an id in its path: whether it was ever asked whose that is.
    looked_up: BTreeMap<String, bool>,
}

/// As many requests as there is time for.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let stage = Stage::start(plan, Duration::from_secs(60)).await?;
    let (owner, other) = (stage.tenant("owner-of-secrets").await?, stage.tenant("curious").await?);
    let mut repositories =
        [stage.register(&owner, "hidden/secret").await?, stage.register(&other, "acme/curious").await?];
    let visible = stage.register(&owner, "acme/visible").await?;
    stage.drain().await?;
    let names = |one: &Registered| vec![one.repository.name.clone()];
    let of_owner = [names(&repositories[0]), names(&visible)].concat();
    let reader = Reader::start(vec![(owner.clone(), of_owner), (other, names(&repositories[1]))]);
    let foreign = foreign(&stage, &repositories[0]).await?;
    let askers = askers(&stage, &repositories[1], &visible).await?;
    let before = fingerprint(&stage).await?;
    let mut server = stage.start_indexer(&mut stage.indexer("serve", "server"))?;
    let own_url = stage.git.url("acme/curious");
    let operations = operations(&owner.api.ask("GET", "/openapi.json", None).await?.body, &own_url)?;
    let (mut tally, chance) = (Tally::default(), Chance::new(plan.seed));
    for nth in 0..if plan.long { 600 } else { 24 } {
        if nth % 8 == 0 {
            repositories[nth / 8 % 2].push_surely().await?;
        }
        for operation in &operations {
            let asker = &askers[chance.below(askers.len() as u64) as usize];
            ask(operation, asker, &foreign, &chance, &mut tally).await?;
        }
    }
    ask_again(&operations, &askers, &foreign, &chance, &mut tally).await?;
    let after = fingerprint(&stage).await?;
    let changed: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
    if !changed.is_empty() {
        eprintln!("isolation: changed: {changed:?}");
    }
    server.signal(Signal::SIGTERM)?;
    anyhow::ensure!(server.wait(Duration::from_secs(60)).await?.success(), "the indexer failed");
    tally.tell(operations.len(), findings);
    findings.never("changes of what another tenant has", tally.asked, u64::from(after != before));
    stage.settle_jobs().await?;
    let [one, two] = &repositories;
    invariants::check(&stage, &[one, two, &visible], reader, findings).await
}

impl Tally {
    fn tell(&self, operations: usize, findings: &mut Findings) {
        let unasked = operations - self.operations.len();
        let blind: Vec<_> = self.looked_up.iter().filter(|(_, is_asked)| !**is_asked).collect();
        if !blind.is_empty() {
            eprintln!("isolation: nobody asked whose it is: {blind:?}");
        }
        findings.never("answers that hold something of another tenant", self.asked, self.seen);
        findings.never("requests for what another tenant has that are let in", self.asked, self.let_in);
        findings.never("operations that were not asked", operations as u64, unasked as u64);
        findings.never(
            "operations that never said that there is none",
            self.looked_up.len() as u64,
            blind.len() as u64,
        );
    }
}

/// One of everything.
async fn foreign(stage: &Stage, one: &Registered) -> anyhow::Result<Foreign> {
    let (tenant, api) = (one.tenant.id.to_string(), &one.tenant.api);
    let db = stage.postgres.db()?;
    let member = admin::invite(&db, "owner-of-secrets", "member@hidden.example", Role::Reader).await?;
    let (key, _) = admin::create_key(&db, "owner-of-secrets", "hidden key", &[]).await?;
    db.close().await;
    let registration = Uuid::now_v7();
    stage
        .postgres
        .execute(&format!(
            "INSERT INTO kotadb.registrations (id, tenant_id, pattern) VALUES ('{registration}', '{tenant}', 'hidden/*')"
        ))
        .await?;
    let job =
        stage.postgres.texts(&format!("SELECT id::text FROM kotadb.jobs WHERE repository_id = '{}'", one.id)).await?;
    let hook = one.hook.path.rsplit('/').next().unwrap_or_default().to_owned();
    let member = member.context("nobody was invited")?.to_string();
    let mut ids = vec![one.id.to_string(), hook, member, key.to_string(), registration.to_string(), tenant];
    ids.extend(job.clone());
    let word = one.repository.word();
    let search = json!({ "query": word, "limit": 4 });
    let pages = [
        api.ask("POST", "/api/v1/search/code", Some(&search)).await?,
        api.ask("GET", "/api/v1/repositories?limit=1", None).await?,
        api.ask("GET", &format!("/api/v1/search/code?query={word}"), None).await?,
    ];
    let of_tenant = ["owner-of-secrets", "member@hidden.example", "hidden key", "hidden/*"].map(str::to_owned);
    let of_repository = [vec!["hidden/secret".to_owned(), word.clone(), ids[0].clone(), ids[1].clone()], job].concat();
    let marks = [[of_tenant.to_vec(), ids.clone(), of_repository.clone()].concat(), of_repository];
    Ok(Foreign {
        ids,
        names: vec!["hidden/secret".to_owned(), word],
        cursors: pages.iter().filter_map(|page| page.body["next_cursor"].as_str().map(str::to_owned)).collect(),
        tags: pages.iter().filter_map(|page| page.tag.clone()).collect(),
        marks,
    })
}

/// Every role of the other tenant, nobody, and a key of the same tenant that is limited to another repository.
async fn askers(stage: &Stage, other: &Registered, visible: &Registered) -> anyhow::Result<Vec<Asker>> {
    let (db, mut askers) = (stage.postgres.db()?, Vec::new());
    let own = Some(other.tenant.id.to_string());
    for role in [Role::Owner, Role::Maintainer, Role::Reader] {
        let scopes: Vec<String> = role.scopes().into_iter().map(str::to_owned).collect();
        let (_, key) = admin::create_key(&db, "curious", role.as_str(), &scopes).await?;
        let api = other.tenant.api.with_key(key.expose());
        askers.push(Asker { api, own: own.clone(), has_all_scopes: role == Role::Owner });
    }
    db.close().await;
    askers.push(Asker { api: other.tenant.api.with_key(""), own, has_all_scopes: false });
    // Keys that a limited one makes are limited as well, but they are changes.
    let scopes: Vec<_> = Role::Maintainer.scopes().into_iter().filter(|scope| *scope != "keys:admin").collect();
    let limited = json!({ "name": "limited", "scopes": scopes, "repositories": [visible.id.to_string()] });
    let made = visible.tenant.api.ask("POST", "/api/v1/keys", Some(&limited)).await?;
    let key = made.body["key"].as_str().with_context(|| format!("no key: {}", made.text))?;
    askers.push(Asker { api: other.tenant.api.with_key(key), own: None, has_all_scopes: false });
    Ok(askers)
}

async fn ask(
    operation: &Operation,
    asker: &Asker,
    foreign: &Foreign,
    chance: &Chance,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let asked = operation.request(foreign, asker.own.as_deref(), chance);
    let answer = asker.api.ask_with(&operation.method, &asked.path, &asked.headers, asked.body.as_ref()).await?;
    tally.asked += 1;
    tally.operations.insert(operation.name.clone());
    // Whoever is of the same tenant may know it and who is in it.
    let marks = &foreign.marks[usize::from(asker.own.is_none())];
    let seen: Vec<&String> = marks.iter().filter(|mark| is_shown(mark, &asked, &answer)).collect();
    let is_let_in = operation.has_ids() && asker.own.is_some() && (200..400).contains(&answer.status);
    if !seen.is_empty() || is_let_in || answer.status == 0 {
        eprintln!("isolation: {} {asked:?}: {} {seen:?}: {}", operation.name, answer.status, answer.text);
    }
    tally.seen += u64::from(!seen.is_empty());
    tally.let_in += u64::from(is_let_in || answer.status == 0);
    if operation.has_ids() && asker.has_all_scopes {
        *tally.looked_up.entry(operation.name.clone()).or_default() |= matches!(answer.status, 401 | 404);
    }
    Ok(())
}

/// Few rounds leave operations out by chance: who may do everything asks those again.
async fn ask_again(
    operations: &[Operation],
    askers: &[Asker],
    foreign: &Foreign,
    chance: &Chance,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let asker = askers.iter().find(|asker| asker.has_all_scopes).context("nobody has all scopes")?;
    for operation in operations.iter().filter(|operation| operation.has_ids()) {
        let mut left = AGAIN;
        while left > 0 && tally.looked_up.get(&operation.name) != Some(&true) {
            ask(operation, asker, foreign, chance, tally).await?;
            left -= 1;
        }
    }
    Ok(())
}

/// What was sent may be repeated, however it was spelled.
fn is_shown(mark: &str, asked: &Asked, answer: &Answer) -> bool {
    let sent = plain(&asked.path) + &asked.body.as_ref().map(|body| plain(&body.to_string())).unwrap_or_default();
    answer.text.contains(mark) && !sent.contains(&plain(mark))
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace("%2d", "").replace("%2f", "/").replace('-', "")
}

/// Of all rows of the owner that jobs do not write.
async fn fingerprint(stage: &Stage) -> anyhow::Result<Vec<String>> {
    let of = "tenant_id = (SELECT id FROM kotadb.tenants WHERE name = 'owner-of-secrets')";
    let rows = format!(
        "SELECT concat_ws(' ', id, name, plan, deleted_at) FROM kotadb.tenants WHERE name = 'owner-of-secrets'
         UNION ALL SELECT concat_ws(' ', id, name, url, ref_patterns, deleted_at) FROM kotadb.repositories WHERE {of}
         UNION ALL SELECT concat_ws(' ', id, name, scopes, revoked_at, expires_at, successor_id) FROM kotadb.api_keys WHERE {of}
         UNION ALL SELECT concat_ws(' ', id, role, email, expires_at) FROM kotadb.members WHERE {of}
         UNION ALL SELECT concat_ws(' ', id, encode(secret, 'hex'), previous_valid_until) FROM kotadb.hooks WHERE {of}
         UNION ALL SELECT concat_ws(' ', id, pattern, deleted_at) FROM kotadb.registrations WHERE {of}
         UNION ALL SELECT concat_ws(' ', id, state) FROM kotadb.jobs WHERE {of} AND state = 'cancelled'
         ORDER BY 1"
    );
    stage.postgres.texts(&rows).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_not_shown() {
        let answer = Answer { text: "no a/b".to_owned(), ..Answer::default() };
        let sent = |path: &str| Asked { path: path.to_owned(), headers: Vec::new(), body: None };
        assert!(!is_shown("a/b", &sent("/?q=a%2Fb"), &answer));
        assert!(is_shown("a/b", &sent("/c"), &answer));
        assert!(!is_shown("c", &sent("/"), &answer));
    }
}
