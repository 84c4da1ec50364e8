//! Names of objects: made of UUIDs and hexadecimal digits only, so nothing a user types ever becomes part of a path.

use std::fmt;

use uuid::Uuid;

use crate::crypto;
use crate::id::TenantId;

/// What an object is: the folder of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `seg/`
    Segment,
    /// `snap/`
    Snapshot,
    /// `refs/`
    Refs,
    /// `graph/`
    Graph,
    /// `scip/`: an index that was sent; the root names none, rows do.
    Scip,
}

/// The name of an immutable object inside a tenant and kind: `<uuid v7>-<16 hex of SHA-256>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// UUID v7, given by the caller.
    pub id: Uuid,
    /// First eight bytes of the SHA-256 of the object.
    pub hash: [u8; 8],
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Segment, Self::Snapshot, Self::Refs, Self::Graph, Self::Scip];

    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Segment => "seg",
            Self::Snapshot => "snap",
            Self::Refs => "refs",
            Self::Graph => "graph",
            Self::Scip => "scip",
        }
    }

    /// The number that stands for it in HEAD.
    pub(super) fn number(self) -> u64 {
        self as u64
    }

    /// The reverse of [`Kind::number`].
    pub(super) fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

impl ObjectKey {
    /// Length of [`ObjectKey::to_bytes`].
    pub const LEN: usize = 24;

    /// Names an object by its identity and the SHA-256 of its content.
    pub fn new(id: Uuid, sha256: [u8; 32]) -> Self {
        let mut hash = [0; 8];
        hash.copy_from_slice(&sha256[..8]);
        Self { id, hash }
    }

    /// Reads `<uuid>-<16 hex>` as [`fmt::Display`] writes it: lower case, nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, hash) = text.split_at_checked(36)?;
        let mut key = Self { id: Uuid::try_parse(id).ok()?, hash: [0; 8] };
        key.hash = u64::from_str_radix(hash.strip_prefix('-')?, 16).ok()?.to_be_bytes();
        (key.to_string() == text).then_some(key)
    }

    /// When the object was named, by the clock of who wrote it, in milliseconds since 1970; `None`: its name has no time.
    pub fn written_ms(self) -> Option<u64> {
        let (seconds, nanos) = self.id.get_timestamp()?.to_unix();
        Some(seconds * 1000 + u64::from(nanos) / 1_000_000)
    }

    /// As tables of HEAD and snapshots hold it: the UUID, then the hash.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..16].copy_from_slice(self.id.as_bytes());
        bytes[16..].copy_from_slice(&self.hash);
        bytes
    }

    /// The reverse of [`ObjectKey::to_bytes`].
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let mut key = Self { id: Uuid::nil(), hash: [0; 8] };
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        key.id = Uuid::from_bytes(id);
        key.hash.copy_from_slice(&bytes[16..]);
        key
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, crypto::to_hex(&self.hash))
    }
}

/// Where an immutable object lies: `t/<tenant>/<kind>/<key>`.
pub fn object_path(tenant: TenantId, kind: Kind, key: ObjectKey) -> String {
    format!("t/{tenant}/{}/{key}", kind.folder())
}

/// The reverse of [`object_path`]; `None` for anything that it would not have written.
pub fn parse_object_path(path: &str) -> Option<(TenantId, Kind, ObjectKey)> {
    let mut parts = path.strip_prefix("t/")?.split('/');
    let tenant: TenantId = parts.next()?.parse().ok()?;
    let folder = parts.next()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.folder() == folder)?;
    let key = ObjectKey::parse(parts.next()?)?;
    (object_path(tenant, kind, key) == path).then_some((tenant, kind, key))
}

/// Where a tenant's HEAD lies.
pub fn head_path(tenant: TenantId) -> String {
    format!("t/{tenant}/HEAD")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_path_is_uuids_and_hex_and_parses_back(tenant: u128, kind in 0usize..5, id: u128, sha256: [u8; 32]) {
            let (tenant, kind) = (TenantId(Uuid::from_u128(tenant)), Kind::ALL[kind]);
            let key = ObjectKey::new(Uuid::from_u128(id), sha256);
            let path = object_path(tenant, kind, key);
            prop_assert_eq!(parse_object_path(&path), Some((tenant, kind, key)));
            prop_assert_eq!(ObjectKey::from_bytes(key.to_bytes()), key);
            let parts: Vec<&str> = path.split('/').collect();
            prop_assert_eq!((parts.len(), parts[0], parts[2]), (4, "t", kind.folder()));
            let plain = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
            prop_assert!(plain(parts[1]) && plain(parts[3]));
        }

        #[test]
        fn any_other_path_is_refused(path in "[t/0-9a-fA-F.-]{0,120}|t/.*|.*") {
            if let Some((tenant, kind, key)) = parse_object_path(&path) {
                prop_assert_eq!(object_path(tenant, kind, key), path);
            }
        }
    }

    #[test]
    fn near_misses_are_refused() {
        let path = "t/00000000-0000-0000-0000-000000000000/seg/00000000-0000-0000-0000-000000000000-0000000000000000";
        assert!(parse_object_path(path).is_some());
        for wrong in
            [path.replace("-0000000000000000", "-+000000000000000"), path.replace("seg", "Seg"), format!("{path}/")]
        {
            assert_eq!(parse_object_path(&wrong), None, "{wrong}");
        }
        assert_eq!(ObjectKey::parse("é0000000-0000-0000-0000-00000000000-0000000000000000"), None);
    }
}
