//! Hashes, signatures, random bytes and sealed secrets, all by aws-lc-rs.
#![allow(unused_variables, reason = "contract stub")]

/// SHA-256 of the whole.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    unimplemented!()
}

/// SHA-256 of a stream, for files larger than memory should hold. (`new`, `update(&[u8])`, `finish() -> [u8; 32]`.)
#[derive(Debug)]
pub struct Sha256 {}

/// HMAC-SHA-256.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    unimplemented!()
}

/// Checks an HMAC-SHA-256 in constant time.
pub fn verify_hmac_sha256(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    unimplemented!()
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    unimplemented!()
}

/// Lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    unimplemented!()
}

/// A 32-byte key that seals secrets (`KOTADB_MASTER_KEY`, base64), with the previous one for opening only.
/// `Debug` prints nothing of it.
#[derive(Clone)]
pub struct MasterKey {}

impl MasterKey {
    /// From base64 of 32 bytes.
    pub fn from_base64(current: &str, previous: Option<&str>) -> Result<Self, CryptoError> {
        unimplemented!()
    }
    /// Seals with AES-256-GCM: key id, nonce, ciphertext and tag. `context` (tenant, row, purpose) is authenticated.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Vec<u8> {
        unimplemented!()
    }
    /// Opens what [`MasterKey::seal`] made with the same context.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        unimplemented!()
    }
}

/// Why a key or a sealed secret is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// Not base64 of 32 bytes.
    #[error("master key must be base64 of 32 bytes: make one with `openssl rand -base64 32`")]
    BadMasterKey,
    /// Sealed under another key, for another purpose, or damaged.
    #[error("sealed secret cannot be opened with the current or previous master key")]
    CannotOpen,
}
