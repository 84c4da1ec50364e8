//! The words of a grammar as Rust enums: rules match numbers, not strings.

use std::marker::PhantomData;

use tree_sitter::{Language, Node};

/// An enum whose values are words of a grammar, made by [`vocabulary!`](super::grammar::vocabulary).
pub trait Word: Copy + 'static {
    /// Stands for every word that is not listed.
    const OTHER: Self;
    /// Each word as the grammar writes it; `'` before it: the token of that text instead of the named node.
    const NAMES: &'static [(&'static str, Self)];

    /// Its place in the enum.
    fn number(self) -> usize;
}

/// A grammar and where its words are: kinds by their number in the grammar, fields by their number in the enum.
pub struct Grammar<K, F> {
    /// What a parser is set to.
    pub language: Language,
    kinds: Box<[K]>,
    fields: Box<[u16]>,
    asks: PhantomData<F>,
}

impl<K: Word, F: Word> Grammar<K, F> {
    /// Looks up each word once.
    pub fn new(language: impl Into<Language>) -> Self {
        let language = language.into();
        let kinds = (0..language.node_kind_count() as u16).map(|id| kind(&language, id)).collect();
        let mut fields = vec![0; F::NAMES.len() + 1].into_boxed_slice();
        for (name, field) in F::NAMES {
            fields[field.number()] = language.field_id_for_name(name).map_or(0, std::num::NonZero::get);
        }
        Self { language, kinds, fields, asks: PhantomData }
    }

    /// What a node is. Errors are `OTHER`.
    pub fn kind(&self, node: Node<'_>) -> K {
        self.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(K::OTHER)
    }

    /// The child in a field.
    pub fn field<'t>(&self, node: Node<'t>, field: F) -> Option<Node<'t>> {
        match self.fields[field.number()] {
            0 => None,
            id => node.child_by_field_id(id),
        }
    }

    /// Words that the grammar does not have.
    #[cfg(test)]
    pub fn unknown(&self) -> Vec<&'static str> {
        let is_kind = |name: &str| match name.strip_prefix('\'') {
            Some(token) => self.language.id_for_node_kind(token, false) != 0,
            None => self.language.id_for_node_kind(name, true) != 0,
        };
        let kinds = K::NAMES.iter().map(|(name, _)| *name).filter(|name| !is_kind(name));
        let is_field = |name: &str| self.language.field_id_for_name(name).is_some();
        kinds.chain(F::NAMES.iter().map(|(name, _)| *name).filter(|name| !is_field(name))).collect()
    }
}

/// Several numbers may have one name: a grammar gives aliases numbers of their own.
fn kind<K: Word>(language: &Language, id: u16) -> K {
    let name = language.node_kind_for_id(id).unwrap_or_default();
    let is_named = language.node_kind_is_named(id);
    let is_it = |word: &str| if is_named { word == name } else { word.strip_prefix('\'') == Some(name) };
    K::NAMES.iter().find(|(word, _)| is_it(word)).map_or(K::OTHER, |(_, kind)| *kind)
}

/// Two enums, `Kind` and `Field`, of the words that the rules of one language ask for.
macro_rules! vocabulary {
    (kinds { $($kind:ident = $kind_name:literal,)* } fields { $($field:ident = $field_name:literal,)* }) => {
        $crate::extract::grammar::vocabulary!(@words Kind "Kinds of nodes." $($kind = $kind_name,)*);
        $crate::extract::grammar::vocabulary!(@words Field "Fields of nodes." $($field = $field_name,)*);
    };
    (@words $type:ident $doc:literal $($word:ident = $name:literal,)*) => {
        #[doc = $doc]
        #[allow(clippy::enum_variant_names, reason = "the words are those of a grammar")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $type {
            $(#[doc = $name] $word,)*
            /// Any other.
            Other,
        }

        impl $crate::extract::grammar::Word for $type {
            const OTHER: Self = Self::Other;
            const NAMES: &'static [(&'static str, Self)] = &[$(($name, Self::$word),)*];

            fn number(self) -> usize {
                self as usize
            }
        }
    };
}

/// How the rules of one language read nodes by its words: `kind`, `field`, and `word`, which is what stands in a field, empty
/// where nothing does or something long.
macro_rules! reading {
    ($rules:ident) => {
        impl<'t> $rules<'t> {
            fn kind(&self, node: Node<'_>) -> Kind {
                self.grammar.kind(node)
            }

            fn field(&self, node: Node<'t>, field: Field) -> Option<Node<'t>> {
                self.grammar.field(node, field)
            }

            fn word(&self, node: Node<'t>, field: Field) -> &'t str {
                self.field(node, field).map_or("", |child| self.text.short(child))
            }
        }
    };
}

pub(in crate::extract) use {reading, vocabulary};
