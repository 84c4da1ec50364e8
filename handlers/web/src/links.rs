//! Addresses of pages. Whatever they are made of, nothing in it can be taken for a part of the address.

use kotadb_core::id::RepositoryId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::form_urlencoded;

/// What stands for itself in a path.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A page with a query string; pairs without a value are left out.
pub(crate) fn with(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The results of a query.
pub(crate) fn search(query: &str) -> String {
    with("/search", &[("q", query)])
}

/// A repository.
pub(crate) fn repository(id: RepositoryId) -> String {
    format!("/repositories/{id}")
}

/// A file or folder at a ref or commit; empty: of the default branch.
pub(crate) fn file(id: RepositoryId, path: &[u8], at: &str) -> String {
    let path = percent_encode(path, PATH);
    with(&format!("/repositories/{id}/files/{path}"), &[("at", at)])
}

/// A file as it is, at a ref or commit.
pub(crate) fn raw(id: RepositoryId, path: &[u8], at: &str) -> String {
    with(&format!("/repositories/{id}/raw/{}", percent_encode(path, PATH)), &[("at", at)])
}

/// What names in a file mean, for a script.
pub(crate) fn hover(id: RepositoryId, path: &[u8], at: &str) -> String {
    with(&format!("/repositories/{id}/hover/{}", percent_encode(path, PATH)), &[("at", at)])
}

/// What the API says of a symbol.
pub(crate) fn api_symbol(symbol: &str, question: &str) -> String {
    format!("/api/v1/symbols/{}/{question}", percent_encode(symbol.as_bytes(), NON_ALPHANUMERIC))
}

/// A symbol, by its id or name.
pub(crate) fn symbol(id: RepositoryId, symbol: &str, at: &str) -> String {
    with(&format!("/repositories/{id}/symbol"), &[("symbol", symbol), ("at", at)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_path_is_an_address() {
        let id: RepositoryId = "0190b0a0-0000-7000-8000-000000000001".parse().unwrap();
        let link = file(id, b"a b/?x#y&\"<\xff/\xe2\x80\xae.rs", "refs/heads/a&b");
        let tail = "files/a%20b/%3Fx%23y%26%22%3C%FF/%E2%80%AE.rs?at=refs%2Fheads%2Fa%26b";
        assert_eq!(link, format!("/repositories/{id}/{tail}"));
        assert_eq!(search("a&b=c #d"), "/search?q=a%26b%3Dc+%23d");
        assert_eq!(with("/x", &[("a", "")]), "/x");
    }
}
