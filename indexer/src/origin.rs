//! Which hosts may be fetched from: the origin of a clone URL must be on the operator's list, and its name must not lead
//! into a private network. The address that was checked is the one that git is told to use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::error::IndexError;

/// Scheme, host and port of an http(s) URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Lower case; an IPv6 address has its brackets.
    pub host: String,
    /// Explicit or that of the scheme.
    pub port: u16,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let default = default_port(self.scheme);
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == default { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl Origin {
    /// Reads the origin of a URL. Credentials in a URL are refused: they would end up in logs and rows.
    pub fn parse(url: &str) -> Result<Self, IndexError> {
        let bad = |why| IndexError::BadUrl { url: without_credentials(url), why };
        if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(bad("it holds white space or control characters"));
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| bad("it has no scheme: use https://"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => "https",
            "http" => "http",
            _ => return Err(bad("only http and https are fetched")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(bad("it holds credentials"));
        }
        let (host, port) = split_port(authority).ok_or_else(|| bad("its host or port is not one"))?;
        Ok(Self { scheme, host: host.to_ascii_lowercase(), port: port.unwrap_or(default_port(scheme)) })
    }

    /// Whether the operator's list names exactly this origin.
    pub fn require_allowed(&self, allowed: &[String]) -> Result<(), IndexError> {
        let listed = allowed.iter().filter_map(|text| Self::parse(text).ok()).any(|origin| origin == *self);
        if listed { Ok(()) } else { Err(IndexError::OriginRefused(self.to_string())) }
    }

    /// Resolves the host and returns the `host:port:address` that pins it, as curl's `--resolve` wants it. Literal
    /// addresses and `localhost` were written by the operator and need no pin; a name must not lead to a private
    /// address.
    pub async fn pin(&self) -> Result<Option<String>, IndexError> {
        if self.host == "localhost" || self.host.starts_with('[') || self.host.parse::<IpAddr>().is_ok() {
            return Ok(None);
        }
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut addresses = addresses.map_err(IndexError::io(format!("cannot resolve `{}`", self.host)))?;
        match addresses.find(|address| is_public(address.ip())) {
            Some(address) => Ok(Some(format!("{}:{}:{}", self.host, self.port, bracketed(address.ip())))),
            None => Err(IndexError::OriginRefused(format!("{self} (its name leads to no public address)"))),
        }
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().ok()?)),
        _ => (authority, None),
    };
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let literal = host.starts_with('[') && host.ends_with(']');
    (!host.is_empty() && (named || literal)).then_some((host, port))
}

fn without_credentials(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(start), Some(at)) if at > start => format!("{}…{}", &url[..start + 3], &url[at..]),
        _ => url.to_owned(),
    }
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => ip.to_ipv4().map_or_else(|| is_public_v6(ip), is_public_v4),
    }
}

/// Not private, loopback, link-local, shared (RFC 6598), multicast or reserved.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || a == 0 || a >= 224 || (a == 100 && b & 0xc0 == 64))
}

/// Not loopback, unique-local (RFC 4193, where Fly's private network lives), link-local, multicast or NAT64.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    !(ip.is_loopback()
        || ip.is_unspecified()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xff00 == 0xff00
        || first == 0x64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_means_same_scheme_host_and_port() {
        let allowed = ["https://github.com".to_owned(), "http://127.0.0.1:4321".to_owned()];
        let check = |url: &str| Origin::parse(url).and_then(|origin| origin.require_allowed(&allowed)).is_ok();
        assert!(check("https://github.com/a/b.git"));
        assert!(check("HTTPS://GitHub.com:443/a/b"));
        assert!(check("http://127.0.0.1:4321/a.git"));
        for url in [
            "http://github.com/a/b",
            "https://github.com:444/a/b",
            "https://github.com.evil.example/a",
            "https://evil.example/github.com",
            "https://github.com@evil.example/a",
            "http://127.0.0.1/a",
            "file:///etc",
            "ssh://github.com/a",
            "git@github.com:a/b",
            "https://",
            "https://github.com\n.evil/a",
        ] {
            assert!(!check(url), "{url}");
        }
    }

    #[test]
    fn refusal_names_the_origin_and_hides_credentials() {
        let refused = Origin::parse("https://gitlab.example:8443/a").and_then(|origin| origin.require_allowed(&[]));
        assert!(refused.unwrap_err().to_string().contains("`https://gitlab.example:8443`"));
        let error = Origin::parse("https://user:secret@github.com/a").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn private_addresses_are_not_public() {
        for ip in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.168.1.1",
            "::1",
            "fdaa::3",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["140.82.112.3", "2606:50c0:8000::64"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }
}
