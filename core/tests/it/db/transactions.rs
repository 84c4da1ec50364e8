//! What a transaction promises through a transaction pooler.

use kotadb_core::db::{Scope, migrate};
use kotadb_core::testing::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_database_answers() {
    let test = TestDb::new().await;
    assert!(test.db.ping().await.unwrap().as_secs() < 5);
    assert_eq!(
        test.db.schema_version().await.unwrap().as_deref(),
        Some(migrate::latest())
    );
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(
        tx.probe("SELECT $1::bigint + 1", 41).await.unwrap(),
        Some(42)
    );
    tx.commit().await.unwrap();
}
