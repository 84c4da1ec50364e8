//! Schedules against dates that were written down by hand, from the calendar of 2026 and 2028.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

use super::*;

/// The next five firings after an instant, as `2026-11-26T12:00`.
fn five(text: &str, since: OffsetDateTime) -> Vec<String> {
    let schedule: Schedule = text.parse().unwrap();
    let mut time = since;
    (0..5)
        .map(|_| {
            time = schedule.next_after(time).unwrap();
            let text = time.format(&Rfc3339).unwrap();
            text.strip_suffix(":00Z").unwrap().to_owned()
        })
        .collect()
}

#[test]
fn the_next_five_firings_are_the_written_dates() {
    // A Thursday.
    let since = datetime!(2026-11-26 11:59:30 UTC);
    for (text, dates) in [
        (
            "* * * * *",
            ["2026-11-26T12:00", "2026-11-26T12:01", "2026-11-26T12:02", "2026-11-26T12:03", "2026-11-26T12:04"],
        ),
        (
            "0 * * * *",
            ["2026-11-26T12:00", "2026-11-26T13:00", "2026-11-26T14:00", "2026-11-26T15:00", "2026-11-26T16:00"],
        ),
        (
            "*/20 * * * *",
            ["2026-11-26T12:00", "2026-11-26T12:20", "2026-11-26T12:40", "2026-11-26T13:00", "2026-11-26T13:20"],
        ),
        (
            "30 4 * * *",
            ["2026-11-27T04:30", "2026-11-28T04:30", "2026-11-29T04:30", "2026-11-30T04:30", "2026-12-01T04:30"],
        ),
        (
            "0 0 * * 0",
            ["2026-11-29T00:00", "2026-12-06T00:00", "2026-12-13T00:00", "2026-12-20T00:00", "2026-12-27T00:00"],
        ),
        (
            "0 0 * * 7",
            ["2026-11-29T00:00", "2026-12-06T00:00", "2026-12-13T00:00", "2026-12-20T00:00", "2026-12-27T00:00"],
        ),
        (
            "0 0 * * 1",
            ["2026-11-30T00:00", "2026-12-07T00:00", "2026-12-14T00:00", "2026-12-21T00:00", "2026-12-28T00:00"],
        ),
        (
            "0 9 * * 1-5",
            ["2026-11-27T09:00", "2026-11-30T09:00", "2026-12-01T09:00", "2026-12-02T09:00", "2026-12-03T09:00"],
        ),
        (
            "0 9 * * mon-fri",
            ["2026-11-27T09:00", "2026-11-30T09:00", "2026-12-01T09:00", "2026-12-02T09:00", "2026-12-03T09:00"],
        ),
        (
            "0 12 * * 5-7",
            ["2026-11-27T12:00", "2026-11-28T12:00", "2026-11-29T12:00", "2026-12-04T12:00", "2026-12-05T12:00"],
        ),
        (
            "15 10 1 * *",
            ["2026-12-01T10:15", "2027-01-01T10:15", "2027-02-01T10:15", "2027-03-01T10:15", "2027-04-01T10:15"],
        ),
        (
            "0 0 31 * *",
            ["2026-12-31T00:00", "2027-01-31T00:00", "2027-03-31T00:00", "2027-05-31T00:00", "2027-07-31T00:00"],
        ),
        (
            "0 0 29 2 *",
            ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00", "2040-02-29T00:00", "2044-02-29T00:00"],
        ),
        // Both fields of days: either matches. 13 December 2026 is a Sunday.
        (
            "0 0 13 * 5",
            ["2026-11-27T00:00", "2026-12-04T00:00", "2026-12-11T00:00", "2026-12-13T00:00", "2026-12-18T00:00"],
        ),
        // One of them begins with `*`: both must match.
        (
            "0 0 */2 * 1",
            ["2026-12-07T00:00", "2026-12-21T00:00", "2027-01-11T00:00", "2027-01-25T00:00", "2027-02-01T00:00"],
        ),
        (
            "0,30 8-9 * * *",
            ["2026-11-27T08:00", "2026-11-27T08:30", "2026-11-27T09:00", "2026-11-27T09:30", "2026-11-28T08:00"],
        ),
        (
            "10-40/15 0 * * *",
            ["2026-11-27T00:10", "2026-11-27T00:25", "2026-11-27T00:40", "2026-11-28T00:10", "2026-11-28T00:25"],
        ),
        (
            "0 0 1 jan,Jul *",
            ["2027-01-01T00:00", "2027-07-01T00:00", "2028-01-01T00:00", "2028-07-01T00:00", "2029-01-01T00:00"],
        ),
        (
            "0 */6 * 12 *",
            ["2026-12-01T00:00", "2026-12-01T06:00", "2026-12-01T12:00", "2026-12-01T18:00", "2026-12-02T00:00"],
        ),
        (
            "59 23 31 12 *",
            ["2026-12-31T23:59", "2027-12-31T23:59", "2028-12-31T23:59", "2029-12-31T23:59", "2030-12-31T23:59"],
        ),
        (
            "@weekly",
            ["2026-11-29T00:00", "2026-12-06T00:00", "2026-12-13T00:00", "2026-12-20T00:00", "2026-12-27T00:00"],
        ),
        (
            "@hourly",
            ["2026-11-26T12:00", "2026-11-26T13:00", "2026-11-26T14:00", "2026-11-26T15:00", "2026-11-26T16:00"],
        ),
    ] {
        assert_eq!(five(text, since), dates, "{text}");
    }
}

#[test]
fn a_firing_is_after_the_time_given_and_on_the_minute() {
    let schedule: Schedule = "0 12 * * *".parse().unwrap();
    let noon = datetime!(2026-11-26 12:00 UTC);
    assert_eq!(schedule.next_after(noon), Some(datetime!(2026-11-27 12:00 UTC)));
    assert_eq!(schedule.next_after(noon - time::Duration::milliseconds(1)), Some(noon));
    // Another offset is the same instant.
    assert_eq!(schedule.next_after(datetime!(2026-11-26 12:30 +1)), Some(noon));
}

#[test]
fn what_cron_would_not_take_is_refused_by_field() {
    for (text, part) in [
        ("", "five fields"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "five fields"),
        ("@reboot", "five fields"),
        ("60 * * * *", "`60` is no minute"),
        ("* 24 * * *", "`24` is no hour"),
        ("* * 0 * *", "`0` is no day of month"),
        ("* * 32 * *", "`32` is no day of month"),
        ("* * * 13 *", "`13` is no month"),
        ("* * * * 8", "`8` is no day of week"),
        ("* * * * 5-2", "`5-2` is no day of week"),
        ("*/0 * * * *", "`*/0` is no minute"),
        ("5/10 * * * *", "`5/10` is no minute"),
        ("1,,2 * * * *", "`1,,2` is no minute"),
        ("+5 * * * *", "`+5` is no minute"),
        ("? * * * *", "`?` is no minute"),
        ("* * L * *", "`L` is no day of month"),
        ("* * * * mon#2", "`mon#2` is no day of week"),
        ("* * * febr *", "`febr` is no month"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ] {
        let error = text.parse::<Schedule>().unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn it_is_printed_as_five_fields() {
    let printed = |text: &str| text.parse::<Schedule>().unwrap().to_string();
    assert_eq!(printed("  0  4 * *   MON "), "0 4 * * mon");
    assert_eq!(printed("@daily"), "0 0 * * *");
}
