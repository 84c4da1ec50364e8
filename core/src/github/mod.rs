//! GitHub: clone URLs, ref patterns, the signature and payload of webhook deliveries, and ([`client`]) its REST API.
//! [`provision`] keeps webhooks there, [`follow`] registers what a pattern matches. Knows no HTTP framework and no SQL.

pub mod client;
mod event;
pub mod follow;
pub mod handshake;
mod origin;
mod pattern;
mod payload;
pub mod provision;
mod refs;
mod remote;
mod signature;

pub use self::event::{Event, InstallationEvent, RepositoryEvent};
pub use self::origin::{Origin, refused_address};
pub use self::pattern::{PatternError, RepositoryPattern};
pub use self::payload::{
    Payload, PayloadAccount, PayloadChanges, PayloadError, PayloadHook, PayloadHookConfig, PayloadInstallation,
    PayloadRepository,
};
pub use self::refs::{RefPatternError, RefPatterns};
pub use self::remote::{Remote, RemoteError};
pub use self::signature::{MalformedSignature, Signature};
