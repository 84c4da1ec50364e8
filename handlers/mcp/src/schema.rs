//! JSON schemas of tools, made from the schemas that the types have for OpenAPI: one derive, no second set of types. They are
//! made small, for an agent pays for them in every conversation: of what a tool takes the words stay; of what it answers, the
//! lists, objects and texts that are always there. What all tools take is described once, to all of them; what is too low is told
//! to whoever asks for it.

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// What a tool takes: fields of `T` and those that all tools take.
pub fn input<T: ToSchema, C: ToSchema>() -> JsonObject {
    let (own, common) = (fields::<T>(), fields::<C>());
    let mut properties = own.properties.into_iter().map(|(name, field)| (name, taken(field))).collect::<Map<_, _>>();
    properties.extend(common.properties.into_iter().map(|(name, field)| (name, json!({ "type": kind(&field) }))));
    let mut schema = json!({ "type": "object", "properties": properties });
    if !own.required.is_empty() {
        schema["required"] = own.required.into();
    }
    object(schema)
}

/// What a tool answers: fields of `T` and those that all answers have. A reader ignores what it does not know.
pub fn output<T: ToSchema>() -> JsonObject {
    let Fields { properties, required } = fields::<T>();
    let is_told = |name: &String| {
        let kind = properties.get(name).map(kind);
        !UNSURE.contains(&name.as_str()) && kind.is_some_and(|kind| !matches!(&*kind, "integer" | "boolean"))
    };
    let required: Vec<_> = required.into_iter().filter(is_told).collect();
    let always =
        required.iter().filter_map(|name| Some((name.clone(), json!({ "type": kind(properties.get(name)?) }))));
    let mut properties: Map<_, _> = always.collect();
    properties.insert("freshness".to_owned(), json!({ "type": "array" }));
    object(json!({ "type": "object", "properties": properties, "required": required }))
}

/// What an answer cost: an agent does not need to know.
pub const COSTS: &str = "stats";
/// Fields that answers may lack, or that `freshness` says as well.
const UNSURE: [&str; 3] = [COSTS, "notes", "index"];

#[derive(Default)]
struct Fields {
    properties: Map<String, Value>,
    required: Vec<String>,
}

/// The fields of a type, those of flattened ones among them.
fn fields<T: ToSchema>() -> Fields {
    let mut parts = Vec::new();
    T::schemas(&mut parts);
    let schema = T::schema();
    let mut found = Fields::default();
    add(&value(&schema), &parts, &mut found);
    found
}

fn value(schema: &RefOr<Schema>) -> Value {
    serde_json::to_value(schema).expect("a schema is JSON")
}

fn add(schema: &Value, parts: &[(String, RefOr<Schema>)], found: &mut Fields) {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        let part = parts.iter().find(|(part, _)| part == name);
        return part.into_iter().for_each(|(_, part)| add(&value(part), parts, found));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        add(part, parts, found);
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    found.properties.extend(properties.map(|(name, field)| (name.clone(), field.clone())));
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.required.extend(required.map(ToOwned::to_owned));
}

/// A field that may be left out: never `null`, no format that says nothing to an agent.
fn taken(mut field: Value) -> Value {
    let kind = kind(&field);
    let Some(fields) = field.as_object_mut() else { return field };
    fields.remove("format");
    fields.insert("type".to_owned(), kind.into());
    // What is left out is nothing: only a number needs to be said.
    if !fields.get("default").is_some_and(Value::is_number) {
        fields.remove("default");
    }
    fields.remove("minimum");
    if let Some(items) = fields.get_mut("items") {
        *items = json!({ "type": self::kind(items) });
    }
    field
}

/// The one type of a field, `null` apart; a reference is an object.
fn kind(field: &Value) -> String {
    let kinds = match &field["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    };
    kinds.unwrap_or("object").to_owned()
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(fields) => fields,
        _ => JsonObject::new(),
    }
}
