//! What operators do by hand.

use std::process::Output;

use kotadb_core::db::keys::SCOPES;
use kotadb_core::db::principal::{self, Cost};
use kotadb_core::identity::ApiKey;

use crate::support::service::{Service, run};

async fn admin(service: &Service, arguments: &[&str]) -> Output {
    run(service.indexer().arg("admin").args(arguments)).await
}

fn line(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_gets_a_key_a_plan_and_its_first_owner() {
    let service = Service::start().await;
    let tenant = line(&admin(&service, &["tenant", "create", "one"]).await);
    assert_eq!(line(&admin(&service, &["tenant", "create", "one"]).await), tenant);
    let key = line(&admin(&service, &["key", "create", "--tenant", "one"]).await);
    let key = ApiKey::parse(&key).unwrap();
    let asked = async || {
        let cost = Cost { units: 1, is_search: false };
        principal::of_key(&service.database.db, &key.sha256(), cost).await.unwrap()
    };
    let admission = asked().await;
    assert_eq!(
        (admission.rate.unwrap().limit, admission.verdict.unwrap().scopes),
        (600, SCOPES.map(str::to_owned).to_vec())
    );
    line(&admin(&service, &["tenant", "plan", "one", "unlimited"]).await);
    assert_eq!(asked().await.rate, None);
    let unknown = admin(&service, &["tenant", "plan", "one", "golden"]).await;
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("no plan `golden`"));
    let scope = admin(&service, &["key", "create", "--tenant", "one", "--scope", "root"]).await;
    assert!(String::from_utf8_lossy(&scope.stderr).contains("choose from search, "), "{scope:?}");
    line(&admin(&service, &["tenant", "invite", "one", "ann@one.example"]).await);
    line(&admin(&service, &["tenant", "invite", &tenant, "octo", "--role", "reader"]).await);
    let rows = "SELECT role || ' ' || coalesce(email, github_login) FROM kotadb.members ORDER BY id";
    assert_eq!(service.database.texts(rows).await, ["owner ann@one.example", "reader octo"]);
}
