//! What the indexer says of settings that are missing and of a schema that it does not fit, and that a flag reaches the process of
//! a job.

use kotadb_core::db::jobs::JobState;

use crate::jobs::repository;
use crate::support::service::{Service, run};
use crate::support::{Remote, fresh_facts};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_names_all_that_its_indexer_lacks() {
    let service = Service::start().await;
    let mut command = service.indexer();
    command.env("KOTADB_MODE", "saas").env_remove("DATABASE_URL").arg("drain");
    let output = run(&mut command).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    for name in ["DATABASE_URL", "BUCKET_NAME", "KOTADB_MASTER_KEY"] {
        assert!(said.contains(&format!("`{name}` is missing")), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_reaches_the_process_of_a_job() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    let mut command = service.indexer();
    command.env_remove("KOTADB_DATA_DIR").env_remove("KOTADB_GIT_ALLOWED_ORIGINS");
    command.arg("--kotadb-data-dir").arg(service.data_dir()).args(["drain", "--kotadb-git-allowed-origins"]);
    let output = run(command.arg(service.git.origin())).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let job = service.job(id).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_the_schema_says_what_a_start_would() {
    let service = Service::start().await;
    let check = async || {
        let mut command = service.indexer();
        // As where the settings have no other address.
        command.env_remove("DATABASE_URL").env("DATABASE_DIRECT_URL", &service.database.direct_url);
        let output = run(command.args(["migrate", "--check"])).await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    assert_eq!(check().await, (Some(0), String::new()));
    let later = |version: &str, needs: &str| {
        format!(
            "INSERT INTO supabase_migrations.schema_migrations (version, name, statements)
             VALUES ('{version}', 'later', ARRAY[E'-- Later.\\n-- needs-binary: >= {needs}\\nSELECT 1'])"
        )
    };
    service.database.execute(&later("29990101000000", "0.0.1")).await;
    assert_eq!(check().await.0, Some(0), "a newer schema on which it still works");
    service.database.execute(&later("29990102000000", "700.0.0")).await;
    let (code, said) = check().await;
    assert_eq!((code, said.contains("deploy 700.0.0 or a later one")), (Some(2), true), "{said}");
    service.database.execute("DELETE FROM supabase_migrations.schema_migrations WHERE name = 'roles'").await;
    assert_eq!(check().await, (Some(1), "missing 20261123000001\n".to_owned()));
}
