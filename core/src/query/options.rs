//! What holds for a whole query, wherever in it it is written: `case:`, `multiline:`, `type:`, `generated:`, `vendored:`.

use super::lexer::{Field, Token, TokenKind, Value};
use super::parse::ParseError;
use super::suggest;
use super::tree::{Classes, ResultType};
use crate::segment::Class;

/// How letters of terms are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Case {
    Exact,
    Either,
    #[default]
    Auto,
}

/// Whether files of a class are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Show {
    /// Counted, not shown.
    #[default]
    Hidden,
    Yes,
    No,
    Only,
}

/// The options of one query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) case: Case,
    pub(super) multiline: bool,
    pub(super) result_type: ResultType,
    generated: Show,
    vendored: Show,
}

const CASES: &[(&str, Case)] = &[("yes", Case::Exact), ("no", Case::Either), ("auto", Case::Auto)];
const SWITCH: &[(&str, bool)] = &[("yes", true), ("no", false)];
const TYPES: &[(&str, ResultType)] = &[
    ("line", ResultType::Lines),
    ("file", ResultType::Files),
    ("path", ResultType::Paths),
    ("symbol", ResultType::Symbols),
];
const SHOWS: &[(&str, Show)] = &[("yes", Show::Yes), ("no", Show::No), ("only", Show::Only)];

impl Options {
    /// The options among `tokens`.
    pub(super) fn of(tokens: &[Token]) -> Result<Self, ParseError> {
        let mut options = Self::default();
        let mut given = Vec::new();
        for token in tokens {
            let TokenKind::Field { field, value, at } = &token.kind else { continue };
            if !field.is_option() {
                continue;
            }
            options.set(*field, value, *at)?;
            let same = |(other, before): &(Field, &Value)| other == field && *before != value;
            if given.iter().any(same) {
                let message = format!("`{}:` given twice", field.name());
                return Err(ParseError::new(*at, &message, "it holds for the whole query: keep one"));
            }
            given.push((*field, value));
        }
        Ok(options)
    }

    /// Which classes are answered and which are only counted.
    pub(super) fn classes(&self) -> Classes {
        let show = |class: &Class| match class {
            Class::Generated => self.generated,
            Class::Vendored => self.vendored,
            _ => Show::Yes,
        };
        let only = self.generated == Show::Only || self.vendored == Show::Only;
        let pick = |wanted: &dyn Fn(Class, Show) -> bool| {
            Class::ALL.into_iter().filter(|class| wanted(*class, show(class))).collect()
        };
        let kept = |class| class >= Class::Generated;
        Classes {
            shown: pick(&|class, show| match show {
                Show::Only => true,
                Show::Yes => !only || kept(class),
                Show::No | Show::Hidden => false,
            }),
            hidden: pick(&|_, show| show == Show::Hidden && !only),
        }
    }

    fn set(&mut self, field: Field, value: &Value, at: usize) -> Result<(), ParseError> {
        match field {
            Field::Case => self.case = choice(field, value, at, CASES)?,
            Field::Multiline => self.multiline = choice(field, value, at, SWITCH)?,
            Field::Type => self.result_type = choice(field, value, at, TYPES)?,
            Field::Generated => self.generated = choice(field, value, at, SHOWS)?,
            Field::Vendored => self.vendored = choice(field, value, at, SHOWS)?,
            Field::Path | Field::Language | Field::Symbol | Field::Repository | Field::Ref => {}
        }
        Ok(())
    }
}

fn choice<T: Copy>(field: Field, value: &Value, at: usize, choices: &[(&str, T)]) -> Result<T, ParseError> {
    let (Value::Plain(text) | Value::Regex(text)) = value;
    let named = |name: &str| choices.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice);
    if let (Value::Plain(_), Some(found)) = (value, named(text)) {
        return Ok(found);
    }
    let name = field.name();
    let help = match suggest::near(text, choices.iter().map(|(known, _)| *known)).as_slice() {
        [] => format!("write {}, or \"{name}:{text}\" in quotes to find that text", field.example()),
        [near, ..] => format!("did you mean `{name}:{near}`?"),
    };
    Err(ParseError::new(at, &format!("`{text}` is nothing that `{name}:` can be"), &help))
}
