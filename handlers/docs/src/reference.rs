//! The description as a page: all operations by family, then the shapes, then the problems.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::page::{escaped, prose};
use crate::problems;

/// An operation with its place.
pub(crate) struct Operation<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) said: &'a Value,
}

impl Operation<'_> {
    pub(crate) fn id(&self) -> &str {
        self.said["operationId"].as_str().unwrap_or_default()
    }

    pub(crate) fn summary(&self) -> &str {
        self.said["summary"].as_str().unwrap_or_default()
    }

    fn scopes(&self) -> Vec<&str> {
        let scopes = self.said["security"][0]["bearer"].as_array();
        scopes.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

/// Operations by their tag, in the order of their paths.
pub(crate) fn by_tag(document: &Value) -> BTreeMap<&str, Vec<Operation<'_>>> {
    let mut tags: BTreeMap<&str, Vec<Operation<'_>>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, said) in item.as_object().into_iter().flatten() {
            let tag = said["tags"][0].as_str().unwrap_or_default();
            tags.entry(tag).or_default().push(Operation { method, path, said });
        }
    }
    tags
}

/// What stands in the page.
pub(crate) fn body(document: &Value) -> String {
    let info = &document["info"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = by_tag(document);
    let mut out = format!("<h1>{} API {}</h1>", escaped(&text(&info["title"])), escaped(&text(&info["version"])));
    out += &prose(&text(&info["description"]));
    out += "<p>Machine-readable: <a href=\"/openapi.json\">openapi.json</a>, <a href=\"/llms.txt\">llms.txt</a>. Send a key as \
            <code>Authorization: Bearer KEY</code>.</p>";
    out += &contents(&tags);
    for (tag, operations) in &tags {
        out += &format!("<h2 id=\"{0}\">{0}</h2>", escaped(tag));
        out += &operations.iter().map(|operation| section(document, operation)).collect::<String>();
    }
    out += "<h2 id=\"shapes\">shapes</h2>";
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        out += &format!("<section id=\"shape-{0}\"><h3>{0}</h3>{1}</section>", escaped(name), shape(schema));
    }
    out + "<h2 id=\"problems\">problems</h2>" + &problems::table()
}

fn contents(tags: &BTreeMap<&str, Vec<Operation<'_>>>) -> String {
    let line = |one: &Operation<'_>| {
        let (id, summary) = (escaped(one.id()), escaped(one.summary()));
        format!("<li><a href=\"#{id}\">{summary}</a></li>")
    };
    let groups = tags.iter().map(|(tag, operations)| {
        let lines: String = operations.iter().map(line).collect();
        format!("<div><a href=\"#{0}\">{0}</a><ul>{lines}</ul></div>", escaped(tag))
    });
    let more = "<div><a href=\"#shapes\">shapes</a></div><div><a href=\"#problems\">problems</a></div>";
    format!("<nav>{}{more}</nav>", groups.collect::<String>())
}

fn section(document: &Value, operation: &Operation<'_>) -> String {
    let said = operation.said;
    let mut out = format!(
        "<section id=\"{}\"><h3>{}</h3><p><span class=\"method\">{}</span><code>{}</code></p>",
        escaped(operation.id()),
        escaped(operation.summary()),
        escaped(operation.method),
        escaped(operation.path),
    );
    let scopes = operation.scopes();
    if !scopes.is_empty() {
        out += &format!("<p class=\"scope\">Scope: <code>{}</code></p>", escaped(&scopes.join(" ")));
    }
    out += &said["description"].as_str().map(prose).unwrap_or_default();
    let parameters = said["parameters"].as_array().into_iter().flatten().map(|one| resolved(document, one));
    out += &table("Parameters", parameters.map(parameter));
    let bodies = said["requestBody"]["content"].as_object().into_iter().flatten();
    out += &table("Body", bodies.map(|(kind, content)| (escaped(kind), named(&content["schema"]))));
    out += &table("Answers", answers(&said["responses"]).into_iter());
    out + "</section>"
}

/// What an operation says of itself, then in one row the problems that it has in common with others.
fn answers(responses: &Value) -> Vec<(String, String)> {
    let all = responses.as_object().into_iter().flatten();
    let (common, own): (Vec<_>, Vec<_>) = all.partition(|(_, one)| one.get("$ref").is_some());
    let mut rows: Vec<_> = own.into_iter().map(|(status, one)| (escaped(status), response(one))).collect();
    let statuses: Vec<String> =
        common.iter().map(|(status, _)| escaped(status)).filter(|one| one != "default").collect();
    if !common.is_empty() {
        let others = "any other: <a href=\"#shape-Problem\">Problem</a>, by its <a href=\"#problems\">code</a>";
        let told =
            if statuses.is_empty() { others.to_owned() } else { format!("{}, or {others}", statuses.join(", ")) };
        rows.push(("problems".to_owned(), told));
    }
    rows
}

/// What a reference stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

fn table(title: &str, rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: String = rows.map(|(name, what)| format!("<tr><th>{name}</th><td>{what}</td></tr>")).collect();
    if rows.is_empty() { String::new() } else { format!("<h4>{title}</h4><table>{rows}</table>") }
}

fn parameter(one: &Value) -> (String, String) {
    let name = format!("<code>{}</code>", escaped(one["name"].as_str().unwrap_or_default()));
    let needed = if one["required"] == true { "required, " } else { "" };
    let place = one["in"].as_str().unwrap_or_default();
    let about = prose(one["description"].as_str().unwrap_or_default());
    (name, format!("<span class=\"scope\">{needed}{place}, {}</span>{about}", named(&one["schema"])))
}

fn response(one: &Value) -> String {
    let about = prose(one["description"].as_str().unwrap_or_default());
    let bodies = one["content"].as_object().into_iter().flatten();
    about
        + &bodies
            .map(|(kind, content)| format!("{} as {}", named(&content["schema"]), escaped(kind)))
            .collect::<String>()
}

/// A schema in a few words, with a link where it has a name.
fn named(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        return format!("<a href=\"#shape-{0}\">{0}</a>", escaped(name));
    }
    for kind in ["oneOf", "anyOf", "allOf"] {
        if let Some(list) = schema[kind].as_array() {
            let list: Vec<String> = list.iter().map(named).collect();
            return list.join(if kind == "allOf" { " and " } else { " or " });
        }
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        kind => kind.as_str().unwrap_or("any").to_owned(),
    };
    let mut out = match schema.get("items") {
        Some(items) if items.is_object() => format!("{} of {}", escaped(&kinds), named(items)),
        _ => escaped(&kinds),
    };
    for limit in ["format", "enum", "minimum", "maximum", "minLength", "maxLength", "maxItems", "pattern", "default"] {
        if let Some(value) = schema.get(limit) {
            let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            out += &format!(", {limit} <code>{}</code>", escaped(&shown));
        }
    }
    out
}

fn shape(schema: &Value) -> String {
    let mut out = prose(schema["description"].as_str().unwrap_or_default());
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|kind| schema[*kind].as_array()).flatten();
    out +=
        &parts.map(|part| if part.get("properties").is_some() { shape(part) } else { named(part) }).collect::<String>();
    if schema.get("properties").is_none() && schema.get("type").is_some() {
        out += &format!("<p>{}</p>", named(schema));
    }
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    out += &table(
        "Fields",
        fields.map(|(name, field)| {
            let optional = if required.contains(&name.as_str()) { "" } else { "may be absent, " };
            let about = prose(field["description"].as_str().unwrap_or_default());
            let what = format!("<span class=\"scope\">{optional}{}</span>{about}", named(field));
            (format!("<code>{}</code>", escaped(name)), what)
        }),
    );
    if let Some(example) = schema.get("example") {
        out += &format!("<pre>{}</pre>", escaped(&format!("{example:#}")));
    }
    out
}
