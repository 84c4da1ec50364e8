//! What the conformance suite asks of a server beside its own tools: answers of every kind, at fixed names.

use std::time::Duration;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ContentBlock, ErrorData,
    JsonObject, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;

/// One red point.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
const TOOLS: [&str; 10] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_progress",
    "test_missing_capability",
    "test_logging_tool",
    "test_streaming_elicitation",
];

/// A server, and what the suite wants of one.
#[derive(Clone, Debug)]
pub struct Fixtures<S>(pub S);

fn tool(name: &'static str) -> Tool {
    let schema = json!({ "type": "object", "properties": {} });
    let schema: JsonObject = serde_json::from_value(schema).unwrap();
    Tool::new(name, "A fixture of the conformance suite.", schema)
}

fn embedded(uri: &str, kind: &str, text: &str) -> ContentBlock {
    ContentBlock::resource(ResourceContents::text(text, uri).with_mime_type(kind))
}

async fn fixture(name: &str, context: &RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
    let image = || ContentBlock::image(PNG, "image/png");
    Ok(CallToolResult::success(match name {
        "test_simple_text" => vec![ContentBlock::text("This is a simple text response for testing.")],
        "test_image_content" => vec![image()],
        "test_audio_content" => vec![ContentBlock::audio(WAV, "audio/wav")],
        "test_embedded_resource" => {
            vec![embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
        }
        "test_multiple_content_types" => vec![
            ContentBlock::text("Multiple content types test:"),
            image(),
            embedded("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ],
        "test_tool_with_progress" => progress(context).await?,
        // What must not come with an answer, a log or a request of ours, never does.
        "test_logging_tool" | "test_streaming_elicitation" => vec![ContentBlock::text("nothing but this")],
        "test_missing_capability" => {
            let wanted: ClientCapabilities = serde_json::from_value(json!({ "sampling": {} })).unwrap();
            return Err(ErrorData::missing_required_client_capability(wanted));
        }
        _ => {
            let told = "This tool intentionally returns an error for testing";
            return Ok(CallToolResult::error(vec![ContentBlock::text(told)]));
        }
    }))
}

async fn progress(context: &RequestContext<RoleServer>) -> Result<Vec<ContentBlock>, ErrorData> {
    if let Some(token) = context.meta.get_progress_token() {
        for done in [0.0, 50.0, 100.0] {
            let told = ProgressNotificationParam::new(token.clone(), done).with_total(100.0);
            context
                .peer
                .notify_progress(told)
                .await
                .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(vec![ContentBlock::text("done")])
}

fn resource(uri: &str) -> Option<ResourceContents> {
    let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    match (uri, id) {
        ("test://static-text", _) => {
            Some(ResourceContents::text("This is the content of the static text resource.", uri))
        }
        ("test://static-binary", _) => Some(ResourceContents::blob(PNG, uri).with_mime_type("image/png")),
        (_, Some(id)) => {
            let text = json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
            Some(ResourceContents::text(text.to_string(), uri).with_mime_type("application/json"))
        }
        _ => None,
    }
}

impl<S: ServerHandler> ServerHandler for Fixtures<S> {
    fn get_info(&self) -> ServerConfig {
        self.0.get_info()
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut list = self.0.list_tools(request, context).await?;
        list.tools.extend(TOOLS.map(tool));
        Ok(list)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match TOOLS.contains(&&*request.name) {
            true => Ok(fixture(&request.name, &context).await?.into()),
            false => self.0.call_tool(request, context).await,
        }
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.into_iter().find(|known| *known == name).map(tool).or_else(|| self.0.get_tool(name))
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut list = self.0.list_resources(request, context).await?;
        list.resources.extend(["test://static-text", "test://static-binary"].map(|uri| Resource::new(uri, uri)));
        Ok(list)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut list = self.0.list_resource_templates(request, context).await?;
        list.resource_templates.push(ResourceTemplate::new("test://template/{id}/data", "template"));
        Ok(list)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match resource(&request.uri) {
            Some(contents) => {
                let read = ReadResourceResult::new(vec![contents]);
                Ok(read.with_ttl_ms(1000).with_cache_scope(CacheScope::Private).into())
            }
            None => self.0.read_resource(request, context).await,
        }
    }
}
