//! What `kotadb` asks of a service: `login` and `logout` keep its keys, `repos`, `jobs` and `keys` look after what is there, and
//! `search --remote` searches it. All of it is what the service's API answers, in its words.

mod address;
pub mod args;
mod client;
mod credentials;
mod hidden_input;
mod jobs;
mod keys;
mod login;
mod repos;
mod search;

pub use self::address::address;
pub use self::client::{Client, ServerError, key_of};
pub use self::credentials::current_server;
pub use self::jobs::run as run_jobs;
pub use self::keys::run as run_keys;
pub use self::login::{login, logout};
pub use self::repos::run as run_repos;
pub use self::search::search;
