//! What a request costs, and the headers that tell how much is left. The extractor of [`super::auth`] leaves what it learnt in
//! the request; the layer here, outside of all others, writes it on whatever answer comes of it.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method};

use super::scope::{AccessScope, Search};
use crate::db::principal::{Cost, Rate, Refusal};

/// The time in which a bucket fills.
const WINDOW_SECONDS: u64 = 60;

/// What a request of the scope `S` costs: a search 2 units, another read 1, a write 5.
pub(super) fn cost<S: AccessScope>(method: &Method) -> Cost {
    let is_search = S::NAME == Search::NAME;
    let units = match *method {
        _ if is_search => 2,
        Method::GET | Method::HEAD => 1,
        _ => 5,
    };
    Cost { units, is_search }
}

/// Where the extractor leaves what the answer is to tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Told(Arc<OnceLock<Standing>>);

/// How somebody stands.
#[derive(Clone, Copy, Debug)]
struct Standing {
    rate: Option<Rate>,
    retry_after: Option<Duration>,
}

impl Told {
    pub(super) fn tell(&self, rate: Option<Rate>, refusal: Option<Refusal>) {
        let retry_after = match refusal {
            Some(Refusal::RateLimited { retry_after } | Refusal::QuotaExceeded { retry_after }) => Some(retry_after),
            _ => None,
        };
        // A request is authenticated once; a second time would say the same.
        let _ = self.0.set(Standing { rate, retry_after });
    }
}

/// The outermost layer: the headers of who was authenticated, or refused by a limit.
pub(super) async fn rate_headers(mut request: Request, next: Next) -> Response {
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let mut response = next.run(request).await;
    if let Some(standing) = told.0.get() {
        write(response.headers_mut(), standing, SystemTime::now());
    }
    response
}

/// As draft-ietf-httpapi-ratelimit-headers has them, and as older clients know them: there the reset is a time.
fn write(headers: &mut HeaderMap, standing: &Standing, now: SystemTime) {
    if let Some(Rate { limit, left, reset }) = standing.rate {
        let reset_seconds = seconds(reset);
        let epoch_seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + reset_seconds;
        let text = |text: String| HeaderValue::try_from(text).expect("digits and quotes are a header value");
        headers.insert("ratelimit-policy", text(format!("\"default\";q={limit};w={WINDOW_SECONDS}")));
        headers.insert("ratelimit", text(format!("\"default\";r={left};t={reset_seconds}")));
        headers.insert("x-ratelimit-limit", HeaderValue::from(limit));
        headers.insert("x-ratelimit-remaining", HeaderValue::from(left));
        headers.insert("x-ratelimit-reset", HeaderValue::from(epoch_seconds));
    }
    if let Some(wait) = standing.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds(wait).max(1)));
    }
}

/// Whole seconds, rounded up: who waits so long has waited long enough.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::super::scope::{Any, ReadJobs, WriteJobs};
    use super::*;

    #[test]
    fn a_write_costs_more_than_a_search_and_that_more_than_a_read() {
        assert_eq!(cost::<Search>(&Method::POST), Cost { units: 2, is_search: true });
        assert_eq!(cost::<ReadJobs>(&Method::GET), Cost { units: 1, is_search: false });
        assert_eq!(cost::<WriteJobs>(&Method::POST), Cost { units: 5, is_search: false });
        assert_eq!(cost::<Any>(&Method::HEAD).units, 1);
    }

    #[test]
    fn the_headers_of_both_kinds_say_the_same() {
        let rate = Rate { limit: 600, left: 598, reset: Duration::from_millis(30_001) };
        let mut headers = HeaderMap::new();
        let standing = Standing { rate: Some(rate), retry_after: Some(Duration::from_millis(1)) };
        write(&mut headers, &standing, UNIX_EPOCH + Duration::from_secs(1000));
        let found: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let wanted = [
            ("ratelimit-policy", "\"default\";q=600;w=60"),
            ("ratelimit", "\"default\";r=598;t=31"),
            ("x-ratelimit-limit", "600"),
            ("x-ratelimit-remaining", "598"),
            ("x-ratelimit-reset", "1031"),
            ("retry-after", "1"),
        ];
        assert_eq!(found.len(), wanted.len());
        assert!(wanted.iter().all(|one| found.contains(one)), "{found:?}");
    }
}
