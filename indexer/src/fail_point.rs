//! Places where a debug build kills itself when told to (`KOTADB_FAIL_POINT`), for the crash suite. Release builds
//! have none. `name` kills the worker, with the process of its job where the place is in that; `child:name` kills that
//! process alone, the first of the worker, and `children:name` each.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};

/// Every name of a job, in the order in which it passes them.
pub const NAMES: [&str; 25] = [
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
    "graph.start",
    "graph.opened",
    "graph.made",
    "graph.uploaded",
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
    kills_worker: bool,
}

/// What begins the setting of a point that kills the process of a job alone: the first, or each.
const FIRST_CHILD: &str = "child:";
const EACH_CHILD: &str = "children:";

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms one point in a worker: `name`, or `name:count` for its count-th hit. The first call of the process counts.
pub fn arm(setting: &str) {
    if !setting.starts_with(FIRST_CHILD) && !setting.starts_with(EACH_CHILD) {
        arm_with(setting, false);
    }
}

/// The same in the process of a job.
pub fn arm_child(setting: &str) {
    let alone = setting.strip_prefix(FIRST_CHILD).or(setting.strip_prefix(EACH_CHILD));
    arm_with(alone.unwrap_or(setting), alone.is_none());
}

/// Whether a setting that kills the first process of a job has been given to one already.
pub fn is_spent(setting: &str) -> bool {
    static STARTED: AtomicBool = AtomicBool::new(false);
    setting.starts_with(FIRST_CHILD) && STARTED.swap(true, Ordering::SeqCst)
}

fn arm_with(setting: &str, kills_worker: bool) {
    let (name, count) = match setting.split_once(':') {
        Some((name, count)) => (name, count.parse().unwrap_or(1)),
        None => (setting, 1),
    };
    ARMED.get_or_init(|| Armed { name: name.to_owned(), remaining: AtomicU32::new(count), kills_worker });
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
        if armed.kills_worker {
            let _dies = kill(getppid(), Signal::SIGKILL);
        }
        let _dies = kill(Pid::this(), Signal::SIGKILL);
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
        for stage in ["fetch", "build", "upload", "graph", "publish"] {
            assert!(NAMES.iter().filter(|name| name.starts_with(stage)).count() >= 3, "{stage}");
        }
        let unique: std::collections::BTreeSet<_> = NAMES.iter().chain(&UPKEEP_NAMES).collect();
        assert_eq!(unique.len(), NAMES.len() + UPKEEP_NAMES.len());
    }
}
