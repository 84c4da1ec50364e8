//! Questions about a commit, as every route asks them: the commit that is meant, 304 where the caller has the answer, and the
//! entity tag of what the answer was made from.

use std::fmt;
use std::ops::RangeInclusive;

use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use serde::Serialize;

use super::cursor::Cursor;
use super::entity_tag::{EntityTag, IfNoneMatch, TagBuilder};
use super::error::ApiError;
use super::extract::Json;
use super::resources::Resources;
use crate::db::principal::Principal;
use crate::graph::Confidence;
use crate::search::commit::{Answered, Ask, CommitRequest, CommitState};

/// A question as it came: the commit, and all that the answer depends on beside it.
#[derive(Debug)]
pub struct Asked<'a, T> {
    /// The commit.
    pub commit: CommitRequest,
    /// The parameters, of a type that only this question has.
    pub parameters: &'a T,
    /// What the caller has already.
    pub had: &'a IfNoneMatch,
}

/// Where a page begins: the next one is of the same commit as the one before, as long as that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// 40 digits.
    pub commit: String,
    /// Where in the list.
    pub at: String,
}

impl Principal {
    /// A commit of the repository of that UUID or `owner/name`, which must be visible; `None`: of the only one that is.
    pub fn commit(
        &self,
        repository: Option<&str>,
        reference: Option<&str>,
        min_version: Option<u64>,
    ) -> Result<CommitRequest, ApiError> {
        let repository = match repository {
            Some(repository) => self.repository(repository)?,
            None => self.only_repository()?,
        };
        let request = CommitRequest::new(self.tenant, repository);
        Ok(CommitRequest { reference: reference.map(str::to_owned), min_version, ..request })
    }
}

impl Place {
    /// The place that a cursor of this kind of list names: text that names no commit is of another list.
    pub fn read(cursor: &Cursor) -> Result<Self, ApiError> {
        let read = cursor.0.split_once(' ').filter(|(commit, _)| commit.len() == 40);
        let (commit, at) = read.ok_or_else(|| ApiError::invalid_request("`cursor` is of another list"))?;
        Ok(Self { commit: commit.to_owned(), at: at.to_owned() })
    }

    /// Where a page begins of a list whose cursors count items, fewer than `most`.
    pub fn first(cursor: Option<&Cursor>, most: usize) -> Result<(Option<Self>, usize), ApiError> {
        let place = cursor.map(Self::read).transpose()?;
        let first = place.as_ref().map_or(Some(0), |place| place.at.parse().ok()).filter(|first| *first < most);
        Ok((place, first.ok_or_else(|| ApiError::invalid_request("`cursor` is of another list"))?))
    }

    /// The cursor that leads there.
    pub fn cursor(state: &CommitState, at: &str) -> String {
        Cursor(format!("{} {at}", state.commit)).encode()
    }
}

impl<T: fmt::Debug + Sync> Asked<'_, T> {
    /// Answers in the shape that `shape` gives it. The tag is weak: the same answer may have cost more.
    pub async fn answer<Q: Ask, A: Serialize>(
        self,
        resources: &Resources,
        question: &Q,
        shape: impl FnOnce(Answered<Q::Answer>) -> A,
    ) -> Result<Response, ApiError> {
        let searcher = resources.searcher()?;
        if self.had.is_some() {
            let tag = self.tag(&searcher.commit_state(&self.commit).await?);
            if self.had.has(&tag.to_string()) {
                return Ok(tag.not_modified());
            }
        }
        let answered = searcher.ask(&self.commit, question).await?;
        let tag = self.tag(&answered.state);
        Ok(([(ETAG, tag.header())], Json(shape(answered))).into_response())
    }

    fn tag(&self, state: &CommitState) -> EntityTag {
        let asked = format!("{:?}", self.parameters);
        TagBuilder::new("commit").with(&state.fingerprint()).with(asked.as_bytes()).weak()
    }
}

/// A `min_confidence` from 0 to 1, by default one half.
pub fn confidence(given: Option<f32>) -> Result<Confidence, ApiError> {
    match given {
        None => Ok(Confidence(50)),
        Some(share) if (0.0..=1.0).contains(&share) => Ok(Confidence((share * 100.0).round() as u8)),
        Some(wrong) => Err(ApiError::invalid_request(format!("`min_confidence` is {wrong}: give 0 to 1"))),
    }
}

/// A text of at most so many characters, as its description says.
pub fn bounded<'t>(name: &str, text: &'t str, most: usize) -> Result<&'t str, ApiError> {
    match text.chars().nth(most) {
        None => Ok(text),
        Some(_) => Err(ApiError::invalid_request(format!("`{name}` is too long: give {most} characters at most"))),
    }
}

/// A `depth` within the limits of its route, by default the lowest.
pub fn levels(given: Option<u32>, limits: RangeInclusive<u32>) -> Result<u32, ApiError> {
    let depth = given.unwrap_or(*limits.start());
    let (low, high) = (limits.start(), limits.end());
    let wrong = || ApiError::invalid_request(format!("`depth` is {depth}: give {low} to {high}"));
    limits.contains(&depth).then_some(depth).ok_or_else(wrong)
}
