//! When something is due again and again: five-field Unix expressions in UTC (minute, hour, day of month, month, day of
//! week). The `cron` crate computes the dates; it wants seconds first, counts days of the week from one, and knows only
//! AND between the two fields of days, so expressions are translated ([`fields`]). Clock-free: the caller says since when.

mod fields;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use time::OffsetDateTime;

use self::fields::Fields;

/// A schedule that is known to fire.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    /// One, or two where either field of days may match.
    parts: Vec<cron::Schedule>,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "`{0}` has not five fields: give minute, hour, day of month, month and day of week, as in `30 4 * * mon-fri`"
    )]
    Count(String),
    /// A field that cannot be read.
    #[error("`{text}` is no {field}: give {wanted}")]
    Field {
        /// Which.
        field: &'static str,
        /// As written.
        text: String,
        /// What can stand there.
        wanted: &'static str,
    },
    /// A day that no month has, such as 30 February.
    #[error("`{0}` never fires: no month has that day")]
    Never(String),
}

impl Schedule {
    /// The first firing after a time, to the minute; `None` in the far future, where dates end.
    pub fn next_after(&self, time: OffsetDateTime) -> Option<OffsetDateTime> {
        let time = DateTime::<Utc>::from_timestamp(time.unix_timestamp(), 0)?;
        let next = self.parts.iter().filter_map(|part| part.after(&time).next()).min()?;
        OffsetDateTime::from_unix_timestamp(next.timestamp()).ok()
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    /// Reads five fields, or one of `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let fields = Fields::parse(text)?;
        let parse = |expression: String| cron::Schedule::from_str(&expression);
        let parts: Result<Vec<_>, _> = fields.expressions().into_iter().map(parse).collect();
        let parts = parts.map_err(|_| ScheduleError::Never(text.to_owned()))?;
        let schedule = Self { text: fields.to_string(), parts };
        match schedule.next_after(OffsetDateTime::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(text.to_owned())),
        }
    }
}

/// The five fields, separated by one blank.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
