//! Places where a debug build kills itself when told to (`KOTADB_FAIL_POINT`), for the crash suite. Release builds
//! have none.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Every name of a job, in the order in which it passes them.
pub const NAMES: [&str; 21] = [
    "fetch.claimed",
    "fetch.listed",
    "fetch.initialised",
    "fetch.fetched",
    "fetch.resolved",
    "fetch.completed",
    "build.listed",
    "build.planned",
    "build.document",
    "build.segment_closed",
    "build.done",
    "upload.start",
    "upload.segment",
    "upload.before_snapshot",
    "upload.snapshot",
    "upload.refs",
    "publish.start",
    "publish.before_swap",
    "publish.after_swap",
    "publish.before_row",
    "publish.after_row",
];

/// The names of the upkeep.
pub const UPKEEP_NAMES: [&str; 12] = [
    "forget.loaded",
    "compact.planned",
    "compact.fetched",
    "compact.merged",
    "compact.verified",
    "compact.uploaded",
    "compact.rewritten",
    "compact.swapped",
    "gc.listed",
    "gc.delete",
    "gc.deleted",
    "gc.relisted",
];

struct Armed {
    name: String,
    remaining: AtomicU32,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms one point: `name`, or `name:count` for its count-th hit. The first call of the process counts.
pub fn arm(setting: &str) {
    let (name, count) = match setting.split_once(':') {
        Some((name, count)) => (name, count.parse().unwrap_or(1)),
        None => (setting, 1),
    };
    ARMED.get_or_init(|| Armed { name: name.to_owned(), remaining: AtomicU32::new(count) });
}

/// Kills this process by SIGKILL if the point of this name is armed and its count is reached.
pub fn hit(name: &str) {
    if !cfg!(debug_assertions) {
        return;
    }
    debug_assert!(NAMES.contains(&name) || UPKEEP_NAMES.contains(&name), "fail point `{name}` is not in the list");
    if let Some(armed) = ARMED.get()
        && armed.name == name
        && armed.remaining.fetch_sub(1, Ordering::SeqCst) == 1
    {
        let _dies = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_has_three_points_and_names_are_unique() {
        for stage in ["fetch", "build", "upload", "publish"] {
            assert!(NAMES.iter().filter(|name| name.starts_with(stage)).count() >= 3, "{stage}");
        }
        let unique: std::collections::BTreeSet<_> = NAMES.iter().chain(&UPKEEP_NAMES).collect();
        assert_eq!(unique.len(), NAMES.len() + UPKEEP_NAMES.len());
    }
}
