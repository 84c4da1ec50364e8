//! The names of fields in the log, spelled once: dotted by what they are of, units at the end. Used as `{ fields::STATUS } = …`.

/// Method of a request.
pub const METHOD: &str = "http.method";
/// Path of a request, without its query: what is asked is nobody's business.
pub const PATH: &str = "http.path";
/// Pattern of the route that answers.
pub const ROUTE: &str = "http.route";
/// Status of an answer.
pub const STATUS: &str = "http.status";
/// The id of a request, as in `X-Request-Id`.
pub const REQUEST_ID: &str = "request.id";
/// The trace that a request or job belongs to.
pub const TRACE_ID: &str = "trace.id";
/// The step of the trace that caused this one.
pub const PARENT_ID: &str = "trace.parent_id";
/// How long something took.
pub const DURATION_MS: &str = "duration_ms";
/// A job.
pub const JOB_ID: &str = "job.id";
/// Which try of it.
pub const JOB_ATTEMPT: &str = "job.attempt";
/// The fence of its claim.
pub const JOB_FENCE: &str = "job.fence";
/// A repository.
pub const REPOSITORY_ID: &str = "repository.id";
/// A tenant.
pub const TENANT_ID: &str = "tenant.id";
