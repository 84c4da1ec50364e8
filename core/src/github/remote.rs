//! Clone URLs: what a user writes becomes one normalised URL and a name, or is refused by the rule that it breaks.
//! The same function is asked again before each fetch, which then also checks where the host's name leads.

use url::Url;

use super::Origin;

const MOST_BYTES: usize = 2_000;

/// A repository that may be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Normalised clone URL: origin and path, no `.git`, no trailing `/`.
    pub url: String,
    /// The origin of `url`.
    pub origin: Origin,
    /// `owner/name`: the last two parts of the path.
    pub name: String,
}

/// The rule that a clone URL breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// Neither `owner/name` nor a URL.
    #[error("`url` must be `owner/name` or an https clone URL")]
    Malformed,
    /// Parsers disagree on what such a URL means.
    #[error("`url` must not hold white space, control characters or `\\`")]
    Characters,
    /// `ssh://`, `git://`, `file://` and the like.
    #[error("`{0}:` is not fetched: give the http(s) clone URL")]
    Scheme(String),
    /// Credentials in the URL would be stored and shown.
    #[error("`url` must not hold a user name or password")]
    UserInfo,
    /// Clone URLs have neither.
    #[error("`url` must not have a query or fragment")]
    QueryOrFragment,
    /// The host is spelled in a way that parsers read differently.
    #[error("the host of `url` is not one that is fetched from: {0}")]
    Host(&'static str),
    /// The host is an address that is not public.
    #[error(
        "`{host}` is {rule}: give the URL of a public host, or have the operator add its origin to `KOTADB_GIT_ALLOWED_ORIGINS`"
    )]
    Address {
        /// The host.
        host: String,
        /// What kind of address it is.
        rule: &'static str,
    },
    /// The host is allowed, at another port.
    #[error(
        "port `{port}` of this host is not fetched from: this service fetches from {allowed} (`KOTADB_GIT_ALLOWED_ORIGINS`)"
    )]
    Port {
        /// What the URL names.
        port: String,
        /// What is allowed, for the message.
        allowed: String,
    },
    /// The path is not one of a repository.
    #[error("the path of `url` must be `/owner/name`, in letters, digits, `.`, `-` and `_`")]
    Path,
    /// Not in `KOTADB_GIT_ALLOWED_ORIGINS`.
    #[error("`{origin}` is not an allowed origin: this service fetches from {allowed} (`KOTADB_GIT_ALLOWED_ORIGINS`)")]
    Origin {
        /// What the URL names.
        origin: String,
        /// What is allowed, for the message.
        allowed: String,
    },
}

impl Remote {
    /// Checks and normalises a clone URL; `owner/name` means GitHub.
    pub fn parse(text: &str, allowed_origins: &[String]) -> Result<Self, RemoteError> {
        let text = text.trim();
        if text.is_empty() || text.len() > MOST_BYTES {
            return Err(RemoteError::Malformed);
        }
        let url = if is_short(text) { format!("https://github.com/{text}") } else { text.to_owned() };
        let origin = Origin::parse(&url)?;
        let url = Url::parse(&url).map_err(|_| RemoteError::Malformed)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(RemoteError::QueryOrFragment);
        }
        origin.require_allowed(allowed_origins)?;
        let (path, name) = repository_path(&url)?;
        Ok(Self { url: format!("{origin}/{path}"), origin, name })
    }

    /// The repository of this URL under another `owner/name`, at the same origin.
    pub fn renamed(url: &str, full_name: &str) -> Result<Self, RemoteError> {
        let origin = Url::parse(url).map_err(|_| RemoteError::Malformed)?.origin().ascii_serialization();
        if !is_short(full_name) {
            return Err(RemoteError::Path);
        }
        Self::parse(&format!("{origin}/{full_name}"), &[origin])
    }
}

/// `owner/name`, with nothing of a URL about it.
fn is_short(text: &str) -> bool {
    let mut parts = text.split('/');
    let two = parts.next().is_some_and(is_part) && parts.next().is_some_and(is_part);
    two && parts.next().is_none()
}

/// The path without `.git`, and its last two parts. On GitHub case does not matter, so that URL is lowered and the name,
/// which is for people, is left as it was written.
fn repository_path(url: &Url) -> Result<(String, String), RemoteError> {
    let path = url.path().trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let [.., owner, name] = parts.as_slice() else { return Err(RemoteError::Path) };
    let is_github = url.host_str() == Some("github.com");
    if !parts.iter().all(|part| is_part(part)) || is_github && parts.len() != 2 {
        return Err(RemoteError::Path);
    }
    let path = if is_github { path.to_lowercase() } else { path.to_owned() };
    Ok((path, format!("{owner}/{name}")))
}

fn is_part(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !part.is_empty() && part != "." && part != ".." && part.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Remote, RemoteError> {
        Remote::parse(text, &["https://github.com".to_owned(), "http://127.0.0.1:8999".to_owned()])
    }

    #[test]
    fn spellings_of_one_repository_are_one_url() {
        for text in [
            "rust-lang/rust",
            " Rust-Lang/rust ",
            "https://github.com/rust-lang/rust",
            "https://GitHub.com:443/rust-lang/rust.git/",
            "HTTPS://github.com//rust-lang/rust.git",
        ] {
            let remote = parse(text).unwrap();
            assert_eq!(remote.url, "https://github.com/rust-lang/rust", "{text}");
            assert!(remote.name.eq_ignore_ascii_case("rust-lang/rust"), "{text}");
        }
        assert_eq!(parse("Rust-Lang/rust").unwrap().name, "Rust-Lang/rust");
        let local = parse("http://127.0.0.1:8999/local/Kota.git").unwrap();
        assert_eq!((local.url.as_str(), local.name.as_str()), ("http://127.0.0.1:8999/local/Kota", "local/Kota"));
    }

    #[test]
    fn a_renamed_repository_stays_at_its_origin() {
        let renamed = Remote::renamed("https://github.com/a/b", "New/Name").unwrap();
        assert_eq!((renamed.url.as_str(), renamed.name.as_str()), ("https://github.com/new/name", "New/Name"));
        let local = Remote::renamed("http://127.0.0.1:8999/a/b", "c/d").unwrap();
        assert_eq!(local.url, "http://127.0.0.1:8999/c/d");
        for name in ["", "a", "a/b/c", "../b", "https://evil.example/a/b", "@evil.example/b"] {
            assert_eq!(Remote::renamed("https://github.com/a/b", name), Err(RemoteError::Path), "{name}");
        }
    }

    #[test]
    fn each_rule_is_named() {
        use RemoteError as E;
        for (text, error) in [
            ("", E::Malformed),
            ("rust", E::Malformed),
            ("git@github.com:a/b", E::Malformed),
            ("file:///etc/passwd", E::Scheme("file".into())),
            ("ssh://git@github.com/a/b", E::Scheme("ssh".into())),
            ("https://me:secret@github.com/a/b", E::UserInfo),
            ("https://github.com/a/b?x=1", E::QueryOrFragment),
            ("https://github.com/a/b#x", E::QueryOrFragment),
            ("https://github.com/a", E::Path),
            ("https://github.com/a/b/c", E::Path),
            ("https://github.com/a/%2e%2e", E::Path),
            ("https://github.com/a/b%00", E::Path),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
        for text in ["http://github.com/a/b", "https://140.82.112.3/a/b", "https://github.com.evil.example/a/b"] {
            assert!(matches!(parse(text), Err(E::Origin { .. })), "{text}");
        }
    }
}
