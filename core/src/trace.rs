//! Which trace the work at hand belongs to, as W3C Trace Context writes it: a request's goes with its transactions into the
//! job that they queue, and from there into the log of the indexer.

use std::fmt;
use std::future::Future;

tokio::task_local! {
    static CURRENT: Option<Traceparent>;
}

/// A `traceparent` of version 00: trace, the step that caused this work, and flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traceparent(String);

/// Where the trace stands in the text, and where the step.
const TRACE: std::ops::Range<usize> = 3..35;
const PARENT: std::ops::Range<usize> = 36..52;
const LEN: usize = 55;

impl Traceparent {
    /// `None`: not of that shape, or of no trace at all.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_dash = |nth: usize| [2, 35, 52].contains(&nth);
        let is_shape = text.len() == LEN
            && text.starts_with("00")
            && text.bytes().enumerate().all(|(nth, byte)| if is_dash(nth) { byte == b'-' } else { is_digit(byte) });
        let is_some = |part: &str| part.bytes().any(|byte| byte != b'0');
        (is_shape && is_some(&text[TRACE]) && is_some(&text[PARENT])).then(|| Self(text.to_owned()))
    }

    /// 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.0[TRACE]
    }

    /// 16 hexadecimal digits: the step that caused this one.
    pub fn parent_id(&self) -> &str {
        &self.0[PARENT]
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Does `work` as a part of that trace.
pub fn within<F: Future>(traceparent: Option<Traceparent>, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(traceparent, work)
}

/// The trace of the work at hand. A task that is spawned from it is not a part of it.
pub fn current() -> Option<Traceparent> {
    CURRENT.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_what_names_a_trace_is_one() {
        let parsed = Traceparent::parse(TEXT).unwrap();
        assert_eq!((parsed.trace_id(), parsed.parent_id()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
        assert_eq!(parsed.to_string(), TEXT);
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0'",
            "00-4bf92f3577b34da6a3ce929d0e0e47366-0f067aa0ba902b7-01",
        ] {
            assert_eq!(Traceparent::parse(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn it_holds_within_its_work_alone() {
        assert_eq!(current(), None);
        let given = Traceparent::parse(TEXT);
        assert_eq!(within(given.clone(), async { current() }).await, given);
        assert_eq!(current(), None);
    }
}
