//! What the process of one job may use of the machine, set by itself before it reads anything of a repository. A limit that
//! is lower already stays.

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};

use crate::limits;

/// Open files: a thread opens packs and segments, `git` a few more.
const FILES: rlim_t = 4096;
/// Processor time: the deadline on every core of a large machine. What spins for ever is ended by the deadline of the parent.
const CPU_SECONDS: rlim_t = 16 * limits::JOB_DEADLINE.as_secs();
/// Largest file that is written: what a fetch may leave.
const FILE_BYTES: rlim_t = limits::MAX_FETCH_BYTES;

/// Lowers the limits of this process and those that it starts. `memory` is the most bytes that it may write to, mapped files
/// apart, `scratch` how many of them are kept for files in memory; `None`: as much as there is.
pub(super) fn apply(memory: Option<u64>, scratch: u64) -> nix::Result<()> {
    lower(Resource::RLIMIT_CORE, 0)?;
    lower(Resource::RLIMIT_NOFILE, FILES)?;
    lower(Resource::RLIMIT_CPU, CPU_SECONDS)?;
    lower(Resource::RLIMIT_FSIZE, FILE_BYTES)?;
    memory.map_or(Ok(()), |bytes| lower(Resource::RLIMIT_DATA, bytes.saturating_sub(scratch)))
}

fn lower(resource: Resource, to: rlim_t) -> nix::Result<()> {
    let (soft, hard) = getrlimit(resource)?;
    setrlimit(resource, soft.min(to), hard.min(to))
}
