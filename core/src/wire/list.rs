//! The one shape of every answer that is a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of items and what the reader should know about the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The items of this page, in the order that the route documents.
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next page; `null`: there is none.
    pub next_cursor: Option<String>,
    /// How many items there are on all pages; `null`: not counted.
    pub total: Option<u64>,
    /// Whether `total` is the number, or a lower bound of it.
    pub total_is_exact: bool,
    /// Whether items were left out that no cursor leads to.
    pub truncated: bool,
    /// What the answer was computed from; `null`: the database.
    #[schema(value_type = Option<Object>)]
    pub index: Option<serde_json::Value>,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

impl<T> List<T> {
    /// A page of rows: how many there are on all pages is not counted.
    pub fn page(items: Vec<T>, next_cursor: Option<String>) -> Self {
        Self {
            items,
            next_cursor,
            total: None,
            total_is_exact: false,
            truncated: false,
            index: None,
            notes: Vec::new(),
        }
    }

    /// States the number of items on all pages.
    #[must_use]
    pub fn with_total(mut self, total: u64) -> Self {
        self.total = Some(total);
        self.total_is_exact = true;
        self
    }
}
