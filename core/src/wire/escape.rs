//! Text of a repository as an agent may see it: what a reader cannot see, or what turns the order of letters round, is shown as
//! an escape. So nothing hides in an answer, and nothing in it steers a terminal.

use std::borrow::Cow;

use serde_json::Value;

/// `text` with control, bidirectional and invisible characters as `\u{202e}`; tabs stay.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    Cow::Owned(shown)
}

/// The same of every string in a value, the names of fields left alone; line ends stay, for JSON shows them as escapes.
pub fn escape_all(value: &mut Value) {
    match value {
        Value::String(text) => {
            if text.chars().any(|c| c != '\n' && is_hidden(c)) {
                *text = text.split('\n').map(escaped).collect::<Vec<_>>().join("\n");
            }
        }
        Value::Array(values) => values.iter_mut().for_each(escape_all),
        Value::Object(fields) => fields.values_mut().for_each(escape_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Control characters, those that set the direction of text, and those that take no room: joiners, fillers, selectors, tags.
fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(
            escaped("let a = \u{202e}1;\u{200b}\u{1b}[31m\t\u{e0041}"),
            "let a = \\u{202e}1;\\u{200b}\\u{1b}[31m\t\\u{e0041}"
        );
        assert!(matches!(escaped("größer, 大きい, 🦀"), Cow::Borrowed(_)));
    }

    #[test]
    fn every_string_of_a_value_is_shown_so() {
        let mut value = serde_json::json!({ "a": ["x\ny", "b\u{2066}\nc\r"], "n": 1 });
        escape_all(&mut value);
        assert_eq!(value, serde_json::json!({ "a": ["x\ny", "b\\u{2066}\nc\\u{d}"], "n": 1 }));
    }
}
