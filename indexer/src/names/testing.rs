//! Small snapshots for tests.
