//! API keys as users hold them: `kdb_live_` + 32 base62 characters + 6 of checksum.

use std::fmt;

use crate::crypto;

const LIVE: &str = "kdb_live_";
const TEST: &str = "kdb_test_";
const SECRET_LEN: usize = 32;
const CHECKSUM_LEN: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed key (checksum right). `Debug` prints its ends only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new one: 32 random characters of 62, so 190 bits.
    pub fn generate(live: bool) -> Self {
        let mut key = String::from(if live { LIVE } else { TEST });
        while key.len() < LIVE.len() + SECRET_LEN {
            // Bytes from 248 on would make the first eight characters likelier.
            let [byte] = crypto::random::<1>();
            if byte < 248 {
                key.push(char::from(ALPHABET[usize::from(byte % 62)]));
            }
        }
        let checksum = checksum(&key);
        Self(key + &checksum)
    }

    /// Checks shape and checksum, without any database.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(LIVE).or_else(|| text.strip_prefix(TEST))?;
        if secret.len() != SECRET_LEN + CHECKSUM_LEN || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let (body, given) = text.split_at(text.len() - CHECKSUM_LEN);
        (checksum(body) == given).then(|| Self(text.to_owned()))
    }

    /// What is stored.
    pub fn sha256(&self) -> [u8; 32] {
        crypto::sha256(self.0.as_bytes())
    }

    /// First 12 and last 4 characters.
    pub fn display(&self) -> String {
        format!("{}…{}", &self.0[..12], &self.0[self.0.len() - 4..])
    }

    /// The key itself, to show once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.display())
    }
}

/// CRC-32 (IEEE 802.3, as in zip) of the key so far in base62, like the tokens of GitHub: a mistyped or invented key
/// is refused without a look into any table, and secret scanners can tell a key from noise.
fn checksum(body: &str) -> String {
    let mut left = crc32(body.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LEN];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(left % 62) as usize];
        left /= 62;
    }
    digits.map(char::from).iter().collect()
}

/// Bit by bit: keys are 41 bytes long.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    let update = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(!0, update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_of_the_usual_check_text() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn new_keys_parse_and_differ() {
        for live in [true, false] {
            let key = ApiKey::generate(live);
            assert_eq!(key.expose().len(), 9 + 32 + 6);
            assert!(key.expose().starts_with(if live { "kdb_live_" } else { "kdb_test_" }));
            assert_eq!(ApiKey::parse(key.expose()), Some(key.clone()));
            assert_ne!(ApiKey::generate(live), key);
            assert_eq!(key.sha256(), crypto::sha256(key.expose().as_bytes()));
        }
    }

    #[test]
    fn any_changed_character_is_noticed() {
        let key = ApiKey::generate(true);
        for at in 0..key.expose().len() {
            let mut wrong = key.expose().as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'x' { b'y' } else { b'x' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(ApiKey::parse(&wrong), None, "{wrong}");
            assert_eq!(ApiKey::parse(&key.expose()[..at]), None);
        }
        for wrong in
            ["", "kdb_live_", "kdb_live_é", &format!("{} ", key.expose()), &key.expose().replace("live", "test")]
        {
            assert_eq!(ApiKey::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_known_key_keeps_its_checksum() {
        let body = "kdb_test_00000000000000000000000000000000";
        assert_eq!(
            ApiKey::parse(&format!("{body}{}", checksum(body))).unwrap().display(),
            "kdb_test_000…".to_owned() + &checksum(body)[2..]
        );
    }

    #[test]
    fn debug_shows_the_ends_only() {
        let key = ApiKey::generate(true);
        let shown = format!("{key:?}");
        assert!(!shown.contains(&key.expose()[12..20]), "{shown}");
        assert_eq!(key.display().chars().count(), 12 + 1 + 4);
    }
}
