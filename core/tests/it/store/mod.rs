//! Every store behaves the same: in memory, in a folder, and in S3 as moto plays it.

mod backends;
mod conformance;
mod swaps;
