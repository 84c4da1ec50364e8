//! What a key or member may do, as types: a handler names the one that it asks for in its signature.

/// A permission, as a type.
pub trait AccessScope: Send + Sync + 'static {
    /// As it is stored with the key; empty: any will do.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl AccessScope for $name {
            const NAME: &'static str = $text;
        }
    )*};
}

scopes! {
    /// Whatever the key or member has.
    Any = "",
    /// Search what is indexed.
    Search = "search",
    /// See repositories.
    ReadRepositories = "repositories:read",
    /// Register and delete repositories.
    WriteRepositories = "repositories:write",
    /// See jobs.
    ReadJobs = "jobs:read",
    /// Queue jobs.
    WriteJobs = "jobs:write",
    /// Make, see and revoke keys.
    AdminKeys = "keys:admin",
    /// See the tenant and its members.
    ReadTenant = "tenant:read",
    /// Change the tenant and its members.
    AdminTenant = "tenant:admin",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::keys::SCOPES;

    #[test]
    fn every_scope_of_a_key_is_a_type() {
        let types = [
            Search::NAME,
            ReadRepositories::NAME,
            WriteRepositories::NAME,
            ReadJobs::NAME,
            WriteJobs::NAME,
            AdminKeys::NAME,
            ReadTenant::NAME,
            AdminTenant::NAME,
        ];
        assert_eq!(types, SCOPES);
    }
}
