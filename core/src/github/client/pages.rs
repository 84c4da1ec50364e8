//! Lists that come in pages. GitHub names the next page in a `Link` header (RFC 8288).

use http::header::LINK;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::GithubError;
use super::session::{Session, call};
use super::transport::malformed;

/// Pages of 100 that are read of one list.
const MOST_PAGES: usize = 100;

/// A list, from its first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// In GitHub's order.
    pub items: Vec<T>,
    /// Whether that is all of it: 10,000 are read at most.
    pub is_complete: bool,
}

impl Session {
    /// Reads pages until `is_enough` says so of one, or none is left. `field`: where the answer has its list; `None`: it
    /// is the list.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        first: &str,
        field: Option<&str>,
        is_enough: impl Fn(&[T]) -> bool,
    ) -> Result<Listed<T>, GithubError> {
        let mut listed = Listed { items: Vec::new(), is_complete: false };
        let mut path = first.to_owned();
        for _ in 0..MOST_PAGES {
            let call = call(Method::GET, &path, None);
            let answer = self.send(&call).await?;
            let mut page: Value =
                serde_json::from_slice(&answer.body).map_err(|error| malformed(&call, error.to_string()))?;
            let page = match field {
                Some(field) => page.get_mut(field).map(Value::take).unwrap_or_default(),
                None => page,
            };
            let page: Vec<T> = serde_json::from_value(page).map_err(|error| malformed(&call, error.to_string()))?;
            let enough = is_enough(&page);
            listed.items.extend(page);
            let next = next_page(&answer.headers).and_then(|url| self.transport.path_of(url).map(str::to_owned));
            match next.filter(|_| !enough) {
                Some(next) => path = next,
                None => {
                    listed.is_complete = true;
                    break;
                }
            }
        }
        Ok(listed)
    }
}

fn next_page(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get(LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains(r#"rel="next""#))?;
    next.split_once('<')?.1.split_once('>').map(|(url, _)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_named_by_the_link_header() {
        let of = |text: &'static str| {
            next_page(&HeaderMap::from_iter([(LINK, text.parse().unwrap())])).map(ToOwned::to_owned)
        };
        let links =
            r#"<https://h/r?page=1>; rel="prev", <https://h/r?page=3>; rel="next", <https://h/r?page=9>; rel="last""#;
        assert_eq!(of(links).as_deref(), Some("https://h/r?page=3"));
        assert_eq!(of(r#"<https://h/r?page=1>; rel="first""#), None);
        assert_eq!(next_page(&HeaderMap::new()), None);
    }
}
