//! JSON as people write it: with comments and commas before closing brackets.

use serde_json::Value;

/// The value of a text; `None`: it is none.
pub(super) fn parse(text: &str) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&strict(text))).ok()
}

/// The same in strict JSON.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let len = match sign {
            '"' => text_len(rest),
            '/' if rest.starts_with("//") => {
                rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
                continue;
            }
            ']' | '}' => {
                out.truncate(out.trim_end().trim_end_matches(',').len());
                1
            }
            sign => sign.len_utf8(),
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// Bytes of the quoted text at the start.
fn text_len(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().enumerate().skip(1).find(|&(_, byte)| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_last_commas_are_read_over() {
        let value = parse("// x\n{\"a\": [1, 2,], /* , */ \"b\": \"//\\\"\", }").unwrap();
        assert_eq!((&value["a"][1], value["b"].as_str()), (&Value::from(2), Some("//\"")));
        assert_eq!(parse("{"), None);
        assert_eq!(parse("\"a"), None);
    }
}
