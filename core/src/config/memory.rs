//! How much memory this machine lets us use, of which some settings take a part.

/// A quarter of what the machine lets us use: the rest is for the answers themselves, and for the indexer beside us.
pub(super) fn of_the_cache() -> u64 {
    const MOST: u64 = 2 << 30;
    memory_limit().map_or(MOST / 4, |limit| (limit / 4).min(MOST))
}

/// Three quarters of what the machine lets us use: the rest is the worker's and the system's.
pub(super) fn of_a_job() -> Option<u64> {
    memory_limit().map(|limit| limit / 4 * 3)
}

/// The memory limit of the cgroup (version 2, then 1), else the memory of the machine (Fly machines have no limit but
/// that); `None` where neither is known.
fn memory_limit() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let cgroup = number("/sys/fs/cgroup/memory.max").or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    [cgroup, total.map(|kib| kib << 10)].into_iter().flatten().min()
}
