//! One line in the log and one count for each request, and the trace that all it does belongs to. A request that nobody waits
//! for any more has a line, too.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method};
use tracing::{Instrument, Span};

use super::boundary::RequestId;
use crate::crypto;
use crate::metrics::{self, InFlight};
use crate::telemetry::fields;
use crate::trace::{self, Traceparent};

/// As nginx has it: the caller closed the connection before there was an answer.
const CLOSED: u16 = 499;
/// The route of a path that no route has.
const NO_ROUTE: &str = "none";

pub(super) async fn access(request: Request, next: Next) -> Response {
    let traceparent = traceparent(request.headers());
    let span = span(&request, traceparent.as_ref());
    let open = Open::begin(&request, span.clone());
    let answer = trace::within(traceparent, next.run(request)).instrument(span).await;
    open.answered(answer.status().as_u16());
    answer
}

/// A step of the caller's trace, else of a new one.
fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let given = headers.get("traceparent").and_then(|value| Traceparent::parse(value.to_str().ok()?));
    let trace = given.map_or_else(|| crypto::to_hex(&crypto::random::<16>()), |given| given.trace_id().to_owned());
    Traceparent::parse(&format!("00-{trace}-{}-01", crypto::to_hex(&crypto::random::<8>())))
}

fn span(request: &Request, traceparent: Option<&Traceparent>) -> Span {
    let id = request.extensions().get::<RequestId>().map(|RequestId(id)| id.to_string()).unwrap_or_default();
    tracing::info_span!(
        "request",
        { fields::METHOD } = %request.method(),
        { fields::PATH } = request.uri().path(),
        { fields::REQUEST_ID } = id,
        { fields::TRACE_ID } = traceparent.map(Traceparent::trace_id),
    )
}

/// A request without an answer so far.
struct Open {
    method: &'static str,
    route: String,
    began: Instant,
    is_answered: bool,
    span: Span,
    _in_flight: InFlight,
}

impl Open {
    fn begin(request: &Request, span: Span) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str);
        Self {
            method: known(request.method()),
            route: route.to_owned(),
            began: Instant::now(),
            is_answered: false,
            span,
            _in_flight: InFlight::begin(),
        }
    }

    fn answered(mut self, status: u16) {
        self.is_answered = true;
        self.tell(status);
    }

    fn tell(&self, status: u16) {
        let (took, _in_span) = (self.began.elapsed(), self.span.enter());
        metrics::answered(self.method, &self.route, status, took);
        tracing::info!(
            { fields::METHOD } = self.method,
            { fields::ROUTE } = self.route,
            { fields::STATUS } = status,
            { fields::DURATION_MS } = milliseconds(took),
            "Answered"
        );
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.is_answered {
            self.tell(if std::thread::panicking() { 500 } else { CLOSED });
        }
    }
}

/// Methods are the caller's to invent: those are one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
