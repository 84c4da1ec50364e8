//! What can be set for a repository and for a pattern: checked before anything is written.

use crate::github::RefPatterns;
use crate::http::{ApiError, Code};
use crate::schedule::Schedule;
use crate::wire::ProblemError;

/// Checked settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Refs to track.
    pub ref_patterns: Vec<String>,
    /// Of its automatic jobs.
    pub priority: Option<i16>,
    /// When it is indexed without being asked.
    pub schedule: Option<String>,
}

impl Settings {
    /// Checks all three.
    pub fn check(refs: &[String], priority: Option<i16>, schedule: Option<&str>) -> Result<Self, ApiError> {
        Ok(Self {
            ref_patterns: RefPatterns::normalise(refs)?,
            priority: priority.map(check_priority).transpose()?,
            schedule: schedule.map(check_schedule).transpose()?,
        })
    }
}

/// From 0 to 100.
pub fn check_priority(priority: i16) -> Result<i16, ApiError> {
    let refused = || refused("priority", format!("priority `{priority}` is not from 0 (first) to 100"));
    (0..=100).contains(&priority).then_some(priority).ok_or_else(refused)
}

/// The five fields, with single blanks between them.
pub fn check_schedule(text: &str) -> Result<String, ApiError> {
    let schedule = text.parse::<Schedule>().map_err(|error| refused("schedule", format!("schedule: {error}")))?;
    Ok(schedule.to_string())
}

fn refused(field: &str, message: String) -> ApiError {
    let error = ProblemError { field: Some(field.to_owned()), message: message.clone(), ..ProblemError::default() };
    ApiError::new(Code::RepositoryRefused, message).with_error(error)
}
