//! One pattern as texts are asked for it: what finds its lines, after what a sketch has ruled out.

use std::ops::Range;

use super::content::Content;
use super::finder::Finder;
use super::needs::Needs;
use super::patience::{GoOn, Stopped};
use crate::text::Sketch;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) finder: Finder,
    /// What every line with a match holds; where a match may go over line ends, every text with one.
    pub(super) needs: Needs,
}

impl Pattern {
    /// Whether a text with this sketch may have a match.
    pub(super) fn may_match(&self, sketch: &Sketch) -> bool {
        self.needs.may_match(sketch)
    }

    /// The matching lines, without their ends.
    pub(super) fn lines<'a>(&'a self, content: Content<'a>) -> impl Iterator<Item = Range<usize>> + 'a {
        self.stretches(content).flat_map(move |stretch| {
            let lines = self.finder.lines(&content.text[stretch.clone()]);
            lines.map(move |line| stretch.start + line.start..stretch.start + line.end)
        })
    }

    /// Whether any line matches, as long as `go_on` says so.
    pub(super) fn any_while(&self, content: Content<'_>, go_on: GoOn<'_>) -> Result<bool, Stopped> {
        for stretch in self.stretches(content) {
            if self.finder.any_while(&content.text[stretch], go_on)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Number of matching lines, as long as `go_on` says so; nothing is kept.
    pub(super) fn count_while(&self, content: Content<'_>, go_on: GoOn<'_>) -> Result<u64, Stopped> {
        self.stretches(content).map(|stretch| self.finder.count_while(&content.text[stretch], go_on)).sum()
    }

    fn stretches<'a>(&self, content: Content<'a>) -> impl Iterator<Item = Range<usize>> + 'a {
        let spans = matches!(self.finder, Finder::Spanning { .. });
        content.stretches(if spans { &Needs::Unknown } else { &self.needs })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::plan::{Entry, Plan, Verdict};
    use super::super::{parse, tree::Query};
    use super::*;
    use crate::text::Language;

    const ENTRY: Entry<'_> = Entry::new(b"a/b.c", Language(0));

    /// Words of two letters, of which some are in a text in some case, so that borders of blocks fall everywhere.
    fn term() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[abkS]{5,12}",
            2 => "[ak]{1,4}",
            1 => Just("\u{212A}aaaa".to_owned()),
            2 => "[abkS]{2,6}( [abk]{2,6}){1,2}".prop_map(|text| format!("\"{text}\"")),
            1 => "[abk]{5,6}[.]\\*[abk]{5,6}".prop_map(|text| format!("/{text}/")),
            1 => "\\^?[abk]{2,3}\\(?[abk]{2,3}[|][abk]{4,6}\\)[+?]?[abk]{5}\\$?".prop_map(|text| format!("/{text}/")),
            1 => "\\([abk]{3}\\)[{]2[}][abk]{3,5}".prop_map(|text| format!("/{text}/")),
            1 => "[abk]{5,6}\\\\s\\+[abk]{5,6}".prop_map(|text| format!("/{text}/")),
        ]
    }

    fn query() -> impl Strategy<Value = Query> {
        let more = prop::collection::vec((prop::sample::select(vec![" ", " -", " OR ", " OR -"]), term()), 0..3);
        let options =
            prop::sample::select(vec!["", " case:yes", " case:no", " multiline:yes", " path:b.c", " -path:b.c"]);
        (term(), more, options).prop_filter_map("is no query", |(first, more, options)| {
            let more: String = more.into_iter().map(|(join, term)| join.to_owned() + &term).collect();
            parse(&(first + &more + options)).ok()
        })
    }

    fn content() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            6 => "[abkS]{1,12}".prop_map(String::into_bytes),
            2 => prop::sample::select(vec![&b" "[..], b"\n", b"\r\n", b"\n\n", b"\xFF", b"AB", b"K"]).prop_map(<[u8]>::to_vec),
            1 => prop::sample::select(vec!["\u{212A}", "\u{17F}", "é"]).prop_map(|sign| sign.as_bytes().to_vec()),
        ];
        let plain = prop::collection::vec("[abk]{1,9}[ \n]?".prop_map(String::into_bytes), 0..60);
        prop_oneof![1 => prop::collection::vec(piece, 0..60), 3 => plain].prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn a_sketch_changes_no_answer(query in query(), texts in prop::collection::vec(content(), 6), most in 1usize..200) {
            let Ok(plan) = Plan::new(&query) else { return Ok(()) };
            let Some(scope) = plan.scope("a/b", "refs/heads/main", true) else { return Ok(()) };
            for text in &texts {
                let sketch = Sketch::with_blocks(text, most);
                let sketched = Content { text, sketch: Some(&sketch) };
                let plain = plan.evaluate(&scope, ENTRY, &text[..], usize::MAX);
                if plan.admits(&scope, ENTRY, Some(&sketch)) == Verdict::No {
                    prop_assert_eq!(&plain, &None, "{:?} in {:?}", query, String::from_utf8_lossy(text));
                }
                prop_assert_eq!(plan.count(&scope, ENTRY, sketched), plan.count(&scope, ENTRY, &text[..]));
                prop_assert_eq!(plan.score(ENTRY, crate::segment::Class::Source, sketched), plan.score(ENTRY, crate::segment::Class::Source, &text[..]));
                prop_assert_eq!(plan.evaluate(&scope, ENTRY, sketched, usize::MAX), plain, "{:?} in {:?}", query, String::from_utf8_lossy(text));
            }
        }
    }
}
