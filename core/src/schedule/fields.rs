//! The five fields as Unix cron reads them, and what they are for the `cron` crate.

use std::collections::BTreeSet;
use std::fmt;

use super::ScheduleError;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What one field may hold.
struct Kind {
    name: &'static str,
    wanted: &'static str,
    least: u32,
    most: u32,
    /// Names of the values from `least` on.
    names: &'static [&'static str],
}

const KINDS: [Kind; 5] = [
    Kind { name: "minute", wanted: "0 to 59, `*`, a range, a step or a list", least: 0, most: 59, names: &[] },
    Kind { name: "hour", wanted: "0 to 23, `*`, a range, a step or a list", least: 0, most: 23, names: &[] },
    Kind { name: "day of month", wanted: "1 to 31, `*`, a range, a step or a list", least: 1, most: 31, names: &[] },
    Kind {
        name: "month",
        wanted: "1 to 12, `jan` to `dec`, `*`, a range, a step or a list",
        least: 1,
        most: 12,
        names: &MONTHS,
    },
    // 7 is Sunday as well.
    Kind {
        name: "day of week",
        wanted: "0 to 7, `sun` to `sat`, `*`, a range, a step or a list",
        least: 0,
        most: 7,
        names: &DAYS,
    },
];

/// One field: its values, and whether it was written as any (`*` or `*/n`), which matters for days.
struct Field {
    text: String,
    values: BTreeSet<u32>,
    is_any: bool,
}

/// Five fields that were understood.
pub(super) struct Fields([Field; 5]);

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let words: Vec<&str> = expanded(text.trim()).split_ascii_whitespace().collect();
        let words: [&str; 5] = words.try_into().map_err(|_| ScheduleError::Count(text.to_owned()))?;
        let [minute, hour, day, month, weekday] = words;
        let field = |nth: usize, text: &str| KINDS[nth].parse(text);
        Ok(Self([field(0, minute)?, field(1, hour)?, field(2, day)?, field(3, month)?, field(4, weekday)?]))
    }

    /// For the `cron` crate: seconds first, days of the week by name. Where both fields of days are restricted either may
    /// match (POSIX, `crontab`); where one is written with `*` first, both must (as Vixie's cron has it).
    pub(super) fn expressions(&self) -> Vec<String> {
        let [minute, hour, day, month, weekday] = &self.0;
        let days = list(day, u32::to_string);
        let weekdays = list(weekday, |value| DAYS[*value as usize % 7].to_uppercase());
        let of = |days: &str, weekdays: &str| {
            let (minutes, hours, months) =
                (list(minute, u32::to_string), list(hour, u32::to_string), list(month, u32::to_string));
            format!("0 {minutes} {hours} {days} {months} {weekdays}")
        };
        match day.is_any || weekday.is_any {
            true => vec![of(&days, &weekdays)],
            false => vec![of(&days, "*"), of("*", &weekdays)],
        }
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [minute, hour, day, month, weekday] = &self.0;
        write!(f, "{} {} {} {} {}", minute.text, hour.text, day.text, month.text, weekday.text)
    }
}

/// What the short names of Vixie's cron stand for.
fn expanded(text: &str) -> &str {
    match text.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => text,
    }
}

fn list(field: &Field, name: impl Fn(&u32) -> String) -> String {
    if field.text == "*" { field.text.clone() } else { field.values.iter().map(name).collect::<Vec<_>>().join(",") }
}

impl Kind {
    fn parse(&self, text: &str) -> Result<Field, ScheduleError> {
        let error = || ScheduleError::Field { field: self.name, text: text.to_owned(), wanted: self.wanted };
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(number(step).filter(|&step| step > 0).ok_or_else(error)?)),
                None => (item, None),
            };
            let (from, to) = self.range(range, step.is_some()).ok_or_else(error)?;
            values.extend((from..=to).step_by(step.unwrap_or(1) as usize));
        }
        if self.most == 7 && values.remove(&7) {
            values.insert(0);
        }
        Ok(Field { text: text.to_ascii_lowercase(), values, is_any: text.starts_with('*') })
    }

    /// `*`, one value, or a range; a step needs something to step through.
    fn range(&self, text: &str, has_step: bool) -> Option<(u32, u32)> {
        match text.split_once('-') {
            _ if text == "*" => Some((self.least, if self.most == 7 { 6 } else { self.most })),
            Some((from, to)) => Some((self.value(from)?, self.value(to)?)).filter(|(from, to)| from <= to),
            None if has_step => None,
            None => self.value(text).map(|value| (value, value)),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let named = named.and_then(|nth| u32::try_from(nth).ok()).map(|nth| nth + self.least);
        named.or_else(|| number(text)).filter(|value| (self.least..=self.most).contains(value))
    }
}

/// Digits alone: `+5` is no number here.
fn number(text: &str) -> Option<u32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
