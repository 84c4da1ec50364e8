//! Lines of code as HTML: colours, matches, and a number that leads to the line.

use std::ops::Range;

use kotadb_core::text::Language;
use maud::{Markup, html};

use crate::highlight::{self, Span};
use crate::visible;

/// One line with its matches, of which a page may show some.
pub(crate) fn line(text: &[u8], language: Language, matches: &[Range<usize>]) -> Markup {
    pieces(text, &highlight::spans(language, text), matches)
}

/// The pieces of a line; spans and matches are in its bytes.
pub(crate) fn pieces(text: &[u8], spans: &[Span], matches: &[Range<usize>]) -> Markup {
    let of_spans = spans.iter().flat_map(|(range, _)| [range.start, range.end]);
    let mut cuts: Vec<usize> = of_spans.chain(matches.iter().flat_map(|one| [one.start, one.end])).collect();
    cuts.extend([0, text.len()]);
    cuts.retain(|cut| *cut <= text.len());
    cuts.sort_unstable();
    cuts.dedup();
    html! {
        @for pair in cuts.windows(2) {
            @let (start, part) = (pair[0], visible::code(&text[pair[0]..pair[1]]));
            @let class = spans.iter().find(|(range, _)| range.contains(&start)).map(|(_, kind)| kind.class());
            @match (matches.iter().any(|one| one.contains(&start)), class) {
                (true, class) => { mark class=[class] { (part) } },
                (false, Some(class)) => { span class=(class) { (part) } },
                (false, None) => { (part) },
            }
        }
    }
}

/// The lines of a text, each with what of the spans is in it.
pub(crate) fn lines<'a>(text: &'a [u8], spans: &'a [Span]) -> impl Iterator<Item = (&'a [u8], Vec<Span>)> {
    let (mut start, mut first) = (0, 0);
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    body.split(|byte| *byte == b'\n').map(move |line| {
        let here = start..start + line.len();
        start = here.end + 1;
        while spans.get(first).is_some_and(|(range, _)| range.end <= here.start) {
            first += 1;
        }
        let within = spans[first..].iter().take_while(|(range, _)| range.start < here.end);
        let within = within
            .map(|(range, kind)| (range.start.saturating_sub(here.start)..range.end.min(here.end) - here.start, *kind));
        (line, within.filter(|(range, _)| !range.is_empty()).collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rust() -> Language {
        Language::from_name("rust").unwrap()
    }

    #[test]
    fn colours_and_matches_cut_each_other() {
        let found = std::slice::from_ref(&(1..6));
        assert_eq!(
            line(b"pub <fn", rust(), found).into_string(),
            "<span class=\"hk\">p</span><mark class=\"hk\">ub</mark><mark> &lt;</mark><mark class=\"hk\">f</mark>\
             <span class=\"hk\">n</span>"
        );
        assert_eq!(line(b"a", rust(), std::slice::from_ref(&(0..9))).into_string(), "<mark>a</mark>");
        assert_eq!(line(b"", rust(), &[]).into_string(), "");
    }

    #[test]
    fn a_comment_over_lines_has_its_colour_on_each() {
        let text = b"a /* b\n\nc */ fn\n";
        let spans = highlight::spans(rust(), text);
        let shown: Vec<_> = lines(text, &spans).map(|(line, spans)| (line.len(), spans.len())).collect();
        assert_eq!(shown, [(6, 1), (0, 0), (7, 2)]);
        assert_eq!(lines(b"", &[]).count(), 1);
    }
}
