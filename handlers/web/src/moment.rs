//! Times and amounts as people say them.

use kotadb_core::wire::Timestamp;
use maud::{Markup, html};
use time::OffsetDateTime;

/// How long ago something was, with the exact time behind it.
pub(crate) fn ago(moment: Timestamp) -> Markup {
    let exact = moment.to_string();
    html! { time datetime=(exact) title=(exact) { (since(OffsetDateTime::now_utc() - moment.0)) } }
}

fn since(age: time::Duration) -> String {
    let seconds = age.whole_seconds();
    let (n, unit) = match seconds {
        ..45 => return "just now".to_owned(),
        45..3_600 => ((seconds + 30) / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..2_592_000 => (seconds / 86_400, "day"),
        2_592_000..31_536_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{} ago", count(n.unsigned_abs(), unit))
}

/// `1 file`, `1,234 files`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    let plural = match noun {
        noun if n == 1 => noun.to_owned(),
        noun if noun.ends_with('y') && !noun.ends_with("ay") => format!("{}ies", &noun[..noun.len() - 1]),
        noun if noun.ends_with("ch") => format!("{noun}es"),
        noun => format!("{noun}s"),
    };
    format!("{} {plural}", number(n))
}

/// With commas between thousands.
pub(crate) fn number(n: u64) -> String {
    let digits = n.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}

/// `1.5 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return count(n, "byte");
    }
    let (mut size, mut unit) = (n as f64 / 1024.0, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_said_as_people_say_them() {
        assert_eq!(
            [1, 0, 999, 1_234_567].map(|n| count(n, "file")),
            ["1 file", "0 files", "999 files", "1,234,567 files"]
        );
        assert_eq!((count(2, "repository"), count(2, "match")), ("2 repositories".to_owned(), "2 matches".to_owned()));
        assert_eq!([0, 1_536, 5 << 30].map(bytes), ["0 bytes", "1.5 KiB", "5.0 GiB"]);
        let ages = [0, 44, 45, 90, 3_600, 86_400 * 3, 86_400 * 60, 86_400 * 800];
        let said = ages.map(|seconds| since(time::Duration::seconds(seconds)));
        let wanted = [
            "just now",
            "just now",
            "1 minute ago",
            "2 minutes ago",
            "1 hour ago",
            "3 days ago",
            "2 months ago",
            "2 years ago",
        ];
        assert_eq!(said, wanted);
    }
}
