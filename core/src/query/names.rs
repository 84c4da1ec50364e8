//! Patterns for paths, repositories and refs, ready to be asked. Most are a literal at some place of the name, for which no
//! regex is needed; what the patterns mean is said in `compile`.

use memchr::memmem;
use regex::bytes::Regex;

use super::compile::{self, CompileError, NameOf};
use super::tree::{NameKind, NamePattern};

/// A compiled name pattern.
#[derive(Clone, Debug)]
pub(super) enum Name {
    /// The name holds it.
    Holds(Box<memmem::Finder<'static>>),
    /// The name begins with it.
    Begins(Vec<u8>),
    /// The name ends with it.
    Ends(Vec<u8>),
    Regex(Regex),
}

impl Name {
    pub(super) fn compile(pattern: &NamePattern, of: NameOf) -> Result<Self, CompileError> {
        let regex = compile::name_regex(pattern, of)?;
        Ok(Self::literal(pattern, of).unwrap_or(Self::Regex(regex)))
    }

    /// What does without a regex: plain words, and paths' globs like `*.rs`.
    fn literal(pattern: &NamePattern, of: NameOf) -> Option<Self> {
        let text = pattern.pattern.as_bytes();
        match (pattern.kind, of) {
            _ if pattern.case_insensitive => None,
            (NameKind::Plain, NameOf::Path) => Some(match text.strip_prefix(b"/") {
                Some(anchored) => Self::Begins(anchored.to_vec()),
                None => Self::Holds(Box::new(memmem::Finder::new(text).into_owned())),
            }),
            (NameKind::Glob, NameOf::Path) => {
                let end = text.strip_prefix(b"*")?;
                let is_plain = !end.is_empty() && !end.iter().any(|byte| b"*?[]{}!\\/".contains(byte));
                is_plain.then(|| Self::Ends(end.to_vec()))
            }
            _ => None,
        }
    }

    pub(super) fn is_match(&self, name: &[u8]) -> bool {
        match self {
            Self::Holds(literal) => literal.find(name).is_some(),
            Self::Begins(literal) => name.starts_with(literal),
            Self::Ends(literal) => name.ends_with(literal),
            Self::Regex(regex) => regex.is_match(name),
        }
    }

    /// A literal that every matching name holds, if one is known.
    pub(super) fn held(&self) -> Option<&[u8]> {
        match self {
            Self::Holds(literal) => Some(literal.needle()),
            Self::Begins(literal) | Self::Ends(literal) => Some(literal.as_slice()),
            Self::Regex(_) => None,
        }
        .filter(|literal| !literal.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn literals_match_what_their_regex_does(
            kind in prop::sample::select(vec![NameKind::Plain, NameKind::Glob]),
            pattern in "[/*]?[ab./?*]{0,5}",
            names in prop::collection::vec("[ab./]{0,8}", 8),
        ) {
            let pattern = NamePattern { kind, pattern, case_insensitive: false };
            for of in [NameOf::Path, NameOf::Repository, NameOf::Ref] {
                let Ok(regex) = compile::name_regex(&pattern, of) else { continue };
                let name = Name::compile(&pattern, of).unwrap();
                for text in &names {
                    let expected = regex.is_match(text.as_bytes());
                    prop_assert_eq!(name.is_match(text.as_bytes()), expected, "{:?} of {}", pattern, text);
                    if let Some(held) = name.held().filter(|_| expected) {
                        prop_assert!(memmem::find(text.as_bytes(), held).is_some());
                    }
                }
            }
        }
    }
}
