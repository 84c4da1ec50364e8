//! What problems mean.

use kotadb_core::http::Code;

use crate::page::{escaped, prose};

/// The page of one code.
pub(crate) fn body(code: Code) -> String {
    let (name, status) = (escaped(code.as_str()), code.status());
    format!(
        "<h1>{}</h1><p><code>{name}</code>, answered with {status}</p>{}<p>The <code>detail</code> of the problem says what \
         happened this time and what to do; its <code>request_id</code> finds it in the log.</p>\
         <p><a href=\"/docs/api#problems\">All problems</a></p>",
        escaped(code.title()),
        prose(code.meaning()),
    )
}

/// All codes.
pub(crate) fn table() -> String {
    let rows = Code::ALL.iter().map(|code| {
        let (name, status, meaning) = (escaped(code.as_str()), code.status().as_u16(), prose(code.meaning()));
        format!("<tr><th><a href=\"/errors/{name}\">{name}</a></th><td>{status}</td><td>{meaning}</td></tr>")
    });
    format!("<table>{}</table>", rows.collect::<String>())
}
