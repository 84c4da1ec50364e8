//! Serves the routes of one handler crate as an AWS Lambda (HTTP API or function URL, payload format 2.0): same layers,
//! same paths, same answers as over TCP. A stage may have any name but the first word of a path (`api`, `health`, …).

use http::Uri;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use tower::util::MapRequest;

use super::mount::OpenApiRouter;
use super::resources::Resources;
use super::stack::stack;
use crate::config::{Config, Program};

/// What ends the process.
pub type Error = lambda_http::Error;

/// Reads the configuration and answers invocations until the runtime ends the process. Handles are built at first use;
/// one connection to Postgres is enough, since an instance has one request at a time.
pub async fn run(routes: fn() -> OpenApiRouter<Resources>) -> Result<(), Error> {
    let config = Config::for_program(Program::Lambda)?;
    let _telemetry = crate::telemetry::start(&config);
    let resources = Resources::new(config).with_max_connections(1).with_awaited_wake();
    let routes = routes().into_router().with_state(resources.clone());
    let app = stack(routes, resources.config());
    lambda_http::run(MapRequest::new(app, without_stage)).await
}

/// API Gateway puts the name of a stage before the path, which our routes do not know.
fn without_stage(mut request: Request) -> Request {
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.clone(),
        _ => None,
    };
    let uri = request.uri().clone();
    let rest = stage.filter(|stage| stage != "$default").and_then(|stage| {
        let path = uri.path().strip_prefix('/')?.strip_prefix(stage.as_str())?;
        (path.is_empty() || path.starts_with('/')).then_some(path)
    });
    if let Some(path) = rest {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = format!("/{}{query}", path.trim_start_matches('/')).parse().ok();
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or(uri);
    }
    request
}
