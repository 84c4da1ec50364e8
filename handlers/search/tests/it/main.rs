//! The real bootstrap of this family. Run with `--features lambda`. What all Lambdas have in common is compared with the
//! router in `handlers/router/tests/it/lambda.rs`.

use kotadb_core::testing::{LambdaEvent, LambdaRuntime};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn the_bootstrap_serves_this_family_alone() {
    let data = tempfile::tempdir().unwrap();
    let mut runtime = LambdaRuntime::start().await.unwrap();
    let variables = [
        ("KOTADB_MODE", "local"),
        ("DATABASE_URL", "postgres://u@127.0.0.1:9/d?sslmode=disable"),
        ("KOTADB_DATA_DIR", data.path().to_str().unwrap()),
    ];
    runtime.run(env!("CARGO_BIN_EXE_bootstrap-search").as_ref(), &variables).unwrap();
    for (path, status, code) in
        [("/api/v1/search/code", 401, "unauthorized"), ("/api/v1/repositories", 404, "not_found")]
    {
        let event = LambdaEvent { method: "GET".into(), path: path.into(), ..LambdaEvent::default() };
        let answer = runtime.invoke(&event).await.unwrap();
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status, problem["code"].as_str()), (status, Some(code)), "{path}");
    }
}
