//! The Model Context Protocol: one server for agents over any index, see [`McpServer`]. The service mounts it at `/mcp`; `kotadb
//! mcp` serves it over standard input and output.

pub mod answer;
pub mod arguments;
mod call;
pub mod ground;
mod http;
pub mod progress;
pub mod question;
mod resources;
mod schema;
mod server;
mod service;
mod shrink;
mod table;
mod task;

pub use self::call::call;
pub use self::http::{routes, routes_with};
pub use self::server::McpServer;
pub use self::service::ServiceGround;
pub use self::table::{Toolset, tools};
