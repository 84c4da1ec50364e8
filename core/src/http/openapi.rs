//! The description of the API (OpenAPI 3.1). A handler states beside its code what is its own; what all operations share
//! is added here: who may ask, problems, headers. `handlers/docs` serves the outcome, a committed file.

use serde_json::{Map, Value, json};
use utoipa::openapi::{OpenApi, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::code::Code;
use super::idempotency::{MOST_KEY, takes_key};
use crate::wire::Problem;

const TITLE: &str = "KotaDB";
const DESCRIPTION: &str = "Code intelligence for git repositories: register a repository, and every push to it becomes searchable.\n\n\
    Refusals are problems (RFC 9457) with a stable `code`. What belongs to another tenant is not found. Requests refuse \
    unknown fields and parameters; readers of answers must ignore fields that they do not know. Times are RFC 3339 in UTC.";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The whole document, from what the routes say of themselves.
pub fn describe(routes: OpenApi) -> Value {
    let mut document = serde_json::to_value(routes).expect("a document is JSON");
    document["openapi"] = json!("3.1.0");
    document["info"] = json!({
        "title": TITLE,
        "description": DESCRIPTION,
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "MIT", "identifier": "MIT" },
    });
    document["servers"] = json!([{ "url": "/", "description": "the server that this document came from" }]);
    add_components(&mut document["components"]);
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::iter_mut);
    for (path, item) in paths {
        let operations = item.as_object_mut().into_iter().flat_map(Map::iter_mut);
        for (method, operation) in operations.filter(|(method, _)| METHODS.contains(&method.as_str())) {
            complete((method, path), operation);
        }
    }
    document
}

/// Schemas of problems, their answers by status, headers, and the two ways to send a key.
fn add_components(components: &mut Value) {
    let mut schemas: Vec<(String, RefOr<Schema>)> = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    for (name, schema) in schemas {
        components["schemas"][name] = serde_json::to_value(schema).expect("a schema is JSON");
    }
    for status in Code::statuses() {
        components["responses"][response_name(status)] = problem_response(status);
    }
    components["responses"]["Problem"] = json!({
        "description": "Any other refusal or failure.",
        "headers": { "X-Request-Id": { "$ref": "#/components/headers/RequestId" } },
        "content": problem_content(),
    });
    components["headers"] = headers();
    components["parameters"] = parameters();
    components["securitySchemes"] = security_schemes();
}

fn headers() -> Value {
    json!({
        "RequestId": {
            "description": "Id of the request: the caller's `X-Request-Id` where that is a UUID, else a new one.",
            "schema": { "type": "string", "format": "uuid" },
        },
        "RetryAfter": {
            "description": "Seconds after which it is worth to ask again.",
            "schema": { "type": "integer", "minimum": 0 },
        },
        "EntityTag": {
            "description": "Send it back as `If-None-Match`, and the answer is 304 as long as it would be the same.",
            "schema": { "type": "string" },
        },
        "Link": {
            "description": "`rel=\"next\"`: the next page, if there is one.",
            "schema": { "type": "string" },
        },
        "IdempotentReplayed": {
            "description": "`true`: the answer to an earlier request with this `Idempotency-Key`.",
            "schema": { "type": "string", "const": "true" },
        },
        "Allow": { "description": "The methods of this path.", "schema": { "type": "string" } },
        "WwwAuthenticate": { "description": "How to say who asks.", "schema": { "type": "string" } },
    })
}

fn parameters() -> Value {
    json!({
        "IfNoneMatch": {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of an earlier answer.",
            "schema": { "type": "string" },
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Within 24 hours a request with the same key, path, query and body is answered as the first one \
                was, and not done again. Refusals and failures are not kept.",
            "schema": { "type": "string", "minLength": 1, "maxLength": MOST_KEY, "pattern": "^[!-~]+$" },
        },
    })
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key (`kdb_live_…`, `kdb_test_…`) or a user's token of Supabase, as `Authorization: Bearer KEY`. \
                Whoever is a member of several tenants names one by the header `KotaDB-Tenant`.",
        },
        "api_key": {
            "type": "apiKey",
            "in": "header",
            "name": "X-API-Key",
            "description": "The same API key, in a header of its own.",
        },
    })
}

fn response_name(status: u16) -> String {
    format!("Problem{status}")
}

fn problem_content() -> Value {
    json!({ "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } })
}

fn problem_response(status: u16) -> Value {
    let codes = Code::ALL.iter().filter(|code| code.status().as_u16() == status);
    let codes: Vec<String> = codes.map(|code| format!("`{}`: {}.", code.as_str(), code.title())).collect();
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/RequestId" } });
    let own = match status {
        401 => Some(("WWW-Authenticate", "WwwAuthenticate")),
        405 => Some(("Allow", "Allow")),
        429 | 503 => Some(("Retry-After", "RetryAfter")),
        _ => None,
    };
    if let Some((name, component)) = own {
        headers[name] = json!({ "$ref": format!("#/components/headers/{component}") });
    }
    json!({ "description": codes.join("\n"), "headers": headers, "content": problem_content() })
}

/// Adds to an operation what follows from what it takes.
fn complete((method, path): (&str, &str), operation: &mut Value) {
    let is_keyed = operation["security"].as_array().is_some_and(|security| !security.is_empty());
    let is_list = parameter(operation, "cursor").is_some();
    let has_parameters = operation["parameters"].as_array().is_some_and(|list| !list.is_empty());
    let has_body = operation.get("requestBody").is_some();
    let mut statuses = Vec::new();
    if is_keyed {
        statuses.extend([401, 403, 429, 503]);
        add_alternative(&mut operation["security"]);
        match method {
            "get" => add_conditions(operation),
            method if takes_key(method, path) => {
                statuses.extend([409, 422]);
                add_idempotency(operation);
            }
            _ => {}
        }
    }
    if has_parameters || has_body {
        statuses.push(400);
    }
    if path.contains('{') {
        statuses.push(404);
    }
    if has_body {
        statuses.extend([413, 415]);
    }
    let responses = &mut operation["responses"];
    for status in statuses {
        let known = &mut responses[status.to_string()];
        if known.is_null() {
            *known = json!({ "$ref": format!("#/components/responses/{}", response_name(status)) });
        }
    }
    if is_list && method == "get" {
        responses["200"]["headers"]["Link"] = reference("headers", "Link");
    }
    responses["default"] = json!({ "$ref": "#/components/responses/Problem" });
    let own = responses.as_object_mut().into_iter().flat_map(Map::iter_mut);
    for (status, response) in own.filter(|(_, response)| response.get("$ref").is_none()) {
        response["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/RequestId" });
        let is_refusal = status.starts_with(['4', '5']);
        if is_refusal && response.get("content").is_none() {
            response["content"] = problem_content();
        }
    }
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn parameter<'a>(operation: &'a Value, name: &str) -> Option<&'a Value> {
    operation["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == name)
}

fn add_parameter(operation: &mut Value, parameter: Value) {
    match operation["parameters"].as_array_mut() {
        Some(list) => list.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

fn add_conditions(operation: &mut Value) {
    add_parameter(operation, reference("parameters", "IfNoneMatch"));
    let responses = &mut operation["responses"];
    responses["200"]["headers"]["ETag"] = reference("headers", "EntityTag");
    responses["304"] = json!({
        "description": "The caller has the answer already.",
        "headers": { "ETag": reference("headers", "EntityTag") },
    });
}

fn add_idempotency(operation: &mut Value) {
    add_parameter(operation, reference("parameters", "IdempotencyKey"));
    let responses = operation["responses"].as_object_mut().into_iter().flat_map(Map::iter_mut);
    for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
        response["headers"]["Idempotent-Replayed"] = reference("headers", "IdempotentReplayed");
    }
}

/// A key comes in either header.
fn add_alternative(security: &mut Value) {
    let bearer = security[0]["bearer"].clone();
    if let Some(list) = security.as_array_mut().filter(|_| !bearer.is_null()) {
        list.push(json!({ "api_key": bearer }));
    }
}
