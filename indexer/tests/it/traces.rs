//! The log of the indexer goes on with the trace of the request that queued a job, in the process of the job as well.

use kotadb_core::trace::{self, Traceparent};
use serde_json::Value;

use crate::jobs::repository;
use crate::support::Remote;
use crate::support::service::{Service, run};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_publish_and_end_are_of_one_trace() {
    let service = Service::start().await;
    let repository = repository();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    trace::within(Traceparent::parse(TRACEPARENT), service.enqueue(id)).await;
    let output = run(service.indexer().env("RUST_LOG", "info").arg("drain")).await;
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    for message in ["Job claimed", "Published", "Job done"] {
        let line = lines.iter().find(|line| line["message"] == message);
        let line = line.unwrap_or_else(|| panic!("{message}: {said}"));
        assert_eq!(line["span"]["trace.id"], "4bf92f3577b34da6a3ce929d0e0e4736", "{line}");
        assert_eq!(line["span"]["trace.parent_id"], "00f067aa0ba902b7", "{line}");
        assert!(line["span"]["job.id"].is_string() && line["job.id"].is_string(), "{line}");
    }
}
