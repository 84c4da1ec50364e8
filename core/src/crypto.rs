//! Hashes, signatures, random bytes and sealed secrets, all by aws-lc-rs.

use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const KEY_ID_LEN: usize = 4;

/// SHA-256 of the whole.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 of a stream, for files larger than memory should hold.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Hashes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes given.
    pub fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    array(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

/// Checks an HMAC-SHA-256 in constant time.
pub fn verify_hmac_sha256(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), message, tag).is_ok()
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// The hash of a secret as `S256` of RFC 7636 (PKCE) wants it.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("a nibble is below 16");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A token or password in memory. Neither `Debug` nor `Display` shows it: whoever needs the text asks by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text: for a header or a pipe, never for a log, a row or an argument.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A 32-byte key that seals secrets (`KOTADB_MASTER_KEY`, base64), with the previous one for opening only.
/// `Debug` prints nothing of it.
#[derive(Clone)]
pub struct MasterKey {
    current: [u8; 32],
    previous: Option<[u8; 32]>,
}

impl MasterKey {
    /// From base64 of 32 bytes.
    pub fn from_base64(current: &str, previous: Option<&str>) -> Result<Self, CryptoError> {
        Ok(Self { current: decode_key(current)?, previous: previous.map(decode_key).transpose()? })
    }

    /// Seals with AES-256-GCM: key id, nonce, ciphertext and tag. `context` (tenant, row, purpose) is authenticated.
    ///
    /// The key id is the first four bytes of the SHA-256 of the key. Nonces are random: 96 bits bear 2^32 secrets under
    /// one key (NIST SP 800-38D, 8.3), far more than there are webhooks.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random();
        let mut body = secret.to_vec();
        cipher(&self.current)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .expect("a secret is far below the 64 GiB that GCM can seal");
        [&key_id(&self.current)[..], &nonce, &body].concat()
    }

    /// Whether it was sealed under the present key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&key_id(&self.current))
    }

    /// Whether there is a previous key, under which things may be sealed still.
    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// Opens what [`MasterKey::seal`] made with the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (id, rest) = sealed.split_first_chunk::<KEY_ID_LEN>().ok_or(CryptoError::CannotOpen)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::CannotOpen)?;
        let keys = [Some(self.current), self.previous];
        let key = keys.into_iter().flatten().find(|key| key_id(key) == *id).ok_or(CryptoError::CannotOpen)?;
        let mut body = body.to_vec();
        let opened = cipher(&key).open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut body);
        let len = opened.map_err(|_| CryptoError::CannotOpen)?.len();
        body.truncate(len);
        Ok(body)
    }
}

/// Signs what is handed out and comes back: HMAC-SHA-256 under a key that is derived for one purpose.
#[derive(Clone, Debug)]
pub struct Signer {
    purpose: &'static str,
    master: Option<MasterKey>,
}

impl Signer {
    /// Bytes of a signature.
    pub const LEN: usize = 32;

    /// What it signs, every process with the same master key takes for its own. Without one the key is drawn by chance
    /// and known to this process alone.
    pub fn new(purpose: &'static str, master: Option<&MasterKey>) -> Self {
        Self { purpose, master: master.cloned() }
    }

    /// The signature of `message` for `context`, which must be of one length for a purpose.
    pub fn sign(&self, context: &[u8], message: &[u8]) -> [u8; Self::LEN] {
        hmac_sha256(&self.key(&self.keys().0), &[context, message].concat())
    }

    /// Whether a signature is that of the current or the previous key, in constant time.
    pub fn verify(&self, context: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let (current, previous) = self.keys();
        let message = [context, message].concat();
        let mut keys = [Some(current), previous].into_iter().flatten();
        keys.any(|key| verify_hmac_sha256(&self.key(&key), &message, signature))
    }

    fn keys(&self) -> ([u8; 32], Option<[u8; 32]>) {
        match &self.master {
            Some(MasterKey { current, previous }) => (*current, *previous),
            None => (*KEY_OF_PROCESS, None),
        }
    }

    /// So that no two purposes share a key, and none has the one that seals.
    fn key(&self, master: &[u8; 32]) -> [u8; 32] {
        hmac_sha256(master, format!("kotadb signature: {}", self.purpose).as_bytes())
    }
}

/// Drawn when it is first needed: a search that gives out no cursor does not wait for it.
static KEY_OF_PROCESS: LazyLock<[u8; 32]> = LazyLock::new(random);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Why a key or a sealed secret is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// Not base64 of 32 bytes.
    #[error("master key must be base64 of 32 bytes: make one with `openssl rand -base64 32`")]
    BadMasterKey,
    /// Sealed under another key, for another purpose, or damaged.
    #[error("sealed secret cannot be opened with the current or previous master key")]
    CannotOpen,
}

fn decode_key(text: &str) -> Result<[u8; 32], CryptoError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| CryptoError::BadMasterKey)?;
    bytes.try_into().map_err(|_| CryptoError::BadMasterKey)
}

fn key_id(key: &[u8; 32]) -> [u8; KEY_ID_LEN] {
    let [a, b, c, d, ..] = sha256(key);
    [a, b, c, d]
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("AES-256 takes 32 bytes"))
}

fn array(bytes: &[u8]) -> [u8; 32] {
    bytes.try_into().expect("SHA-256 makes 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    #[test]
    fn sha256_of_known_texts() {
        // FIPS 180-2, appendix B.1, and the empty text.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(to_hex(&sha256(b"abc")), abc);
        assert_eq!(to_hex(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut stream = Sha256::new();
        for part in [&b"a"[..], b"", b"bc"] {
            stream.update(part);
        }
        assert_eq!(to_hex(&stream.finish()), abc);
    }

    #[test]
    fn hmac_of_known_texts() {
        // GitHub's documentation of webhook signatures, then RFC 4231, test case 2.
        let (secret, body) = (b"It's a Secret to Everybody", b"Hello, World!");
        let tag = hmac_sha256(secret, body);
        assert_eq!(to_hex(&tag), "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
        assert!(verify_hmac_sha256(secret, body, &tag));
        assert!(!verify_hmac_sha256(secret, b"Hello, World?", &tag));
        assert!(!verify_hmac_sha256(secret, body, &tag[..31]));
        let tag = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(to_hex(&tag), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn aes_gcm_of_a_known_text() {
        // The GCM specification, test case 14: an all-zero key, nonce and block.
        let mut sealed = vec![0; KEY_ID_LEN + NONCE_LEN];
        sealed[..KEY_ID_LEN].copy_from_slice(&key_id(&[0; 32]));
        let text = 0xcea7_403d_4d60_6b6e_074e_c5d3_baf3_9d18_u128.to_be_bytes();
        let tag = 0xd0d1_c8a7_9999_6bf0_265b_98b5_d48a_b919_u128.to_be_bytes();
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(&tag);
        let master = MasterKey::from_base64(&key(0), None).unwrap();
        assert_eq!(master.open("", &sealed), Ok(vec![0; 16]));
    }

    #[test]
    fn a_seal_opens_for_its_purpose_only() {
        let master = MasterKey::from_base64(&key(1), None).unwrap();
        let sealed = master.seal("tenant|hook", b"secret");
        assert_eq!(master.open("tenant|hook", &sealed).unwrap(), b"secret");
        assert_eq!(master.open("tenant|token", &sealed), Err(CryptoError::CannotOpen));
        assert_ne!(master.seal("tenant|hook", b"secret"), sealed, "nonces differ");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(master.open("tenant|hook", &damaged), Err(CryptoError::CannotOpen));
            assert_eq!(master.open("tenant|hook", &sealed[..at]), Err(CryptoError::CannotOpen));
        }
    }

    #[test]
    fn the_previous_key_opens_but_does_not_seal() {
        let sealed = MasterKey::from_base64(&key(1), None).unwrap().seal("c", b"secret");
        let rotated = MasterKey::from_base64(&key(2), Some(&key(1))).unwrap();
        assert_eq!(rotated.open("c", &sealed).unwrap(), b"secret");
        let alone = MasterKey::from_base64(&key(2), None).unwrap();
        assert_eq!(alone.open("c", &sealed), Err(CryptoError::CannotOpen));
        assert_eq!(alone.open("c", &rotated.seal("c", b"new")).unwrap(), b"new");
    }

    #[test]
    fn a_signature_holds_for_its_key_purpose_and_context() {
        let master =
            |byte, previous: Option<u8>| MasterKey::from_base64(&key(byte), previous.map(key).as_deref()).unwrap();
        let signer = Signer::new("cursor", Some(&master(1, None)));
        let signature = signer.sign(b"tenant", b"page 2");
        assert!(signer.verify(b"tenant", b"page 2", &signature));
        assert!(!signer.verify(b"tenant", b"page 3", &signature));
        assert!(!signer.verify(b"tenanT", b"page 2", &signature));
        assert!(!signer.verify(b"tenant", b"page 2", &signature[1..]));
        for (purpose, master, holds) in [
            ("cursor", Some(master(1, None)), true),
            ("cursor", Some(master(2, Some(1))), true),
            ("cursor", Some(master(2, None)), false),
            ("cookie", Some(master(1, None)), false),
            ("cursor", None, false),
        ] {
            let other = Signer::new(purpose, master.as_ref());
            assert_eq!(other.verify(b"tenant", b"page 2", &signature), holds, "{other:?}");
        }
        let (alone, again) = (Signer::new("cursor", None), Signer::new("cursor", None));
        assert!(again.verify(b"", b"x", &alone.sign(b"", b"x")), "one key a process");
        assert_ne!(signature, hmac_sha256(&[1; 32], b"tenantpage 2"), "the key is derived");
    }

    #[test]
    fn keys_are_base64_of_32_bytes_and_never_printed() {
        for wrong in ["", "!", "c2hvcnQ=", &STANDARD.encode([1; 33])] {
            assert_eq!(MasterKey::from_base64(wrong, None).unwrap_err(), CryptoError::BadMasterKey);
            assert!(MasterKey::from_base64(&key(1), Some(wrong)).is_err());
        }
        let master = MasterKey::from_base64(&key(1), None).unwrap();
        assert_eq!(format!("{master:?}"), "MasterKey(…)");
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
        assert_ne!(random::<16>(), random::<16>());
    }
}
