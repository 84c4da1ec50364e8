//! Resources: the repositories, the map of each, and every file.

use kotadb_core::search::commit::MapRequest;
use kotadb_core::wire::escaped;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};

use crate::answer::Answer;
use crate::arguments::ReadArguments;
use crate::ground::{Ground, Place, Refusal};
use crate::question::{CodeAnswer, CodeQuestion};

/// The list of all repositories.
const REPOSITORIES: &str = "kotadb://repositories";
/// Start of the URI of a map.
const MAP: &str = "kotadb://map/";
/// Start of the URI of a file.
const FILE: &str = "kotadb://file/";
/// Bytes of a map.
const MAP_BYTES: usize = 6000;
/// Lines of a file.
const FILE_LINES: u64 = 2000;
/// What stands in a name as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_');

/// The list of repositories, and a map of each.
pub async fn list<G: Ground>(ground: &G) -> Result<Vec<Resource>, ErrorData> {
    let all = Resource::new(REPOSITORIES, "repositories")
        .with_description("Indexed repositories and how fresh they are.")
        .with_mime_type("text/plain");
    let states = ground.repositories("").await.map_err(refused)?;
    let map = |name: &str| {
        Resource::new(format!("{MAP}{}", utf8_percent_encode(name, PLAIN)), format!("map of {}", escaped(name)))
            .with_description("The signatures worth knowing first.")
            .with_mime_type("text/plain")
    };
    Ok(std::iter::once(all).chain(states.iter().map(|state| map(&state.repository))).collect())
}

/// Maps and files.
pub fn templates() -> Vec<ResourceTemplate> {
    let template = |uri: &str, name: &str, description: &str| {
        ResourceTemplate::new(uri, name).with_description(description).with_mime_type("text/plain")
    };
    vec![
        template("kotadb://map/{+repository}{?ref}", "map", "The signatures worth knowing first."),
        template("kotadb://file/{+path}{?repository,ref}", "file", "Text of a file."),
    ]
}

/// The text of a resource. A URI of nothing is an error of the call.
pub async fn read<G: Ground>(ground: &G, uri: &str) -> Result<ReadResourceResult, ErrorData> {
    let text = match Wanted::of(uri) {
        Some(Wanted::Repositories) => {
            let states = ground.repositories("").await.map_err(refused)?;
            states.iter().map(|state| format!("{}\n", escaped(&state.line()))).collect()
        }
        Some(Wanted::Map(place)) => {
            let map = MapRequest { focus: Vec::new(), prefix: String::new(), bytes: MAP_BYTES };
            let question = CodeQuestion::Map(map);
            let told = ground.ask(&place, &question).await.map_err(|error| not_found(uri, &error))?;
            let CodeAnswer::Map(map) = told.answer else { return Err(unknown(uri)) };
            shown(&Answer::lines(&map))
        }
        Some(Wanted::File(place, path)) => {
            let read = ReadArguments { path, start: None, end: Some(FILE_LINES) };
            let told = ground.file(&place, &read).await.map_err(|error| not_found(uri, &error))?;
            shown(&told.answer.text.lines().map(str::to_owned).collect::<Vec<_>>())
        }
        None => return Err(unknown(uri)),
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]))
}

/// A resource is data as a whole, so that it needs no marks.
fn shown(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{}\n", escaped(line))).collect()
}

enum Wanted {
    Repositories,
    Map(Place),
    File(Place, String),
}

impl Wanted {
    fn of(uri: &str) -> Option<Self> {
        if uri == REPOSITORIES {
            return Some(Self::Repositories);
        }
        let (uri, query) = uri.split_once('?').unwrap_or((uri, ""));
        let parameter = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            plain(value)
        };
        let (repo, reference) = (parameter("repository"), parameter("ref"));
        if let Some(name) = uri.strip_prefix(MAP) {
            return Some(Self::Map(Place { repo: Some(plain(name)?), reference }));
        }
        let path = plain(uri.strip_prefix(FILE)?)?;
        Some(Self::File(Place { repo, reference }, path))
    }
}

fn plain(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

fn refused(refusal: Refusal) -> ErrorData {
    ErrorData::internal_error(refusal.to_string(), None)
}

fn not_found(uri: &str, refusal: &Refusal) -> ErrorData {
    ErrorData::resource_not_found(refusal.to_string(), Some(serde_json::json!({ "uri": uri })))
}

fn unknown(uri: &str) -> ErrorData {
    let told = "there is no such resource: `resources/list` and `resources/templates/list` name those there are";
    ErrorData::resource_not_found(told, Some(serde_json::json!({ "uri": uri })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_names_place_and_path() {
        let Some(Wanted::File(place, path)) = Wanted::of("kotadb://file/src/a%20b.rs?ref=main&repository=acme/app")
        else {
            panic!("it is a file")
        };
        assert_eq!(
            (path.as_str(), place.repo.as_deref(), place.reference.as_deref()),
            ("src/a b.rs", Some("acme/app"), Some("main"))
        );
        assert!(
            matches!(Wanted::of("kotadb://map/acme/app"), Some(Wanted::Map(place)) if place.repo.as_deref() == Some("acme/app"))
        );
        assert!(Wanted::of("kotadb://file/").is_none() && Wanted::of("file:///etc/passwd").is_none());
    }
}
