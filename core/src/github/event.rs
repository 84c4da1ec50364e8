//! What a delivery says, as far as it means anything here. GitHub adds events and actions as it likes: what is not known is
//! [`Event::Other`], never an error.

use super::payload::{Payload, PayloadError, PayloadHook, is_form};

/// What a delivery says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A hook was made, or somebody asked for a sign of life.
    Ping {
        /// GitHub's number of the hook.
        hook: Option<i64>,
        /// What is wrong with the hook as it was made, for its owner to read.
        fault: Option<String>,
    },
    /// A ref was made, moved or deleted. Where it points to is not read: whoever indexes asks the remote.
    Push {
        /// Its full name.
        ref_name: String,
    },
    /// Something happened to the repository itself.
    Repository(RepositoryEvent),
    /// Something happened to an installation of the App.
    Installation(InstallationEvent),
    /// An installation sees other repositories than before, by their numbers.
    Repositories {
        /// From now on.
        added: Vec<i64>,
        /// No more.
        removed: Vec<i64>,
    },
    /// This user took back what the App may do for them.
    Revoked {
        /// Their name.
        login: String,
    },
    /// Anything else.
    Other,
}

/// What happened to a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepositoryEvent {
    /// It has another name.
    Renamed {
        /// The new `owner/name`.
        full_name: String,
    },
    /// It has another owner.
    Transferred {
        /// The new `owner/name`.
        full_name: String,
    },
    /// It is gone.
    Deleted,
    /// It cannot be pushed to any more.
    Archived,
    /// It can again.
    Unarchived,
    /// Whether the public may see it.
    Visibility {
        /// It may not.
        is_private: bool,
    },
    /// It has another default branch.
    DefaultBranch {
        /// Its short name.
        name: String,
    },
}

/// What happened to an installation of the App.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallationEvent {
    /// It was made.
    Created,
    /// It is gone.
    Deleted,
    /// It may not be used for now.
    Suspended,
    /// It may again.
    Unsuspended,
    /// Its owner agreed to what the App asks for now.
    Accepted,
}

impl InstallationEvent {
    /// GitHub's name of the action.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Suspended => "suspend",
            Self::Unsuspended => "unsuspend",
            Self::Accepted => "new_permissions_accepted",
        }
    }
}

/// Events of which anything is read.
const READ: [&str; 6] =
    ["ping", "push", "repository", "installation", "installation_repositories", "github_app_authorization"];

impl Event {
    /// Reads a verified body; `name` is `X-GitHub-Event`. Of an event that means nothing here only the content type is
    /// looked at.
    pub fn read(name: &str, content_type: &str, body: &[u8]) -> Result<(Self, Payload), PayloadError> {
        if !READ.contains(&name) {
            is_form(content_type)?;
            return Ok((Self::Other, Payload::default()));
        }
        let payload = Payload::parse(content_type, body)?;
        Ok((Self::of(name, &payload)?, payload))
    }

    fn of(name: &str, payload: &Payload) -> Result<Self, PayloadError> {
        let action = payload.action.as_deref().unwrap_or_default();
        Ok(match name {
            "ping" => Self::Ping { hook: payload.hook_id, fault: payload.hook.as_ref().and_then(fault) },
            "push" => push(payload)?,
            "repository" => repository(action, payload)?.map_or(Self::Other, Self::Repository),
            "installation" => installation(action).map_or(Self::Other, Self::Installation),
            "installation_repositories" => repositories(payload),
            "github_app_authorization" if action == "revoked" => {
                let login = payload.sender.as_ref().and_then(|sender| sender.login.clone());
                Self::Revoked { login: login.ok_or(PayloadError::Missing("sender.login"))? }
            }
            _ => Self::Other,
        })
    }
}

fn push(payload: &Payload) -> Result<Event, PayloadError> {
    let ref_name = payload.ref_name.clone().ok_or(PayloadError::Missing("ref"))?;
    payload.repository.as_ref().ok_or(PayloadError::Missing("repository"))?;
    Ok(Event::Push { ref_name })
}

fn repository(action: &str, payload: &Payload) -> Result<Option<RepositoryEvent>, PayloadError> {
    let repository = payload.repository.as_ref().ok_or(PayloadError::Missing("repository"))?;
    let full_name = || repository.full_name.clone().ok_or(PayloadError::Missing("repository.full_name"));
    let changed_branch = payload.changes.as_ref().is_some_and(|changes| changes.default_branch.is_some());
    Ok(Some(match action {
        "renamed" => RepositoryEvent::Renamed { full_name: full_name()? },
        "transferred" => RepositoryEvent::Transferred { full_name: full_name()? },
        "deleted" => RepositoryEvent::Deleted,
        "archived" => RepositoryEvent::Archived,
        "unarchived" => RepositoryEvent::Unarchived,
        "privatized" => RepositoryEvent::Visibility { is_private: true },
        "publicized" => RepositoryEvent::Visibility { is_private: false },
        "edited" if changed_branch => {
            let name = repository.default_branch.clone();
            RepositoryEvent::DefaultBranch { name: name.ok_or(PayloadError::Missing("repository.default_branch"))? }
        }
        _ => return Ok(None),
    }))
}

fn installation(action: &str) -> Option<InstallationEvent> {
    use InstallationEvent as I;
    [I::Created, I::Deleted, I::Suspended, I::Unsuspended, I::Accepted]
        .into_iter()
        .find(|known| known.as_str() == action)
}

fn repositories(payload: &Payload) -> Event {
    let ids = |of: &[super::PayloadRepository]| of.iter().map(|repository| repository.id).collect();
    Event::Repositories { added: ids(&payload.repositories_added), removed: ids(&payload.repositories_removed) }
}

/// A form is read as well, but what GitHub writes about its hooks is about JSON; without `push` nothing comes.
fn fault(hook: &PayloadHook) -> Option<String> {
    let content_type = hook.config.as_ref().and_then(|config| config.content_type.as_deref());
    let mut faults = Vec::new();
    if let Some(other) = content_type.filter(|kind| *kind != "json") {
        faults.push(format!("its content type is `{other}`: set it to `application/json`"));
    }
    if !hook.events.iter().any(|event| event == "push" || event == "*") {
        faults.push("it does not send `push`: add that event".to_owned());
    }
    (!faults.is_empty()).then(|| faults.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(name: &str, body: &Value) -> Result<Event, PayloadError> {
        Event::read(name, "application/json", body.to_string().as_bytes()).map(|(event, _)| event)
    }

    #[test]
    fn what_is_unknown_is_never_an_error() {
        for (name, body) in [
            ("star", "not even JSON".as_bytes()),
            ("repository", br#"{"action":"starred","repository":{"id":1}}"#),
            ("repository", br#"{"action":"edited","changes":{"description":{"from":"x"}},"repository":{"id":1}}"#),
            ("installation", br#"{"action":"levitated","installation":{"id":1}}"#),
            ("github_app_authorization", br#"{"action":"granted"}"#),
        ] {
            let (event, _) = Event::read(name, "application/json", body).unwrap();
            assert_eq!(event, Event::Other, "{name}");
        }
        assert!(matches!(Event::read("star", "text/plain", b"{}"), Err(PayloadError::ContentType)));
    }

    #[test]
    fn what_an_event_needs_is_named() {
        for (name, body, missing) in [
            ("push", json!({ "repository": { "id": 1 } }), "ref"),
            ("push", json!({ "ref": "refs/heads/main" }), "repository"),
            ("repository", json!({ "action": "renamed", "repository": { "id": 1 } }), "repository.full_name"),
            ("repository", json!({ "action": "deleted" }), "repository"),
            ("github_app_authorization", json!({ "action": "revoked" }), "sender.login"),
        ] {
            assert!(matches!(read(name, &body), Err(PayloadError::Missing(field)) if field == missing), "{body}");
        }
    }

    #[test]
    fn a_ping_tells_what_is_wrong_with_the_hook() {
        let ping = |events: &[&str], kind: &str| {
            let hook = json!({ "events": events, "config": { "content_type": kind } });
            match read("ping", &json!({ "hook_id": 5, "hook": hook })).unwrap() {
                Event::Ping { hook: Some(5), fault } => fault,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(ping(&["*"], "json"), None);
        assert_eq!(ping(&["push", "star"], "json"), None);
        assert_eq!(ping(&["star"], "json").unwrap(), "it does not send `push`: add that event");
        let both = ping(&[], "form").unwrap();
        assert!(both.starts_with("its content type is `form`") && both.ends_with("add that event"), "{both}");
    }
}
