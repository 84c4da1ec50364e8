//! What a principal may see, and how a request names one of it.

use super::code::Code;
use super::error::ApiError;
use crate::db::keys::Principal;
use crate::id::RepositoryId;
use crate::search::Visible;

impl Principal {
    /// The repositories that this key may see, for a search.
    pub fn visible(&self) -> Vec<Visible> {
        self.repositories.iter().map(|(id, name)| Visible { id: *id, name: name.clone() }).collect()
    }

    /// Whether this key may see the repository.
    pub fn sees(&self, id: RepositoryId) -> bool {
        self.repositories.iter().any(|(known, _)| *known == id)
    }

    /// `not_found` unless this key may see the repository.
    pub fn require(&self, id: RepositoryId) -> Result<(), ApiError> {
        if self.sees(id) { Ok(()) } else { Err(ApiError::not_found("repository")) }
    }

    /// The visible repository of that UUID or `owner/name` (case does not matter); anything else is not found.
    pub fn repository(&self, text: &str) -> Result<Visible, ApiError> {
        let id: Option<RepositoryId> = text.parse().ok();
        let is_meant = |(known, name): &&(RepositoryId, String)| match id {
            Some(id) => *known == id,
            None => name.eq_ignore_ascii_case(text),
        };
        let mut found = self.repositories.iter().filter(is_meant);
        let (id, name) = found.next().ok_or_else(|| ApiError::not_found("repository"))?;
        if found.next().is_some() {
            let detail = format!("`{text}` names several repositories: give the UUID");
            return Err(ApiError::new(Code::InvalidRequest, detail));
        }
        Ok(Visible { id: *id, name: name.clone() })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::TenantId;

    #[test]
    fn a_repository_is_named_by_id_or_name() {
        let ids: Vec<RepositoryId> = (1..=3).map(|n| RepositoryId(Uuid::from_u128(n))).collect();
        let names = ["a/one", "a/two", "A/two"].map(ToOwned::to_owned);
        let principal = Principal {
            tenant: TenantId::LOCAL,
            key_id: Uuid::nil(),
            scopes: Vec::new(),
            repositories: ids.iter().copied().zip(names).collect(),
        };
        assert_eq!(principal.repository("A/One").unwrap().id, ids[0]);
        assert_eq!(principal.repository(&ids[1].to_string()).unwrap().id, ids[1]);
        assert_eq!(principal.repository("a/two").unwrap_err().code(), Code::InvalidRequest);
        for unknown in ["b/one", "", &Uuid::from_u128(9).to_string()] {
            assert_eq!(principal.repository(unknown).unwrap_err().code(), Code::NotFound);
        }
    }
}
