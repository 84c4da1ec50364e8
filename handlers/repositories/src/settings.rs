//! What can be set for a repository and for a pattern: checked before anything is written.

use kotadb_core::github::RefPatterns;
use kotadb_core::http::{ApiError, Code};
use kotadb_core::wire::ProblemError;

/// Checked settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) ref_patterns: Vec<String>,
    pub(crate) priority: Option<i16>,
    pub(crate) schedule: Option<String>,
}

impl Settings {
    pub(crate) fn check(refs: &[String], priority: Option<i16>, schedule: Option<&str>) -> Result<Self, ApiError> {
        Ok(Self {
            ref_patterns: RefPatterns::normalise(refs)?,
            priority: priority.map(check_priority).transpose()?,
            schedule: schedule.map(check_schedule).transpose()?,
        })
    }
}

pub(crate) fn check_priority(priority: i16) -> Result<i16, ApiError> {
    let refused = || refused("priority", format!("priority `{priority}` is not from 0 (first) to 100"));
    (0..=100).contains(&priority).then_some(priority).ok_or_else(refused)
}

/// Five fields of a cron expression in the characters that one may have, with single blanks between them. What they mean
/// is the scheduler's to say.
pub(crate) fn check_schedule(text: &str) -> Result<String, ApiError> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | '/' | ',' | '-');
    let is_plain = fields.iter().all(|field| field.len() <= 100 && field.chars().all(plain));
    if fields.len() != 5 || !is_plain {
        let why = format!("schedule `{text}` is not five cron fields in UTC: give some such as `0 3 * * 1-5`");
        return Err(refused("schedule", why));
    }
    Ok(fields.join(" "))
}

fn refused(field: &str, message: String) -> ApiError {
    let error = ProblemError { field: Some(field.to_owned()), message: message.clone(), ..ProblemError::default() };
    ApiError::new(Code::RepositoryRefused, message).with_error(error)
}
