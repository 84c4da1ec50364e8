//! The identifiers that rows, object names and requests share. Making a new UUID needs a clock, so callers do that.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_newtype!(
    /// A customer: owns repositories, keys, jobs and everything below `t/<tenant>/` in the object store.
    TenantId
);
uuid_newtype!(
    /// A registered repository of one tenant.
    RepositoryId
);
uuid_newtype!(
    /// One row of the job table.
    JobId
);
uuid_newtype!(
    /// A webhook as GitHub knows it: the last part of its URL.
    HookId
);

impl TenantId {
    /// The tenant of a local index, which has no database.
    pub const LOCAL: Self = Self(Uuid::nil());
}

/// A git object id (SHA-1): of a blob or a commit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 20]);

/// Why a text is no git object id.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a git object id: give 40 hexadecimal digits")]
pub struct ObjectIdError(String);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = ObjectIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ObjectIdError(text.to_owned());
        if text.len() != 40 || !text.is_ascii() {
            return Err(error());
        }
        let mut bytes = [0; 20];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| error())?;
        }
        Ok(Self(bytes))
    }
}
