//! `POST /api/v1/repositories`: one repository by its URL. The same URL again finds the same repository and repairs its
//! webhook.

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Json, Resources, registration};
use kotadb_core::wire::{NewRepository, RegisteredRepository};

/// Register a repository
///
/// Every push to it is indexed from now on. The same URL again finds the same repository, and repairs its webhook.
#[utoipa::path(
    post,
    path = "/api/v1/repositories",
    tag = "repositories",
    operation_id = "register_repository",
    request_body = NewRepository,
    responses(
        (status = 200, description = "It was registered already.", body = RegisteredRepository),
        (status = 201, description = "With the secret of its webhook, shown this once, and its first job.",
            body = RegisteredRepository, links(
                ("repository" = (operation_id = "read_repository", parameters(("id" = "$response.body#/id")))),
                ("change" = (operation_id = "change_repository", parameters(("id" = "$response.body#/id")))),
                ("rotate" = (operation_id = "rotate_webhook", parameters(("id" = "$response.body#/id")))),
                ("index" = (operation_id = "index_repository", parameters(("id" = "$response.body#/id")))),
                ("snapshots" = (operation_id = "list_snapshots", parameters(("id" = "$response.body#/id")))),
                ("delete" = (operation_id = "delete_repository", parameters(("id" = "$response.body#/id")))),
                ("job" = (operation_id = "read_job", parameters(("id" = "$response.body#/job")))),
                ("cancel" = (operation_id = "cancel_job", parameters(("id" = "$response.body#/job")))),
            )),
    ),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn register(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Json(new): Json<NewRepository>,
) -> Result<(StatusCode, Json<RegisteredRepository>), ApiError> {
    let registered = registration::register(&resources, &key, &new).await?;
    let status = if registered.is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(registered.answer)))
}
