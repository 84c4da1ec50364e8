//! The shapes that go over the wire, shared by REST, CLI and MCP: serde types and the conversions from what lower floors
//! answer. Knows no axum. Requests refuse unknown fields; readers of answers ignore them.

mod commit;
mod escape;
pub mod files;
mod freshness;
mod github;
mod health;
mod index_state;
mod job;
mod key;
mod list;
mod member;
mod problem;
mod registration;
pub mod relations;
mod repository;
pub mod search;
pub mod symbols;
mod timestamp;
mod usage;
mod webhook;

pub use self::commit::IndexedCommit;
pub use self::escape::{escape_all, escaped};
pub use self::freshness::Freshness;
pub use self::github::{GithubRedirect, LinkedGithub};
pub use self::health::{Health, HealthStatus, JobQueue, Readiness, Saas, SaasStatus, SpendGuard, StoreHealth};
pub use self::index_state::IndexState;
pub use self::job::{ImportedIndex, Job, JobEvent, QueuedJob};
pub use self::key::{ApiKeyInfo, IssuedApiKey, KeyRotation, KeyScope, NewApiKey, Whoami};
pub use self::list::List;
pub use self::member::{ChangedMember, ChangedTenant, Invitation, Member, MemberRole, Tenant};
pub use self::problem::{Problem, ProblemError};
pub use self::registration::{NewRegistration, PlannedRepository, Registration, RegistrationAnswer};
pub use self::repository::{
    ChangedRepository, IssuedWebhook, NewRepository, RegisteredRepository, Repository, WebhookState,
};
pub use self::timestamp::Timestamp;
pub use self::usage::{Usage, Used};
pub use self::webhook::{DeliveryAnswer, WakeAnswer};
