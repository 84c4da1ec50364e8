//! Addresses of services: where a key may be sent.

use anyhow::{Context, bail};
use reqwest::Url;

/// The address of a service, without a slash at its end; `what` is who names it. A key must not travel in the clear, except to
/// this machine.
pub fn address(what: &str, text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("`{what} {text}` is no address: give one as in `https://…`"))?;
    let is_near = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && is_near) {
        bail!("`{what} {text}` must begin with `https://`: a key must not travel in the clear");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("`{what}` names a user or a password: leave them out, the key is kept by `kotadb login`");
    }
    Ok(url)
}

/// As it is kept and shown: without what can be left out.
pub fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_travels_in_the_clear() {
        for refused in ["http://code.example", "ftp://code.example", "code.example", "https://a:b@code.example"] {
            assert!(address("--server", refused).is_err(), "{refused}");
        }
        for taken in ["https://code.example/", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost"] {
            assert_eq!(shown(&address("--server", taken).unwrap()), taken.trim_end_matches('/'));
        }
    }
}
