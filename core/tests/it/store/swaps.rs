//! No update of HEAD is ever lost, however many writers there are: tasks in memory, processes in a folder and in S3.

use std::path::PathBuf;
use std::process::{Child, Command};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{Store, StoreError, StoreOptions};
use uuid::Uuid;

use super::backends::{Backend, s3_options};

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const COUNTER: RepositoryId = RepositoryId(Uuid::from_u128(2));
const WRITERS: u64 = 8;
const INCREMENTS: u64 = 200;

/// Tells a copy of this test binary that it is a writer, and where: a folder, or `endpoint bucket`.
const WRITER: &str = "KOTADB_TEST_WRITER";

#[tokio::test(flavor = "multi_thread")]
async fn tasks_in_memory_lose_no_update() {
    let backend = Backend::memory();
    let writers = (0..WRITERS).map(|_| tokio::spawn(count_up(backend.store.clone())));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    all_are_counted(&backend.store).await;
}

#[tokio::test]
async fn processes_in_a_folder_lose_no_update() {
    processes_lose_no_update(Backend::folder()).await;
}

#[tokio::test]
async fn processes_in_s3_lose_no_update() {
    processes_lose_no_update(Backend::s3().await).await;
}

/// What each of the processes runs; by itself it does nothing.
#[tokio::test]
async fn writer() {
    let Ok(place) = std::env::var(WRITER) else { return };
    let options = match place.split_once(' ') {
        Some((endpoint, bucket)) => s3_options(endpoint, bucket),
        None => StoreOptions::Folder(PathBuf::from(place)),
    };
    count_up(Store::open(&options).unwrap()).await;
}

async fn processes_lose_no_update(backend: Backend) {
    let place = match &backend.options {
        StoreOptions::Folder(folder) => folder.to_str().unwrap().to_owned(),
        StoreOptions::S3 { bucket, endpoint, .. } => format!("{} {bucket}", endpoint.as_deref().unwrap()),
        StoreOptions::Memory => panic!("memory is not shared by processes"),
    };
    let writers: Vec<Child> = (0..WRITERS).map(|_| start_writer(&place)).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    all_are_counted(&backend.store).await;
}

fn start_writer(place: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "store::swaps::writer"]).env(WRITER, place);
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

async fn count_up(store: Store) {
    for _ in 0..INCREMENTS {
        let counted = store.update_head(TENANT, |root| {
            root.repositories.entry(COUNTER).or_default().fence += 1;
            Ok::<_, StoreError>(true)
        });
        counted.await.unwrap();
    }
}

async fn all_are_counted(store: &Store) {
    let (root, _) = store.head(TENANT).await.unwrap();
    assert_eq!((root.repositories[&COUNTER].fence, root.version), (WRITERS * INCREMENTS, WRITERS * INCREMENTS));
}
