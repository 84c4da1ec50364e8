//! GitHub, as far as no network is needed: clone URLs, ref patterns, and the signature and payload of webhook deliveries.
//! Knows no HTTP framework and no SQL.

mod event;
mod payload;
mod refs;
mod remote;
mod signature;

pub use self::event::{Event, InstallationEvent, RepositoryEvent};
pub use self::payload::{
    Payload, PayloadAccount, PayloadChanges, PayloadError, PayloadHook, PayloadHookConfig, PayloadInstallation,
    PayloadRepository,
};
pub use self::refs::{RefPatternError, RefPatterns};
pub use self::remote::{Remote, RemoteError};
pub use self::signature::{MalformedSignature, Signature};
