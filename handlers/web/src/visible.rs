//! Text of others as it may be shown: what cannot be seen, or turns round what is seen, is named instead.
//!
//! Escaping is the business of the templates; this is about characters that HTML shows faithfully, and a reader does not see: a
//! path that reads backwards, a comment that ends before it seems to (the "Trojan Source" attacks), a name with a blank of no
//! width.

use std::borrow::Cow;

use maud::{Markup, Render, html};

/// Text with a mark in the place of each character that cannot be seen.
pub(crate) struct Visible<'a>(pub(crate) &'a str);

impl Render for Visible<'_> {
    fn render(&self) -> Markup {
        html! {
            @for piece in self.0.split_inclusive(is_hidden) {
                @match piece.char_indices().next_back().filter(|(_, last)| is_hidden(*last)) {
                    Some((at, hidden)) => {
                        (&piece[..at])
                        span.odd title="a character that cannot be seen" { (name(hidden)) }
                    },
                    None => { (piece) },
                }
            }
        }
    }
}

/// The same where no markup can stand: in titles, attributes and values.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if is_hidden(c) { name(c) } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

/// Whether all of a text can be seen, so that copying it hides nothing.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(is_hidden)
}

/// A piece of code, invalid UTF-8 replaced.
pub(crate) fn code(bytes: &[u8]) -> Markup {
    let text = String::from_utf8_lossy(bytes);
    Visible(&text).render()
}

fn name(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Controls but the tab, marks of direction, and what has no width or ink of its own.
fn is_hidden(c: char) -> bool {
    match c {
        '\t' => false,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_has_a_name() {
        let shown = Visible("a\u{202e}<b>\u{0}\té").render().into_string();
        let mark = |name: &str| format!("<span class=\"odd\" title=\"a character that cannot be seen\">{name}</span>");
        assert_eq!(shown, format!("a{}&lt;b&gt;{}\té", mark("U+202E"), mark("U+0000")));
        assert_eq!(plain("a\u{200b}b\n"), "aU+200BbU+000A");
        assert_eq!(plain("plain é 漢字 \u{1f600}"), "plain é 漢字 \u{1f600}");
        assert_eq!(code(b"a\xffb").into_string(), "a\u{fffd}b");
    }

    #[test]
    fn every_character_that_turns_text_round_is_one() {
        for c in
            "\u{061c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars()
        {
            assert!(is_hidden(c), "{c:?}");
        }
    }
}
