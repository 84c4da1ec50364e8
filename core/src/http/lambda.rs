//! Serves the routes of one handler crate as an AWS Lambda (HTTP API or function URL, payload format 2.0): same layers,
//! same paths, same answers as over TCP. Deploy on stage `$default`, or set `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH`.

use utoipa_axum::router::OpenApiRouter;

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
    lambda_http::run(stack(routes().split_for_parts().0.with_state(resources))).await
}
