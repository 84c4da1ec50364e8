//! Reads variables one by one and remembers every fault, so that all of them can be told at once.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ConfigError;
use crate::schedule::{Schedule, ScheduleError};

/// Reads variables through a look-up and collects faults.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, faults: Vec::new() }
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, ConfigError> {
        if self.faults.is_empty() { Ok(value) } else { Err(ConfigError { faults: self.faults }) }
    }

    /// The trimmed value; a blank one counts as absent.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, wanted: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.fault::<()>(name, &format!("is `{text}`: set it to {wanted}"));
        }
        value
    }

    pub(super) fn seconds(&mut self, name: &str, allowed: RangeInclusive<u64>) -> Option<Duration> {
        let wanted = format!("a number of seconds from {} to {}", allowed.start(), allowed.end());
        let seconds = self.parsed(name, &wanted)?;
        if !allowed.contains(&seconds) {
            self.fault::<()>(name, &format!("is `{seconds}`: set it to {wanted}"));
        }
        Some(Duration::from_secs(seconds))
    }

    /// The value is not repeated in the fault: it may hold a password.
    pub(super) fn postgres_url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            self.fault::<()>(
                name,
                "is no address of Postgres: set it to `postgres://user:password@host:port/database`",
            );
        }
        Some(url)
    }

    /// An address without a slash at its end.
    pub(super) fn http_url(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        if host_of(&url).is_none() {
            self.fault::<()>(name, "is no web address: set it to `https://…`");
        }
        Some(url.trim_end_matches('/').to_owned())
    }

    pub(super) fn data_dir(&mut self) -> PathBuf {
        let own = self.text("KOTADB_DATA_DIR").map(PathBuf::from);
        let shared = || self.text("XDG_DATA_HOME").map(|folder| PathBuf::from(folder).join("kotadb"));
        let home = || self.text("HOME").map(|folder| PathBuf::from(folder).join(".local/share/kotadb"));
        own.or_else(shared).or_else(home).unwrap_or_else(|| {
            self.fault::<()>("KOTADB_DATA_DIR", "is missing, and `HOME` too: set it to a folder that may be written");
            PathBuf::new()
        })
    }

    /// An absolute path, or none where the variable says `none`.
    pub(super) fn folder_or_none(&mut self, name: &str, default: &str) -> Option<PathBuf> {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        if text == "none" {
            return None;
        }
        if !text.starts_with('/') {
            self.fault::<()>(name, &format!("is `{text}`: set it to the absolute path of a folder, or to `none`"));
        }
        Some(PathBuf::from(text))
    }

    /// Scratch in memory leaves a job at least half of what it may use; `job_memory` is that.
    pub(super) fn scratch_memory_bytes(&mut self, job_memory: Option<u64>) -> u64 {
        const OF_NO_LIMIT: u64 = 256 << 20;
        let name = "KOTADB_SCRATCH_MEMORY_BYTES";
        let bytes = self.parsed(name, "a number of bytes");
        let most = job_memory.map_or(u64::MAX, |memory| memory / 2);
        if bytes.is_some_and(|bytes| bytes > most) {
            self.fault::<()>(
                name,
                &format!("is too high: set it to at most half of `KOTADB_JOB_MEMORY_BYTES`, {most}"),
            );
        }
        bytes.unwrap_or_else(|| job_memory.map_or(OF_NO_LIMIT, |memory| memory / 4))
    }

    /// A fault of the default would be ours: it is written here.
    pub(super) fn schedule(&mut self, name: &str, default: &str) -> Schedule {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        text.parse().unwrap_or_else(|error: ScheduleError| {
            self.fault::<()>(name, &format!("cannot be read: {error}"));
            default.parse().expect("the default is a schedule")
        })
    }

    pub(super) fn credentials(&mut self) -> Option<(String, String)> {
        let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
        let pair = match (self.text(id), self.text(secret)) {
            (Some(_), None) => self.fault(secret, &format!("is missing: `{id}` needs it")),
            (None, Some(_)) => self.fault(id, &format!("is missing: `{secret}` needs it")),
            (pair, other) => pair.zip(other),
        };
        pair.filter(|_| self.text("AWS_SESSION_TOKEN").is_none())
    }

    /// The App's number and its key, which come together. The key is not repeated in a fault.
    pub(super) fn github_app(&mut self) -> Option<(u64, String)> {
        let (id, key) = ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY");
        let pem = self.text(key).map(|text| text.replace("\\n", "\n"));
        if pem.as_ref().is_some_and(|pem| !pem.starts_with("-----BEGIN ")) {
            self.fault::<()>(key, "is no PEM: set it to the text of the `.pem` file that GitHub made for the App");
        }
        match (self.text(id), &pem) {
            (Some(_), None) => self.fault(key, &format!("is missing: `{id}` needs it")),
            (None, Some(_)) => self.fault(id, &format!("is missing: `{key}` needs it")),
            _ => self.parsed::<u64>(id, "the number of the GitHub App").zip(pem),
        }
    }

    pub(super) fn master_key(&mut self, name: &str) -> Option<String> {
        let key = self.text(name)?;
        if STANDARD.decode(&key).map(|bytes| bytes.len()) != Ok(32) {
            self.fault::<()>(name, "is not base64 of 32 bytes: make one with `openssl rand -base64 32`");
        }
        Some(key)
    }

    /// A secret that signs: too short a one could be guessed.
    pub(super) fn long_secret(&mut self, name: &str) -> Option<String> {
        const LEAST: usize = 32;
        let secret = self.text(name)?;
        if secret.len() < LEAST {
            self.fault::<()>(name, "has fewer than 32 characters: make one with `openssl rand -hex 32`");
        }
        Some(secret)
    }

    /// A value that another variable makes necessary; `why` says so.
    pub(super) fn required(&mut self, name: &str, why: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            self.fault::<()>(name, &format!("is missing: {why}"));
            String::new()
        })
    }

    /// A word that is none of those `wanted`.
    pub(super) fn unknown(&mut self, name: &str, word: &str, wanted: &str) {
        self.fault::<()>(name, &format!("is `{word}`: set it to {wanted}"));
    }

    pub(super) fn previous_master_key(&mut self) -> Option<String> {
        let previous = self.master_key("KOTADB_MASTER_KEY_PREVIOUS")?;
        if self.text("KOTADB_MASTER_KEY").is_none() {
            self.fault::<()>("KOTADB_MASTER_KEY", "is missing: `KOTADB_MASTER_KEY_PREVIOUS` only opens what it sealed");
        }
        Some(previous)
    }

    /// Origins, `scheme://host[:port]`, in lower case.
    pub(super) fn origins(&mut self, name: &str, default: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_else(|| default.to_owned()).to_ascii_lowercase();
        let origins =
            text.split(',').map(|origin| origin.trim().trim_end_matches('/')).filter(|origin| !origin.is_empty());
        let origins: Vec<String> = origins.map(str::to_owned).collect();
        for origin in &origins {
            if host_of(origin).is_none_or(|host| host.contains(['/', '@', '?', '#'])) {
                self.fault::<()>(name, &format!("holds `{origin}`: list origins such as `https://github.com`"));
            }
        }
        origins
    }

    fn fault<T>(&mut self, name: &str, what: &str) -> Option<T> {
        self.faults.push(format!("`{name}` {what}"));
        None
    }
}

/// What follows the scheme of a web address; `None` for anything else.
fn host_of(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    (!rest.is_empty() && !rest.starts_with('/') && !rest.contains(char::is_whitespace)).then_some(rest)
}
