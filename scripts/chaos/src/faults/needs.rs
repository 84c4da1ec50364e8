//! Parts of the product that faults need and that may not be there yet: what is not there is reported as `not run`.

/// A part that a fault needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A queue in which tenants take turns.
    FairQueue,
    /// Jobs in child processes.
    ChildProcesses,
    /// Repositories that stand still after too many crashes.
    Suspension,
    /// Wakes of the indexer, and the tick of the database.
    Wake,
    /// Events of renames, transfers and deletions.
    RenameEvents,
}

/// Those that are there.
const MERGED: &[Part] = &[];

/// Whether a part is there.
pub fn is_merged(part: Part) -> bool {
    MERGED.contains(&part)
}
