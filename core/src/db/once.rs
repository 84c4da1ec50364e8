//! A transaction of one statement as one message: opening, statement and COMMIT travel together, so it costs one round trip
//! where [`super::Tx`] takes four. The simple protocol knows no parameters: values are written into the text, here and
//! nowhere else. Left to `Tx`: whatever needs a second statement.

use std::fmt::Write;

use crate::crypto::to_hex;

/// A statement that calls a function with values written out.
#[derive(Debug)]
pub(super) struct Call {
    text: String,
    n_values: usize,
}

impl Call {
    /// `SELECT columns FROM function(`, so far without values.
    pub(super) fn new(columns: &'static str, function: &'static str) -> Self {
        Self { text: format!("SELECT {columns} FROM {function}("), n_values: 0 }
    }

    /// The next value, a text. One with a NUL becomes the text before it: Postgres has none such.
    pub(super) fn text(self, value: &str) -> Self {
        let value = value.split('\0').next().unwrap_or_default();
        // An escape string reads the same whatever `standard_conforming_strings` says.
        let quoted = value.replace('\\', "\\\\").replace('\'', "''");
        self.value(&format!("E'{quoted}'"))
    }

    /// The next value, a text or nothing.
    pub(super) fn optional_text(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.value("NULL"),
        }
    }

    /// The next value, a number.
    pub(super) fn number(self, value: impl Into<i64>) -> Self {
        // Brackets, because of `--`.
        self.value(&format!("({})", value.into()))
    }

    /// The next value, bytes.
    pub(super) fn bytes(self, value: &[u8]) -> Self {
        self.value(&format!("E'\\\\x{}'", to_hex(value)))
    }

    /// The next value, a boolean.
    pub(super) fn boolean(self, value: bool) -> Self {
        self.value(if value { "true" } else { "false" })
    }

    fn value(mut self, literal: &str) -> Self {
        let comma = if self.n_values == 0 { "" } else { ", " };
        self.n_values += 1;
        let _ = write!(self.text, "{comma}{literal}");
        self
    }

    /// The message: what opens the transaction, the statement, and what ends it.
    pub(super) fn message(&self, opening: &str) -> String {
        format!("{opening}; {}); COMMIT", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        let call = Call::new("*", "f").text(r"o'ne \' two").number(-1).boolean(true).text("a\0b").optional_text(None);
        assert_eq!(call.message("BEGIN"), r"BEGIN; SELECT * FROM f(E'o''ne \\'' two', (-1), true, E'a', NULL); COMMIT");
        let call = Call::new("*", "f").bytes(&[0, 0xab]);
        assert_eq!(call.message("BEGIN"), r"BEGIN; SELECT * FROM f(E'\\x00ab'); COMMIT");
        assert_eq!(Call::new("a, b", "g").message("BEGIN"), "BEGIN; SELECT a, b FROM g(); COMMIT");
    }
}
