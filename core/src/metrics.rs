//! What a process counts of itself, for Prometheus. Counts are of the process, as those of every process are; what other
//! processes do (jobs) is told by Postgres when somebody asks, see `http`.

use std::sync::LazyLock;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The media type of what [`encode`] writes.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper ends of the buckets of a request's time, in seconds: from what memory answers to what the stack ends.
const BUCKETS: [f64; 12] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Of an answer. The route is its pattern, so that ids make no series of their own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: String,
}

struct Metrics {
    registry: Registry,
    answers: Family<AnswerLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    searches: Counter,
    store_gets: Counter,
    store_bytes: Counter,
    cache_hits: Counter,
    database_unreachable: Counter,
    keys_malformed: Counter,
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("kotadb");
        let metrics = Self {
            answers: Family::default(),
            seconds: Family::new_with_constructor(histogram as fn() -> Histogram),
            in_flight: Gauge::default(),
            searches: Counter::default(),
            store_gets: Counter::default(),
            store_bytes: Counter::default(),
            cache_hits: Counter::default(),
            database_unreachable: Counter::default(),
            keys_malformed: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Answers", metrics.answers.clone());
        let help = "Time from a request to the head of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, metrics.seconds.clone());
        registry.register("http_requests_in_flight", "Requests without an answer so far", metrics.in_flight.clone());
        registry.register("searches", "Searches that ran", metrics.searches.clone());
        registry.register("store_gets", "Reads that searches sent to the object store", metrics.store_gets.clone());
        let help = "What searches read from the object store";
        registry.register_with_unit("store_read", help, Unit::Bytes, metrics.store_bytes.clone());
        let help = "Reads of searches that memory answered";
        registry.register("cache_hits", help, metrics.cache_hits.clone());
        let help = "Times that Postgres was not reached";
        registry.register("database_unreachable", help, metrics.database_unreachable.clone());
        let help = "Keys that were refused by their shape or checksum, without a look into the database";
        registry.register("keys_malformed", help, metrics.keys_malformed.clone());
        Self { registry, ..metrics }
    }
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

/// A request that has no answer yet. Dropped, it has one, or nobody waits for one.
#[derive(Debug)]
pub struct InFlight(());

impl InFlight {
    /// Counts it.
    pub fn begin() -> Self {
        METRICS.in_flight.inc();
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        METRICS.in_flight.dec();
    }
}

/// A request was answered. `route`: the pattern of its path.
pub fn answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let labels = RouteLabels { method, route: route.to_owned() };
    METRICS.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    let labels = AnswerLabels { method, route: labels.route, status };
    METRICS.answers.get_or_create(&labels).inc();
}

/// A search ended: what it read, and what it found in memory.
pub fn searched(gets: u32, bytes: u64, cache_hits: u32) {
    METRICS.searches.inc();
    METRICS.store_gets.inc_by(gets.into());
    METRICS.store_bytes.inc_by(bytes);
    METRICS.cache_hits.inc_by(cache_hits.into());
}

/// Postgres gave no connection, or no answer.
pub fn database_unreachable() {
    METRICS.database_unreachable.inc();
}

/// Counts a key that is none by its shape or checksum.
pub fn key_malformed() {
    METRICS.keys_malformed.inc();
}

/// All of it and what `others` hold, as OpenMetrics text.
pub fn encode(others: &Registry) -> Result<String, std::fmt::Error> {
    let mut page = String::new();
    text::encode_registry(&mut page, &METRICS.registry)?;
    text::encode_registry(&mut page, others)?;
    text::encode_eof(&mut page)?;
    Ok(page)
}

/// A collection that [`encode`] takes; for what is known only when somebody asks.
pub fn registry() -> Registry {
    Registry::with_prefix("kotadb")
}
