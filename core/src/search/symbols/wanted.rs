//! Whether a name is one that is looked for.

use super::answer::{NameMatch, SymbolRequest};
use crate::facts::SymbolKind;
use crate::segment::NameRow;
use crate::text;

/// What is looked for, cut and folded.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// As written.
    name: String,
    pub(super) folded: String,
    /// Its parts.
    pub(super) words: Vec<String>,
    /// What is to be round it, folded, joined with `.`.
    container: String,
    pub(super) exact: bool,
    kinds: Vec<SymbolKind>,
}

impl Wanted {
    pub(super) fn new(request: &SymbolRequest) -> Self {
        let written = request.name.trim().replace("::", ".").replace(['#', '\\'], ".");
        // `..` and the like are no names with something round them.
        let (container, name) = match written.rsplit_once('.') {
            Some((container, name)) if !name.is_empty() && !container.is_empty() => (container, name),
            _ => ("", written.as_str()),
        };
        let (folded, words) = (text::folded(name), text::subwords(name));
        let (name, container) = (name.to_owned(), text::folded(container));
        Self { name, folded, words, container, exact: request.exact, kinds: request.kinds.clone() }
    }

    /// Whether a name is the one that is looked for, in any case unless that matters.
    pub(super) fn is(&self, name: &str) -> bool {
        *name == *self.name
            || (!self.exact
                && name.len() >= self.folded.len()
                && self.may_match(name)
                && text::folded(name) == self.folded)
    }

    /// Whether a symbol of that name may match: most names are ruled out so, and none that does.
    pub(super) fn may_match(&self, name: &str) -> bool {
        if self.exact {
            return *name == *self.name;
        }
        // Every match has the first part of what is looked for somewhere. Other letters than those of ASCII may fold to fewer.
        !name.is_ascii() || has(name.as_bytes(), self.words.first().unwrap_or(&self.folded).as_bytes())
    }

    /// How a symbol matches; `None`: it does not.
    pub(super) fn matches(&self, row: &NameRow) -> Option<NameMatch> {
        let is_kind = self.kinds.is_empty() || self.kinds.contains(&row.kind);
        let matched = if *row.name == *self.name { Some(NameMatch::Exact) } else { self.matches_folded(&row.name) };
        matched.filter(|_| is_kind && self.is_within(&row.container))
    }

    fn matches_folded(&self, name: &str) -> Option<NameMatch> {
        if self.exact {
            return None;
        }
        let folded = text::folded(name);
        if folded == self.folded {
            return Some(NameMatch::Folded);
        }
        if folded.starts_with(&self.folded) {
            return Some(NameMatch::Prefix);
        }
        if self.is_in_words(&text::subwords(name)) {
            return Some(NameMatch::Word);
        }
        folded.contains(&self.folded).then_some(NameMatch::Part)
    }

    /// Whether parts in a row are those looked for, of which the last may go on.
    fn is_in_words(&self, words: &[String]) -> bool {
        let Some((last, others)) = self.words.split_last() else { return false };
        words.windows(self.words.len()).any(|window| {
            let (end, begin) = window.split_last().expect("as long as the words looked for");
            begin == others && end.starts_with(last.as_str())
        })
    }

    fn is_within(&self, container: &str) -> bool {
        if self.container.is_empty() {
            return true;
        }
        let container = text::folded(container);
        let rest = container.strip_suffix(&self.container);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }
}

/// Whether a text has a word that is folded already, in any case.
fn has(text: &[u8], folded: &[u8]) -> bool {
    let Some((first, rest)) = folded.split_first() else { return true };
    let begins = memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).map(|at| &text[at + 1..]);
    let mut ends = begins.filter_map(|behind| behind.get(..rest.len()));
    ends.any(|end| end.eq_ignore_ascii_case(rest))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::facts::Flags;
    use crate::id::TenantId;

    fn row(qualified: &str) -> NameRow {
        let (container, name) = qualified.rsplit_once('.').unwrap_or(("", qualified));
        let (name, container, signature) = (name.into(), container.into(), Box::default());
        let (kind, flags) = (SymbolKind::Method, Flags::default());
        NameRow { name, doc: 0, symbol: 0, kind, flags, line: 1, column: 1, ordinal: 0, container, signature }
    }

    #[test]
    fn names_match_as_people_mean_them() {
        let cases = [
            ("acquire", "Pool.acquire", Some(NameMatch::Exact)),
            ("ACQUIRE", "Pool.acquire", Some(NameMatch::Folded)),
            ("acq", "Pool.acquire", Some(NameMatch::Prefix)),
            ("index", "applyIndexOperation", Some(NameMatch::Word)),
            ("indexOp", "applyIndexOperation", Some(NameMatch::Word)),
            ("index_operation", "applyIndexOperation", Some(NameMatch::Word)),
            ("ndex", "applyIndexOperation", Some(NameMatch::Part)),
            ("operationIndex", "applyIndexOperation", None),
            ("Pool.acquire", "db.Pool.acquire", Some(NameMatch::Exact)),
            ("pool::acquire", "db.Pool.acquire", Some(NameMatch::Exact)),
            ("ool.acquire", "db.Pool.acquire", None),
            ("Other.acquire", "db.Pool.acquire", None),
        ];
        for (name, symbol, matched) in cases {
            let request = SymbolRequest::new(TenantId(Uuid::nil()), Vec::new(), name);
            let wanted = Wanted::new(&request);
            assert_eq!(wanted.matches(&row(symbol)), matched, "{name} of {symbol}");
            let last = symbol.rsplit('.').next().unwrap();
            assert!(wanted.may_match(last) || matched.is_none(), "{name} of {symbol}");
            let is = matches!(matched, Some(NameMatch::Exact | NameMatch::Folded));
            assert!(wanted.is(last) || !is, "{name} of {symbol}");
            let exact = Wanted::new(&SymbolRequest { exact: true, ..request }).matches(&row(symbol));
            assert_eq!(exact, matched.filter(|matched| *matched == NameMatch::Exact), "{name} of {symbol}");
        }
    }

    #[test]
    fn other_names_are_ruled_out_at_a_look() {
        let wanted = Wanted::new(&SymbolRequest::new(TenantId(Uuid::nil()), Vec::new(), "indexOp"));
        for (name, may) in
            [("applyIndexOperation", true), ("INDEX", true), ("inde", false), ("", false), ("\u{212A}", true)]
        {
            assert_eq!(wanted.may_match(name), may, "{name}");
        }
        assert!(wanted.is("INDEXOP") && !wanted.is("indexOps") && !wanted.is("index"));
    }

    #[test]
    fn other_kinds_do_not_match() {
        let mut request = SymbolRequest::new(TenantId(Uuid::nil()), Vec::new(), "acquire");
        request.kinds = vec![SymbolKind::Class];
        assert_eq!(Wanted::new(&request).matches(&row("acquire")), None);
    }
}
