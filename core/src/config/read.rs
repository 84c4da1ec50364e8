//! Reads variables one by one and remembers every fault, so that all of them can be told at once.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::table;
use super::variable::Variable;
use crate::crypto::Secret;
use crate::schedule::{Schedule, ScheduleError};

/// Reads variables through a look-up and collects faults. What is at fault counts as absent.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    /// One sentence for each fault so far.
    pub(super) fn into_faults(self) -> Vec<String> {
        self.faults
    }

    /// Whether there is a value, good or not.
    pub(super) fn is_set(&self, variable: &Variable) -> bool {
        self.given(variable).is_some()
    }

    fn given(&self, variable: &Variable) -> Option<String> {
        (self.lookup)(variable.name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The trimmed value, else the default; a blank one counts as absent.
    pub(super) fn text(&self, variable: &Variable) -> Option<String> {
        self.given(variable).or_else(|| variable.default.map(str::to_owned))
    }

    /// The same of a variable that has a default.
    pub(super) fn text_or_default(&self, variable: &Variable) -> String {
        self.text(variable).unwrap_or_default()
    }

    pub(super) fn secret(&self, variable: &Variable) -> Option<Secret> {
        self.text(variable).map(Secret::new)
    }

    pub(super) fn parsed<T: FromStr>(&mut self, variable: &Variable, wanted: &str) -> Option<T> {
        let text = self.text(variable)?;
        text.parse().ok().or_else(|| {
            self.unknown(variable, &text, wanted);
            variable.default.and_then(|default| default.parse().ok())
        })
    }

    /// A default that cannot be read would be ours: it is written in [`super::table`].
    pub(super) fn parsed_or_default<T: FromStr>(&mut self, variable: &Variable, wanted: &str) -> T {
        self.parsed(variable, wanted).expect("the table gives a default that can be read")
    }

    pub(super) fn seconds(&mut self, variable: &Variable, allowed: RangeInclusive<u64>) -> Duration {
        let wanted = format!("a number of seconds from {} to {}", allowed.start(), allowed.end());
        let seconds = self.parsed_or_default(variable, &wanted);
        if !allowed.contains(&seconds) {
            self.unknown(variable, &seconds.to_string(), &wanted);
        }
        Duration::from_secs(seconds)
    }

    /// Whether a switch is on.
    pub(super) fn switch(&mut self, variable: &Variable) -> bool {
        match self.text_or_default(variable).to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => true,
            "0" | "false" | "no" | "off" => false,
            other => {
                self.unknown(variable, other, "`true` or `false`");
                false
            }
        }
    }

    /// A port, or none where the variable says `none`.
    pub(super) fn port_or_none(&mut self, variable: &Variable, default: Option<u16>) -> Option<u16> {
        match self.text(variable).as_deref() {
            None => default,
            Some("none") => None,
            Some(_) => self.parsed(variable, "a port from 0 to 65535, or to `none`"),
        }
    }

    /// The value is not repeated in the fault: it may hold a password.
    pub(super) fn postgres_url(&mut self, variable: &Variable) -> Option<Secret> {
        let url = self.text(variable)?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            let what = "is no address of Postgres: set it to `postgres://user:password@host:port/database`";
            return self.fault(variable, what);
        }
        Some(Secret::new(url))
    }

    /// An address without a slash at its end.
    pub(super) fn http_url(&mut self, variable: &Variable) -> Option<String> {
        let url = self.text(variable)?;
        if host_of(&url).is_none() {
            return self.fault(variable, "is no web address: set it to `https://…`");
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    /// The same of a variable that has a default.
    pub(super) fn http_url_or_default(&mut self, variable: &Variable) -> String {
        self.http_url(variable).or_else(|| variable.default.map(str::to_owned)).unwrap_or_default()
    }

    pub(super) fn data_dir(&mut self) -> PathBuf {
        let own = self.text(&table::KOTADB_DATA_DIR).map(PathBuf::from);
        let shared = || self.text(&table::XDG_DATA_HOME).map(|folder| PathBuf::from(folder).join("kotadb"));
        let home = || self.text(&table::HOME).map(|folder| PathBuf::from(folder).join(".local/share/kotadb"));
        own.or_else(shared).or_else(home).unwrap_or_else(|| {
            let what = "is missing, and `HOME` too: set it to a folder that may be written";
            self.fault::<()>(&table::KOTADB_DATA_DIR, what);
            PathBuf::new()
        })
    }

    /// An absolute path, or none where the variable says `none`.
    pub(super) fn folder_or_none(&mut self, variable: &Variable) -> Option<PathBuf> {
        let text = self.text(variable).filter(|text| text != "none")?;
        if !text.starts_with('/') {
            self.unknown(variable, &text, "the absolute path of a folder, or to `none`");
            return None;
        }
        Some(PathBuf::from(text))
    }

    /// Scratch in memory leaves a job at least half of what it may use; `job_memory` is that.
    pub(super) fn scratch_memory_bytes(&mut self, job_memory: Option<u64>) -> u64 {
        const OF_NO_LIMIT: u64 = 256 << 20;
        let variable = &table::KOTADB_SCRATCH_MEMORY_BYTES;
        let most = job_memory.map_or(u64::MAX, |memory| memory / 2);
        let bytes = self.parsed(variable, "a number of bytes");
        if bytes.is_some_and(|bytes| bytes > most) {
            let what = format!("is too high: set it to at most half of `KOTADB_JOB_MEMORY_BYTES`, {most}");
            self.fault::<()>(variable, &what);
        }
        bytes.unwrap_or_else(|| job_memory.map_or(OF_NO_LIMIT, |memory| memory / 4))
    }

    pub(super) fn schedule(&mut self, variable: &Variable) -> Schedule {
        self.text_or_default(variable).parse().unwrap_or_else(|error: ScheduleError| {
            self.fault::<()>(variable, &format!("cannot be read: {error}"));
            let default = variable.default.and_then(|default| default.parse().ok());
            default.expect("the default is a schedule")
        })
    }

    /// Two that come together: each names the other where it is alone.
    fn both(&mut self, first: &Variable, second: &Variable) -> Option<(String, Secret)> {
        match (self.text(first), self.secret(second)) {
            (Some(_), None) => self.fault(second, &format!("is missing: `{}` needs it", first.name)),
            (None, Some(_)) => self.fault(first, &format!("is missing: `{}` needs it", second.name)),
            (pair, other) => pair.zip(other),
        }
    }

    /// The credentials of the bucket: its own, else the machine's, if they last.
    pub(super) fn credentials(&mut self) -> Option<(String, Secret)> {
        let own = self.both(&table::BUCKET_ACCESS_KEY_ID, &table::BUCKET_SECRET_ACCESS_KEY);
        let pair = self.both(&table::AWS_ACCESS_KEY_ID, &table::AWS_SECRET_ACCESS_KEY);
        own.or_else(|| pair.filter(|_| !self.is_set(&table::AWS_SESSION_TOKEN)))
    }

    /// The region of the bucket: its own, else the machine's.
    pub(super) fn region(&mut self) -> String {
        self.text(&table::BUCKET_REGION).unwrap_or_else(|| self.text_or_default(&table::AWS_REGION))
    }

    /// The App that people sign in by.
    pub(super) fn github_client(&mut self) -> Option<(String, Secret)> {
        self.both(&table::GITHUB_CLIENT_ID, &table::GITHUB_CLIENT_SECRET)
    }

    /// The App's number and its key, which come together. The key is not repeated in a fault.
    pub(super) fn github_app(&mut self) -> Option<(u64, Secret)> {
        let (id, key) = (&table::GITHUB_APP_ID, &table::GITHUB_APP_PRIVATE_KEY);
        let number = self.parsed::<u64>(id, "the number of the GitHub App");
        let pem = self.text(key).map(|text| text.replace("\\n", "\n"));
        let is_pem = pem.as_ref().is_none_or(|pem| pem.starts_with("-----BEGIN "));
        if !is_pem {
            let what = "is no PEM: set it to the text of the `.pem` file that GitHub made for the App";
            self.fault::<()>(key, what);
        }
        self.both(id, key)?;
        number.zip(pem.filter(|_| is_pem).map(Secret::new))
    }

    pub(super) fn master_key(&mut self, variable: &Variable) -> Option<Secret> {
        let key = self.text(variable)?;
        if STANDARD.decode(&key).map(|bytes| bytes.len()) != Ok(32) {
            return self.fault(variable, "is not base64 of 32 bytes: make one with `openssl rand -base64 32`");
        }
        Some(Secret::new(key))
    }

    /// A secret that signs: too short a one could be guessed.
    pub(super) fn long_secret(&mut self, variable: &Variable) -> Option<Secret> {
        const LEAST: usize = 32;
        let secret = self.text(variable)?;
        if secret.len() < LEAST {
            return self.fault(variable, "has fewer than 32 characters: make one with `openssl rand -hex 32`");
        }
        Some(Secret::new(secret))
    }

    /// A value that another variable makes necessary; `why` says so.
    pub(super) fn required(&mut self, variable: &Variable, why: &str) -> Option<Secret> {
        self.secret(variable).or_else(|| self.fault(variable, &format!("is missing: {why}")))
    }

    /// A program cannot do without it.
    pub(super) fn missing(&mut self, variable: &Variable) {
        self.fault::<()>(variable, &format!("is missing: {}", variable.means));
    }

    /// A word that is none of those `wanted`. A secret is not repeated.
    pub(super) fn unknown(&mut self, variable: &Variable, word: &str, wanted: &str) {
        let word = if variable.is_secret { "…" } else { word };
        self.fault::<()>(variable, &format!("is `{word}`: set it to {wanted}"));
    }

    pub(super) fn previous_master_key(&mut self) -> Option<Secret> {
        let previous = self.master_key(&table::KOTADB_MASTER_KEY_PREVIOUS)?;
        if !self.is_set(&table::KOTADB_MASTER_KEY) {
            let why = "is missing: `KOTADB_MASTER_KEY_PREVIOUS` only opens what it sealed";
            return self.fault(&table::KOTADB_MASTER_KEY, why);
        }
        Some(previous)
    }

    /// Origins, `scheme://host[:port]`, in lower case.
    pub(super) fn origins(&mut self, variable: &Variable) -> Vec<String> {
        let text = self.text_or_default(variable).to_ascii_lowercase();
        let origins =
            text.split(',').map(|origin| origin.trim().trim_end_matches('/')).filter(|origin| !origin.is_empty());
        let origins: Vec<String> = origins.map(str::to_owned).collect();
        for origin in &origins {
            if host_of(origin).is_none_or(|host| host.contains(['/', '@', '?', '#'])) {
                let what = format!("holds `{origin}`: list origins such as `https://github.com`");
                self.fault::<()>(variable, &what);
            }
        }
        origins
    }

    fn fault<T>(&mut self, variable: &Variable, what: &str) -> Option<T> {
        self.faults.push(format!("`{}` {what}", variable.name));
        None
    }
}

/// What follows the scheme of a web address; `None` for anything else.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)).then_some(rest)
}
