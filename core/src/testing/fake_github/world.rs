//! What the fake GitHub holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::OPERATOR_TOKEN;

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// With this status and a message.
    Status(u16),
    /// By the secondary limit, with so many seconds to wait.
    Secondary(u32),
    /// It is done, and then the connection ends without an answer.
    Cut,
}

/// A request that shall fail.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) request: String,
    pub(super) failure: Failure,
    pub(super) times: usize,
}

/// A webhook of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeHook {
    /// Its number.
    pub id: i64,
    /// Payload URL.
    pub url: String,
    /// Secret, which the API never tells.
    pub secret: String,
    /// Whether it delivers.
    pub active: bool,
    /// What it delivers.
    pub events: Vec<String>,
    /// `json` or `form`.
    pub content_type: String,
    /// `"0"`: certificates are checked.
    pub insecure_ssl: String,
    /// Its log, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One attempt at a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number.
    pub id: i64,
    /// `X-GitHub-Delivery`.
    pub guid: String,
    /// `X-GitHub-Event`.
    pub event: String,
    /// The payload.
    pub body: String,
    /// The answer; 0: there was none.
    pub status_code: u16,
    /// Whether it was asked for.
    pub redelivery: bool,
    /// When, in RFC 3339.
    pub delivered_at: String,
}

#[derive(Clone, Debug)]
pub(super) struct Repo {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) private: bool,
    pub(super) archived: bool,
    pub(super) default_branch: String,
    /// Full name to (object id, whether it is an annotated tag and what that leads to).
    pub(super) refs: BTreeMap<String, (String, Option<String>)>,
    pub(super) hooks: Vec<FakeHook>,
}

impl Repo {
    pub(super) fn owner(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Installation {
    pub(super) id: i64,
    pub(super) account: String,
    /// `None`: all of the account.
    pub(super) chosen: Option<BTreeSet<i64>>,
    pub(super) is_suspended: bool,
}

/// Somebody, and the repositories that they may see though others may not.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) login: String,
    pub(super) sees: BTreeSet<i64>,
}

/// What is changed for a token.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) person: i64,
    pub(super) challenge: String,
    pub(super) redirect: String,
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) base: String,
    pub(super) repos: BTreeMap<i64, Repo>,
    /// Former names, in lower case.
    pub(super) former: HashMap<String, i64>,
    pub(super) installations: BTreeMap<i64, Installation>,
    pub(super) minted: HashMap<String, i64>,
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) codes: HashMap<String, Code>,
    pub(super) user_tokens: HashMap<String, i64>,
    pub(super) refresh_tokens: HashMap<String, i64>,
    pub(super) are_expiring: bool,
    pub(super) app_hook: Option<(String, String)>,
    pub(super) app_attempts: Vec<Attempt>,
    pub(super) scripts: Vec<Script>,
    pub(super) requests: Vec<String>,
    pub(super) is_down: bool,
    pub(super) delay: Duration,
    pub(super) limit: Option<(u32, i64)>,
    pub(super) used: HashMap<String, u32>,
    pub(super) lose: usize,
    pub(super) under_way: usize,
    last_id: i64,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    Anonymous,
    Operator,
    App,
    Installation(i64),
    User(i64),
}

impl World {
    pub(super) fn new(base: String) -> Self {
        Self {
            base,
            repos: BTreeMap::new(),
            former: HashMap::new(),
            installations: BTreeMap::new(),
            minted: HashMap::new(),
            people: BTreeMap::new(),
            codes: HashMap::new(),
            user_tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            are_expiring: false,
            app_hook: None,
            app_attempts: Vec::new(),
            scripts: Vec::new(),
            requests: Vec::new(),
            is_down: false,
            delay: Duration::ZERO,
            limit: None,
            used: HashMap::new(),
            lose: 0,
            under_way: 0,
            last_id: 1000,
        }
    }

    pub(super) fn next_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    /// The repository of that present name; case does not matter.
    pub(super) fn find(&self, name: &str) -> Option<&Repo> {
        self.repos.values().find(|repo| repo.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn named(&self, name: &str) -> &Repo {
        self.find(name).unwrap_or_else(|| panic!("the fake GitHub has no `{name}`"))
    }

    pub(super) fn named_mut(&mut self, name: &str) -> &mut Repo {
        let id = self.named(name).id;
        self.repos.get_mut(&id).expect("found a line ago")
    }

    /// Who holds this token; `None`: nobody knows it.
    pub(super) fn asker(&self, token: &str) -> Option<Asker> {
        if token == OPERATOR_TOKEN {
            return Some(Asker::Operator);
        }
        if let Some(&id) = self.minted.get(token) {
            return Some(Asker::Installation(id));
        }
        if let Some(&id) = self.user_tokens.get(token) {
            return Some(Asker::User(id));
        }
        super::app::is_jwt(token).then_some(Asker::App)
    }

    pub(super) fn covers(&self, installation: i64, repo: &Repo) -> bool {
        self.installations.get(&installation).is_some_and(|installation| {
            let chosen = installation.chosen.as_ref().is_none_or(|chosen| chosen.contains(&repo.id));
            chosen && repo.owner().eq_ignore_ascii_case(&installation.account)
        })
    }

    pub(super) fn sees(&self, asker: &Asker, repo: &Repo) -> bool {
        match asker {
            Asker::Operator => true,
            Asker::Installation(id) => !repo.private || self.covers(*id, repo),
            Asker::User(id) => {
                !repo.private || self.people.get(id).is_some_and(|person| person.sees.contains(&repo.id))
            }
            Asker::Anonymous | Asker::App => !repo.private,
        }
    }

    /// Whether it may look at and change webhooks.
    pub(super) fn administers(&self, asker: &Asker, repo: &Repo) -> bool {
        match asker {
            Asker::Operator => true,
            Asker::Installation(id) => self.covers(*id, repo),
            Asker::Anonymous | Asker::App | Asker::User(_) => false,
        }
    }
}
