//! Requests drawn from the served description, filled with what somebody else has.

use anyhow::Context;
use kotadb_core::testing::chance::Chance;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::isolation::Foreign;

/// One operation of the description.
#[derive(Debug)]
pub(super) struct Operation {
    /// Its `operationId`.
    pub(super) name: String,
    pub(super) method: String,
    path: String,
    /// Names of the parameters of the query string.
    query: Vec<String>,
    /// Of the headers that it must have.
    headers: Vec<String>,
    has_key: bool,
    /// Schema of the body, with all references resolved.
    body: Option<Value>,
    own_url: String,
}

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
}

/// How deep schemas are followed.
const DEPTH: usize = 12;

/// All of the description. `own_url` may be registered by anybody.
pub(super) fn operations(document: &Value, own_url: &str) -> anyhow::Result<Vec<Operation>> {
    let paths = document["paths"].as_object().context("the description has no paths")?;
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, described)| operation(document, (path, method, described), own_url))
    });
    let all: Vec<Operation> = all.collect();
    anyhow::ensure!(all.len() > 30, "the description has {} operations", all.len());
    Ok(all)
}

fn operation(document: &Value, (path, method, described): (&str, &str, &Value), own_url: &str) -> Operation {
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<Value> = parameters.map(|parameter| resolved(document, parameter, DEPTH)).collect();
    let names = |place: &str| {
        let there = parameters.iter().filter(|parameter| parameter["in"] == place);
        let wanted = there.filter(|parameter| place == "query" || parameter["required"] == true);
        wanted.filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned())).collect()
    };
    let body = &described["requestBody"]["content"]["application/json"]["schema"];
    Operation {
        name: described["operationId"].as_str().unwrap_or(path).to_owned(),
        method: method.to_uppercase(),
        path: path.to_owned(),
        query: names("query"),
        headers: names("header"),
        has_key: described["security"].is_array(),
        body: (!body.is_null()).then(|| resolved(document, body, DEPTH)),
        own_url: own_url.to_owned(),
    }
}

/// A part of the description without references.
fn resolved(document: &Value, part: &Value, depth: usize) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    if let Some(to) = part["$ref"].as_str() {
        let found = to.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        return found.map_or(Value::Null, |found| resolved(document, found, depth - 1));
    }
    match part {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), resolved(document, value, depth - 1))).collect()
        }
        Value::Array(items) => items.iter().map(|item| resolved(document, item, depth - 1)).collect(),
        other => other.clone(),
    }
}

impl Operation {
    /// Whether ids are in its path. A symbol is none: whoever has no such symbol is told so, of what is its own.
    pub(super) fn has_ids(&self) -> bool {
        self.path.replace("{symbol}", "").contains('{')
    }

    /// A request for something of somebody else. `own`: the asker's tenant.
    pub(super) fn request(&self, foreign: &Foreign, own: Option<&str>, chance: &Chance) -> Asked {
        let mut path = self.filled(foreign, own, chance);
        let drawn = self.query.iter().filter(|name| *name == "query" || chance.below(3) == 0);
        let pairs: Vec<String> = drawn.map(|name| format!("{name}={}", in_query(name, foreign, chance))).collect();
        if !pairs.is_empty() {
            path = format!("{path}?{}", pairs.join("&"));
        }
        let mut headers: Vec<_> = self.headers.iter().map(|name| (name.clone(), in_header(name))).collect();
        if self.method == "GET" && chance.below(4) == 0 {
            headers.push(("if-none-match".to_owned(), one_of(&foreign.tags, chance)));
        }
        if self.has_key && chance.below(8) == 0 {
            headers.push(("kotadb-tenant".to_owned(), one_of(&foreign.ids, chance)));
        }
        let body = self.body.as_ref().map(|schema| self.value("", schema, foreign, chance));
        Asked { path, headers, body }
    }

    /// Ids of somebody else in every place; but the asker's own tenant may come first where it leads on.
    fn filled(&self, foreign: &Foreign, own: Option<&str>, chance: &Chance) -> String {
        let places = self.path.matches('{').count();
        let (mut path, mut nth) = (String::new(), 0);
        for part in self.path.split('/').skip(1) {
            path.push('/');
            if !part.starts_with('{') {
                path.push_str(part);
                continue;
            }
            let leads_on = nth + 1 < places && self.path.starts_with("/api/v1/tenants/");
            path.push_str(&match own {
                Some(own) if leads_on && chance.below(2) == 0 => own.to_owned(),
                _ if part == "{commit}" => "07".repeat(20),
                _ => spelled(&one_of(&foreign.ids, chance), chance),
            });
            nth += 1;
        }
        path
    }

    fn value(&self, name: &str, schema: &Value, foreign: &Foreign, chance: &Chance) -> Value {
        let variants = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(schema) = variants.and_then(|all| all.iter().find(|one| one["type"] != "null")) {
            return self.value(name, schema, foreign, chance);
        }
        if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
        let kinds = schema["type"].as_array().and_then(|all| all.first()).unwrap_or(&schema["type"]);
        match kinds.as_str().unwrap_or_default() {
            "array" => json!([self.value(name, &schema["items"], foreign, chance)]),
            "integer" | "number" => schema["minimum"].as_i64().unwrap_or(1).into(),
            "boolean" => true.into(),
            "string" => self.text(name, foreign, chance).into(),
            _ => self.object(schema, foreign, chance),
        }
    }

    fn object(&self, schema: &Value, foreign: &Foreign, chance: &Chance) -> Value {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let fields = schema["properties"].as_object().into_iter().flatten();
        let drawn = fields.filter(|(name, _)| required.contains(&name.as_str()) || chance.below(3) == 0);
        drawn
            .map(|(name, schema)| (name.clone(), self.value(name, schema, foreign, chance)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn text(&self, name: &str, foreign: &Foreign, chance: &Chance) -> String {
        match name {
            "url" => self.own_url.clone(),
            "repository" | "repositories" => {
                let all = [foreign.ids.as_slice(), &foreign.names].concat();
                one_of(&all, chance)
            }
            "query" => query(foreign, chance),
            "cursor" => one_of(&foreign.cursors, chance),
            "email" => "somebody@curious.example".to_owned(),
            "expires_at" => "2099-01-01T00:00:00Z".to_owned(),
            "schedule" => "0 3 * * 1".to_owned(),
            "pattern" => "hidden/*".to_owned(),
            _ => "main".to_owned(),
        }
    }
}

/// Of a well-formed delivery that nobody has signed.
fn in_header(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "x-hub-signature-256" | "x-kotadb-signature" => format!("sha256={}", "0".repeat(64)),
        "x-github-event" => "push".to_owned(),
        "x-github-delivery" => Uuid::now_v7().to_string(),
        _ => "1".to_owned(),
    }
}

fn in_query(name: &str, foreign: &Foreign, chance: &Chance) -> String {
    let text = match name {
        "repository" => one_of(&[foreign.ids.as_slice(), &foreign.names].concat(), chance),
        "query" => query(foreign, chance),
        "cursor" => one_of(&foreign.cursors, chance),
        "count" | "facets" | "explain" | "full" | "preview" => "true".to_owned(),
        "code" | "state" | "error" => "x".to_owned(),
        _ => "1".to_owned(),
    };
    escaped(&text)
}

/// What finds a line of somebody else, if anything does.
fn query(foreign: &Foreign, chance: &Chance) -> String {
    let name = one_of(&foreign.names, chance);
    match chance.below(4) {
        0 => name,
        1 => "generation_".to_owned(),
        2 => format!("generation_ repo:{name}"),
        _ => "/chaosline.*/".to_owned(),
    }
}

fn one_of(all: &[String], chance: &Chance) -> String {
    all.get(chance.below(all.len().max(1) as u64) as usize).cloned().unwrap_or_default()
}

/// An id as somebody might write it.
fn spelled(id: &str, chance: &Chance) -> String {
    match chance.below(6) {
        0 => id.to_uppercase(),
        1 => id.replace('-', ""),
        2 => id.replace('-', "%2D"),
        _ => id.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_drawn_from_the_description() {
        let document = json!({ "components": { "schemas": { "New": {
            "type": "object", "required": ["repository"], "properties": { "repository": { "type": ["string", "null"] } },
        } } } });
        let described = json!({
            "operationId": "make", "security": [{}],
            "parameters": [{ "in": "query", "name": "query" }, { "in": "path", "name": "id" }],
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } },
        });
        let made = operation(&document, ("/api/v1/tenants/{id}/x/{one}", "post", &described), "u");
        let foreign = Foreign { ids: vec!["7".to_owned()], names: vec!["a/b".to_owned()], ..Foreign::default() };
        let asked = made.request(&foreign, Some("own"), &Chance::new(1));
        assert!(asked.path.ends_with(&escaped("/chaosline.*/")) || asked.path.contains("query="), "{asked:?}");
        assert!(asked.path.split('?').next().unwrap().ends_with("/x/7"), "{asked:?}");
        let body = asked.body.unwrap();
        assert!(body == json!({ "repository": "7" }) || body == json!({ "repository": "a/b" }), "{body}");
    }
}
