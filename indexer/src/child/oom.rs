//! Whether the kernel ended a process because memory was short: its signal is that of `kill -9`, so the kernel's own count is
//! looked at before and after.

use std::fs;
use std::path::PathBuf;

/// Where the cgroups are.
const MOUNT: &str = "/sys/fs/cgroup";

/// How many processes the kernel has ended for want of memory so far, where this process is: in its cgroup, or else on the
/// whole machine. `None`: the system does not tell.
pub(super) fn kills() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    candidates(&own).into_iter().find_map(|file| count(&fs::read_to_string(file).ok()?))
}

/// Lets the kernel choose this process, and what it starts, before its worker: the worker knows what to do then.
pub(super) fn volunteer() {
    // Where there is no such file, the kernel chooses whom it likes.
    let _chosen_by_size = fs::write("/proc/self/oom_score_adj", "1000");
}

/// The files that may have the count, the most exact first. A container may see its own cgroup at the mount itself, and the
/// root of all, as on a Fly machine, has none.
fn candidates(own: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let (mount, file) = match controllers {
            "" => (MOUNT.to_owned(), "memory.events"),
            _ if controllers.split(',').any(|one| one == "memory") => (format!("{MOUNT}/memory"), "memory.oom_control"),
            _ => continue,
        };
        files.push(PathBuf::from(format!("{mount}{path}")).join(file));
        files.push(PathBuf::from(mount).join(file));
    }
    files.push(PathBuf::from("/proc/vmstat"));
    files
}

fn count(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_looked_for_in_its_own_cgroup_first() {
        let names = |own: &str| candidates(own).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            names("0::/app/worker\n"),
            ["/sys/fs/cgroup/app/worker/memory.events", "/sys/fs/cgroup/memory.events", "/proc/vmstat"]
        );
        assert_eq!(
            names("9:cpu,cpuacct:/a\n4:memory:/b:c\n"),
            [
                "/sys/fs/cgroup/memory/b:c/memory.oom_control",
                "/sys/fs/cgroup/memory/memory.oom_control",
                "/proc/vmstat"
            ]
        );
        assert_eq!(names(""), ["/proc/vmstat"]);
    }

    #[test]
    fn each_file_spells_the_count_alike() {
        assert_eq!(count("low 0\nhigh 0\nmax 4\noom 3\noom_kill 2\noom_group_kill 1\n"), Some(2));
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"), Some(5));
        assert_eq!(count("pgfault 12\n"), None);
    }
}
