//! The routes of this family as an AWS Lambda.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kotadb_core::http::lambda::Error> {
    kotadb_core::http::lambda::run(kotadb_mcp::routes).await
}
