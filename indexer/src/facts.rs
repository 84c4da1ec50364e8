//! What a run knows of each file of its listings: where its document is, or why it has none.

use kotadb_core::store::SkipReason;
use kotadb_core::text::Language;

use crate::held::Place;
use crate::listing::{File, Listing};

/// What is known of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Its content has not been seen.
    Pending,
    /// It is text, and its document is there.
    Text(Language, Place),
    /// It is left out.
    Left(SkipReason),
}

/// One file of one listing of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRef {
    /// Which listing.
    pub listing: u32,
    /// Which of its files.
    pub file: u32,
}

/// A group of listings, and a fact for each of their files.
#[derive(Debug)]
pub struct Group {
    /// The commits that are worked on together.
    pub listings: Vec<Listing>,
    facts: Vec<Vec<Fact>>,
}

impl Group {
    /// Nothing is known yet.
    pub fn new(listings: Vec<Listing>) -> Self {
        let facts = listings.iter().map(|listing| vec![Fact::Pending; listing.files.len()]).collect();
        Self { listings, facts }
    }

    /// Every file of every listing.
    pub fn files(&self) -> impl Iterator<Item = (FileRef, &File)> {
        (0..)
            .zip(&self.listings)
            .flat_map(|(listing, it)| (0..).zip(&it.files).map(move |(file, it)| (FileRef { listing, file }, it)))
    }

    /// The file meant.
    pub fn file(&self, at: FileRef) -> &File {
        &self.listings[at.listing as usize].files[at.file as usize]
    }

    /// Records what was found out.
    pub fn settle(&mut self, at: FileRef, fact: Fact) {
        self.facts[at.listing as usize][at.file as usize] = fact;
    }

    /// Each listing with the facts of its files.
    pub fn into_listings(self) -> impl Iterator<Item = (Listing, Vec<Fact>)> {
        self.listings.into_iter().zip(self.facts)
    }
}
