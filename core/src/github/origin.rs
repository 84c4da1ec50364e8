//! Where a repository is fetched from: scheme, host and port. What may stand there is decided here for registration and
//! fetch alike, and so is which addresses a host must not lead to; resolving its name is the indexer's.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::RemoteError;

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

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        if self.port == default_port(self.scheme) { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl Origin {
    /// Reads the origin of a URL. Only one spelling of each host is taken: parsers differ on the others, and one that
    /// checks must not read another host than the one that connects.
    pub fn parse(url: &str) -> Result<Self, RemoteError> {
        if url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(RemoteError::Characters);
        }
        let (scheme, rest) = url.split_once("://").ok_or(RemoteError::Malformed)?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "https" => "https",
            "http" => "http",
            other => return Err(RemoteError::Scheme(other.to_owned())),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(RemoteError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        Ok(Self { scheme, host: checked_host(host)?, port: port.unwrap_or(default_port(scheme)) })
    }

    /// Whether the operator's list names exactly this origin.
    pub fn require_allowed(&self, allowed: &[String]) -> Result<(), RemoteError> {
        let mut listed = allowed.iter().filter_map(|text| Self::parse(text).ok());
        if listed.clone().any(|origin| origin == *self) {
            return Ok(());
        }
        if let Some(rule) = self.address().and_then(refused_address) {
            return Err(RemoteError::Address { host: self.host.clone(), rule });
        }
        let (origin, allowed) = (self.to_string(), allowed.join(", "));
        match listed.any(|other| (other.scheme, other.host.as_str()) == (self.scheme, self.host.as_str())) {
            true => Err(RemoteError::Port { port: self.port.to_string(), allowed }),
            false => Err(RemoteError::Origin { origin, allowed }),
        }
    }

    /// The host, where it is an address.
    pub fn address(&self) -> Option<IpAddr> {
        self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// Whether it is this machine, as the operator wrote it: nothing sent there can be overheard on the way.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.address().is_some_and(|address| address.is_loopback())
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), RemoteError> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => match port.parse() {
            Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, Some(number))),
            _ => Err(RemoteError::Host("its port is no number from 1 to 65535")),
        },
        _ => Ok((authority, None)),
    }
}

/// The one spelling of a host, or the rule that it breaks.
fn checked_host(host: &str) -> Result<String, RemoteError> {
    let refused = |why| Err(RemoteError::Host(why));
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match address.parse::<Ipv6Addr>() {
            Ok(address) => Ok(format!("[{address}]")),
            Err(_) => refused("what is in brackets is no IPv6 address"),
        };
    }
    if !host.is_ascii() {
        return refused("an international name is given in its ASCII form (`xn--…`)");
    }
    if host.ends_with('.') {
        return refused("it ends with a dot");
    }
    let plain =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !host.split('.').all(plain) {
        return refused("it is made of letters, digits, `-` and dots");
    }
    if host.parse::<Ipv4Addr>().is_err() && ends_in_number(host) {
        return refused("an address is written as four decimal numbers");
    }
    Ok(host.to_ascii_lowercase())
}

/// Resolvers read such a host as an address: `2130706433`, `0x7f.1`, `127.1`, `0177.0.0.1`.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// What kind of address it is, if nothing may be fetched from there; `None`: it is public.
pub fn refused_address(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => refused_v4(address),
        IpAddr::V6(address) => refused_v6(address),
    }
}

/// The special-purpose registry of IPv4 (RFC 6890), as far as it is not globally reachable.
fn refused_v4(address: Ipv4Addr) -> Option<&'static str> {
    let rule = match address.octets() {
        [0, ..] => "an address of this network (0.0.0.0/8)",
        [10, ..] => "a private address (10.0.0.0/8)",
        [100, b, ..] if b & 0xc0 == 64 => "a shared address (100.64.0.0/10)",
        [127, ..] => "a loopback address (127.0.0.0/8)",
        [169, 254, ..] => "a link-local address (169.254.0.0/16)",
        [172, b, ..] if b & 0xf0 == 16 => "a private address (172.16.0.0/12)",
        [192, 0, 0, _] => "a reserved address (192.0.0.0/24)",
        [192, 88, 99, _] => "a 6to4 relay (192.88.99.0/24)",
        [192, 168, ..] => "a private address (192.168.0.0/16)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "an address for documentation (RFC 5737)",
        [198, 18 | 19, ..] => "an address for benchmarks (198.18.0.0/15)",
        [224..=239, ..] => "a multicast address (224.0.0.0/4)",
        [240..=255, ..] => "a reserved address (240.0.0.0/4)",
        _ => return None,
    };
    Some(rule)
}

/// Only 2000::/3 is handed out for the public; what tunnels IPv4 could lead anywhere and is refused whole.
fn refused_v6(address: Ipv6Addr) -> Option<&'static str> {
    let rule = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "the unspecified address (::)",
        [0, 0, 0, 0, 0, 0, 0, 1] => "the loopback address (::1)",
        [0, 0, 0, 0, 0, 0xffff, ..] => "an IPv4-mapped address (::ffff:0:0/96)",
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4-compatible address (::/96)",
        [0x64, 0xff9b, ..] => "a NAT64 address (64:ff9b::/32)",
        [0x2001, 0, ..] => "a Teredo address (2001::/32)",
        [0x2001, b, ..] if b < 0x200 => "a reserved address (2001::/23)",
        [0x2001, 0xdb8, ..] => "an address for documentation (2001:db8::/32)",
        [0x2002, ..] => "a 6to4 address (2002::/16)",
        [0x3fff, b, ..] if b < 0x1000 => "an address for documentation (3fff::/20)",
        [0xfdaa, ..] => "an address of Fly's private network (fdaa::/16)",
        [a, ..] if a & 0xfe00 == 0xfc00 => "a unique-local address (fc00::/7)",
        [a, ..] if a & 0xffc0 == 0xfe80 => "a link-local address (fe80::/10)",
        [a, ..] if a & 0xffc0 == 0xfec0 => "a site-local address (fec0::/10)",
        [a, ..] if a & 0xff00 == 0xff00 => "a multicast address (ff00::/8)",
        [a, ..] if a & 0xe000 != 0x2000 => "a reserved address (outside 2000::/3)",
        _ => return None,
    };
    Some(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_means_same_scheme_host_and_port() {
        let allowed = ["https://github.com".to_owned(), "http://127.0.0.1:4321".to_owned()];
        let check = |url: &str| Origin::parse(url).and_then(|origin| origin.require_allowed(&allowed));
        for url in ["https://github.com/a/b.git", "HTTPS://GitHub.com:443/a/b", "http://127.0.0.1:4321/a.git"] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for url in ["http://github.com/a/b", "https://github.com.evil.example/a", "https://evil.example/github.com"] {
            assert!(matches!(check(url), Err(RemoteError::Origin { .. })), "{url}");
        }
        assert!(matches!(check("https://github.com:444/a/b"), Err(RemoteError::Port { .. })));
        assert!(matches!(check("http://127.0.0.1/a"), Err(RemoteError::Address { .. })));
    }

    #[test]
    fn public_addresses_are_not_refused() {
        for address in
            ["140.82.112.3", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:50c0:8000::64", "2001:4860::1"]
        {
            assert_eq!(refused_address(address.parse().unwrap()), None, "{address}");
        }
    }
}
