//! Questions about what a text means: answered where that is one symbol, else by what it may mean. Nobody guesses.

use super::answers::{CallTree, MemberLine, Relations};
use super::find::{Found, word};
use super::ground::{Ground, RelationsError};
use super::places::SymbolPlace;
use crate::graph::Confidence;
use crate::graph::ask::Question;

/// The answer where a text means one symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant<T> {
    /// It does.
    One(T),
    /// It means these, or none.
    Unclear(Vec<SymbolPlace>),
}

/// What stands below or above a symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberTree {
    /// The symbol.
    pub subject: SymbolPlace,
    /// Level by level.
    pub lines: Vec<MemberLine>,
}

impl Found {
    /// The one symbol, or what the text may mean.
    pub fn meant(self) -> Meant<SymbolPlace> {
        match self {
            Self::One(place) => Meant::One(place),
            Self::Several(places) => Meant::Unclear(places),
            Self::None => Meant::Unclear(Vec::new()),
        }
    }
}

impl<G: Ground> Relations<'_, G> {
    /// All that a text may mean.
    pub async fn definitions(&self, text: &str) -> Result<Vec<SymbolPlace>, RelationsError> {
        Ok(match self.find(text).await?.meant() {
            Meant::One(place) => vec![place],
            Meant::Unclear(places) => places,
        })
    }

    /// The name that a text stands for: of a place the word there, else the text.
    pub async fn name(&self, text: &str) -> Result<String, RelationsError> {
        let word = word(self.view, self.ground, text).await?;
        Ok(word.map_or_else(|| text.to_owned(), |word| word.name))
    }

    /// Callers, callees or usages of what a text means.
    pub async fn calls_of(&self, text: &str, question: &Question) -> Result<Meant<CallTree>, RelationsError> {
        Ok(match self.find(text).await?.meant() {
            Meant::One(symbol) => Meant::One(self.calls(symbol, question).await?),
            Meant::Unclear(places) => Meant::Unclear(places),
        })
    }

    /// What implements, extends or overrides what a text means; or what that does so to.
    pub async fn members_of(
        &self,
        text: &str,
        below: bool,
        least: Confidence,
    ) -> Result<Meant<MemberTree>, RelationsError> {
        Ok(match self.find(text).await?.meant() {
            Meant::One(subject) => {
                let lines = self.members(&subject, below, least).await?;
                Meant::One(MemberTree { subject, lines })
            }
            Meant::Unclear(places) => Meant::Unclear(places),
        })
    }
}
