//! `llms.txt`: what a language model needs to know of this server, as Markdown.

use serde_json::Value;

use crate::reference::by_tag;

const HEAD: &str = "# KotaDB

> Code intelligence for git repositories: search the code of registered repositories, and see what became of every push.

Send an API key as `Authorization: Bearer KEY`. Refusals are `application/problem+json` with a stable `code` and a `detail` that
says what to do. Lists are `{items, next_cursor, total, …}`: give `next_cursor` as `cursor` for the next page. A search is best
asked as `GET /api/v1/search/code?query=…`: words are AND, `\"a phrase\"`, `/a regex/`, `OR`, `-not`, and the fields `path:`,
`lang:`, `repo:`, `ref:`, `case:`.

- [API reference](/docs/api): every operation, parameter and answer
- [OpenAPI 3.1](/openapi.json): the same for programs
";

/// The whole text.
pub(crate) fn whole(document: &Value) -> String {
    let mut out = HEAD.to_owned();
    for (tag, operations) in by_tag(document) {
        out += &format!("\n## {tag}\n\n");
        for one in operations {
            out += &format!("- `{} {}`: {}\n", one.method.to_uppercase(), one.path, one.summary());
        }
    }
    out
}
