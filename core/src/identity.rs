//! API keys as users hold them: `kdb_live_` + 32 base62 characters + 6 of checksum.
#![allow(unused_variables, reason = "contract stub")]

/// A well-formed key (checksum right). `Debug` prints its ends only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// A new one from 32 random bytes.
    pub fn generate(live: bool) -> Self {
        unimplemented!()
    }
    /// Checks shape and checksum, without any database.
    pub fn parse(text: &str) -> Option<Self> {
        unimplemented!()
    }
    /// What is stored.
    pub fn sha256(&self) -> [u8; 32] {
        unimplemented!()
    }
    /// First 12 and last 4 characters.
    pub fn display(&self) -> String {
        unimplemented!()
    }
    /// The key itself, to show once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
