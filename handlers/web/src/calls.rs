//! The question of a page as a program asks it: a line for a terminal, and a call of a tool for agents.

use kotadb_core::http::Resources;
use maud::{Markup, html};
use serde_json::Value;

use crate::layout::Visitor;
use crate::visible::is_plain;

/// A question: the path of the API with its parameters, and a tool with its arguments.
pub(crate) struct Question<'a> {
    pub(crate) path: String,
    pub(crate) parameters: &'a [(&'a str, &'a str)],
    pub(crate) tool: &'a str,
    pub(crate) arguments: Value,
}

impl Question<'_> {
    /// Both, ready to be copied; nothing where what is copied would hide something.
    pub(crate) fn show(&self, resources: &Resources, visitor: &Visitor) -> Markup {
        let curl = self.curl(&visitor.origin(resources));
        let call = serde_json::json!({ "name": self.tool, "arguments": self.arguments }).to_string();
        if !is_plain(&curl) || !is_plain(&call) {
            return Markup::default();
        }
        html! {
            details.calls {
                summary { "Ask this from a program" }
                (snippet("curl", "In a terminal", &curl))
                (snippet("call", "As a call by MCP", &call))
            }
        }
    }

    fn curl(&self, origin: &str) -> String {
        let parameters = self.parameters.iter().filter(|(_, value)| !value.is_empty());
        let parameters =
            parameters.map(|(name, value)| format!(" --data-urlencode {}", quoted(&format!("{name}={value}"))));
        let path = quoted(&format!("{origin}{}", self.path));
        format!("curl -G -H \"Authorization: Bearer $KOTADB_API_KEY\" {path}{}", parameters.collect::<String>())
    }
}

/// As a shell takes it for one word, whatever it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn snippet(id: &str, name: &str, text: &str) -> Markup {
    html! {
        div.bar { h3 { (name) } button.plain.copy type="button" data-copy-from=(id) { "Copy" span.unseen { ": " (name) } } }
        pre.snippet tabindex="0" { code id=(id) { (text) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_question_is_a_command() {
        let question = Question {
            path: "/api/v1/search/code".to_owned(),
            parameters: &[("query", "it's $(reboot) `x`"), ("repository", "")],
            tool: "search_code",
            arguments: Value::Null,
        };
        assert_eq!(
            question.curl("https://kotadb.example"),
            "curl -G -H \"Authorization: Bearer $KOTADB_API_KEY\" 'https://kotadb.example/api/v1/search/code' \
             --data-urlencode 'query=it'\\''s $(reboot) `x`'"
        );
    }
}
