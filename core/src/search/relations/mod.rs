//! Answers from the graph of a tip: who calls, who uses, what breaks. Blocks and texts are fetched in waves; where they come
//! from (a bucket, a folder, memory) is the business of a [`Ground`].

mod answers;
mod find;
mod ground;
mod meant;
mod named;
mod places;
mod source;
mod spot;
mod stored;

#[cfg(test)]
mod tests;

pub use self::answers::{
    CallLine, CallTree, ChangeSource, ChangedFile, DependencyLine, DependencyTree, ImpactAnswer, ImpactLine, MapAnswer,
    MemberLine, Relations, Subject,
};
pub use self::find::Found;
pub use self::ground::{Ground, RelationsError, drive};
pub use self::meant::{Meant, MemberTree};
pub(in crate::search) use self::named::NO_NODE;
pub use self::named::NamedFile;
pub(in crate::search) use self::places::Texts;
pub use self::places::{SitePlace, SymbolPlace};
pub use self::source::{Source, words_above};
pub use self::stored::{IndexedAs, StoredGraph};
