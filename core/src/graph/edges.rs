//! Edges as builders and writers handle them, and incoming ones in blocks: which of the files that use a target's file use the target
//! itself. What is left of an incoming edge (sources, manners, sites) is read from what those files use, which is wanted anyway.

use super::codec::{Cursor, put_varint};
use super::error::GraphError;
use super::keys::{KeyRows, Keys};

/// An edge as builders and writers handle it; manners are numbers of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RawEdge {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) manner: u32,
    pub(super) site: u32,
}

/// Which other files use some targets, by their place among those that use the target's file; of an external by their number.
#[derive(Debug, Default)]
pub(super) struct InBlock {
    keys: Keys,
    places: Vec<u32>,
}

impl InBlock {
    pub(super) fn memory(&self) -> usize {
        self.keys.memory() + size_of_val(&self.places[..])
    }

    /// Places of the files that use a target, ascending, its own apart.
    pub(super) fn places(&self, target: u32) -> &[u32] {
        &self.places[self.keys.range(target)]
    }

    pub(super) fn decode(raw: &[u8]) -> Result<Self, GraphError> {
        let mut cursor = Cursor::new("incoming edges", raw);
        let keys = Keys::decode(&mut cursor)?;
        let mut column = cursor.column()?;
        let mut places = Vec::with_capacity(column.remaining());
        for (_, n_places) in keys.each() {
            let mut next = 0;
            for _ in 0..n_places {
                let place = column.beyond(next)?;
                places.push(place);
                next = place.saturating_add(1);
            }
        }
        column.finish()?;
        Ok(Self { keys, places })
    }
}

/// Writes incoming edges.
#[derive(Debug, Default)]
pub(super) struct InRows {
    keys: KeyRows,
    places: Vec<u8>,
}

impl InRows {
    pub(super) fn weight(&self) -> usize {
        self.places.len()
    }

    pub(super) fn n_keys(&self) -> usize {
        self.keys.len()
    }

    /// Appends the places of the files that use one target, ascending.
    pub(super) fn push(&mut self, target: u32, places: &[u32]) {
        let mut next = 0;
        for place in places {
            put_varint(&mut self.places, place - next);
            next = place + 1;
        }
        self.keys.push(target, places.len());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        let taken = std::mem::take(self);
        taken.keys.with_columns(&[taken.places])
    }
}
