//! All routes as one AWS Lambda, for whoever wants no Lambda for each family.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kotadb_core::http::lambda::Error> {
    kotadb_core::http::lambda::run(kotadb_router::routes).await
}
