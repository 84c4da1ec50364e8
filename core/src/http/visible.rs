//! What a principal may see, and how a request names one of it.

use super::code::Code;
use super::error::ApiError;
use crate::db::principal::Principal;
use crate::id::RepositoryId;
use crate::search::Visible;

impl Principal {
    /// The repositories that this key may see, for a search.
    pub fn visible(&self) -> Vec<Visible> {
        self.repositories.iter().map(|(id, name)| self.seen(*id, name)).collect()
    }

    fn seen(&self, id: RepositoryId, name: &str) -> Visible {
        let hidden = self.hidden.iter().filter(|(of, _)| *of == id).map(|(_, commit)| *commit).collect();
        Visible { id, name: name.to_owned(), hidden }
    }

    /// Whether this key may see the repository.
    pub fn sees(&self, id: RepositoryId) -> bool {
        self.repositories.iter().any(|(known, _)| *known == id)
    }

    /// `not_found` unless this key may see the repository.
    pub fn require(&self, id: RepositoryId) -> Result<(), ApiError> {
        if self.sees(id) { Ok(()) } else { Err(ApiError::not_found("repository")) }
    }

    /// `insufficient_scope` where key or member is limited to some repositories: who is cannot have more.
    pub fn require_all(&self) -> Result<(), ApiError> {
        let detail = "this key or member is limited to some repositories: ask with one that is not";
        self.allowed.is_none().then_some(()).ok_or_else(|| ApiError::new(Code::InsufficientScope, detail))
    }

    /// The visible repository of that UUID or `owner/name` (case does not matter), or else the one that had that name last;
    /// anything else is not found.
    pub fn repository(&self, text: &str) -> Result<Visible, ApiError> {
        let id: Option<RepositoryId> = text.parse().ok();
        let is_meant = |(known, name): &&(RepositoryId, String)| match id {
            Some(id) => *known == id,
            None => name.eq_ignore_ascii_case(text),
        };
        let mut found = self.repositories.iter().filter(is_meant);
        let Some((id, name)) = found.next() else { return self.renamed(text) };
        if found.next().is_some() {
            let detail = format!("`{text}` names several repositories: give the UUID");
            return Err(ApiError::new(Code::InvalidRequest, detail));
        }
        Ok(self.seen(*id, name))
    }

    /// The only visible repository, for requests that need not name it.
    pub fn only_repository(&self) -> Result<Visible, ApiError> {
        match self.repositories.as_slice() {
            [(id, name)] => Ok(self.seen(*id, name)),
            [] => Err(ApiError::not_found("repository")),
            _ => Err(ApiError::invalid_request("this key sees several repositories: give `repository`")),
        }
    }

    fn renamed(&self, text: &str) -> Result<Visible, ApiError> {
        let had_it = self.former_names.iter().filter(|(_, name)| name.eq_ignore_ascii_case(text));
        let now = |(id, _): &(RepositoryId, String)| self.repositories.iter().find(|(known, _)| known == id);
        let (id, name) = had_it.filter_map(now).next().ok_or_else(|| ApiError::not_found("repository"))?;
        Ok(self.seen(*id, name))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use std::collections::BTreeSet;

    use crate::id::{ObjectId, TenantId};

    #[test]
    fn a_repository_is_named_by_id_or_name() {
        let ids: Vec<RepositoryId> = (1..=3).map(|n| RepositoryId(Uuid::from_u128(n))).collect();
        let names = ["a/one", "a/two", "A/two"].map(ToOwned::to_owned);
        let principal = Principal {
            tenant: TenantId::LOCAL,
            key: None,
            member: None,
            user: None,
            role: None,
            scopes: Vec::new(),
            allowed: None,
            is_narrowed: false,
            access_age: None,
            repositories: ids.iter().copied().zip(names).collect(),
            former_names: [(3, "old/two"), (9, "a/gone"), (1, "old/one"), (2, "old/one"), (3, "a/one")]
                .map(|(n, name)| (RepositoryId(Uuid::from_u128(n)), name.to_owned()))
                .to_vec(),
            hidden: vec![(ids[1], ObjectId([1; 20])), (ids[0], ObjectId([2; 20]))],
        };
        assert_eq!(principal.repository("a/one").unwrap().hidden, BTreeSet::from([ObjectId([2; 20])]));
        assert!(principal.visible()[2].hidden.is_empty());
        assert_eq!(principal.only_repository().unwrap_err().code(), Code::InvalidRequest);
        assert_eq!(principal.repository("A/One").unwrap().id, ids[0]);
        assert_eq!(principal.repository(&ids[1].to_string()).unwrap().id, ids[1]);
        assert_eq!(principal.repository("a/two").unwrap_err().code(), Code::InvalidRequest);
        // A name of today comes before one of yesterday, and of those the newest.
        assert_eq!(principal.repository("Old/two").unwrap().id, ids[2]);
        assert_eq!(principal.repository("old/one").unwrap().name, "a/one");
        for unknown in ["b/one", "a/gone", "", &Uuid::from_u128(9).to_string()] {
            assert_eq!(principal.repository(unknown).unwrap_err().code(), Code::NotFound);
        }
    }
}
