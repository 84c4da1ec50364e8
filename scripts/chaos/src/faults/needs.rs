//! Parts of the product that faults are to disturb and do not yet: what is not written here is reported as `not run`.

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

/// Those whose disturbance is written.
const MERGED: &[Part] = &[];

/// Whether the disturbance of a part is written.
pub fn is_merged(part: Part) -> bool {
    MERGED.contains(&part)
}
