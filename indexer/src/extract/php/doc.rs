//! What only the comment above a definition tells: types of `@return`, `@param`, `@var`, and `@deprecated`.

use tree_sitter::Node;

use super::Php;
use super::expression::type_from;

/// How far before a definition its comment may begin, in bytes.
const MOST_BYTES: usize = 4096;

impl<'t> Php<'t> {
    /// The comment `/** … */` that ends right before a definition. Looked for in the text: to go to the node before one
    /// costs as much as there are nodes before it.
    pub(super) fn doc_comment(&self, node: Node<'t>) -> &'t str {
        let start = node.start_byte();
        let before = self.text.0.get(start.saturating_sub(MOST_BYTES)..start).unwrap_or_default().trim_ascii_end();
        let Some(inside) = before.strip_suffix(b"*/") else { return "" };
        let Some(open) = memchr::memmem::rfind(inside, b"/**") else { return "" };
        let is_one = memchr::memmem::find(&inside[open..], b"*/").is_none();
        std::str::from_utf8(&inside[open + 3..]).ok().filter(|_| is_one).unwrap_or_default()
    }
}

/// The type after a tag; with a `name`, of the line that names it.
pub(super) fn tagged(comment: &str, tag: &str, name: Option<&str>) -> Option<Box<str>> {
    comment.lines().find_map(|line| {
        let words = line.trim_start_matches(|sign: char| sign.is_whitespace() || sign == '*').trim_end_matches("*/");
        let rest = words.strip_prefix(tag)?.strip_prefix(char::is_whitespace)?.trim();
        let (written, after) = type_word(rest);
        let is_it = name.is_none_or(|name| after.split_whitespace().next() == Some(name));
        let tells = !matches!(written, "" | "mixed" | "array" | "void" | "null") && !written.starts_with('$');
        (is_it && tells).then(|| type_from(written))
    })
}

/// A type may hold blanks between its brackets.
fn type_word(text: &str) -> (&str, &str) {
    let mut depth = 0;
    let end = text.find(|sign: char| {
        depth += i32::from("<({".contains(sign)) - i32::from(">)}".contains(sign));
        sign.is_whitespace() && depth <= 0
    });
    text.split_at(end.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_tags() {
        let comment = "\n * Text @return no\n * @param \\App\\Db|null $db the db\n * @param $x\n * @return list<int, Pool> it\n */";
        assert_eq!(tagged(comment, "@param", Some("$db")).as_deref(), Some("App\\Db|null"));
        assert_eq!(tagged(comment, "@param", Some("$x")), None);
        assert_eq!(tagged(comment, "@return", None).as_deref(), Some("list<int,Pool>"));
        assert_eq!(tagged(" @var $this */", "@var", None), None);
    }
}
