//! What the process of a job has started and left behind: `git` and its helpers, in a process group of their own. They work
//! in the scratch folder of the job, by which they are known.

use std::fs;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Kills every process whose working folder is in the scratch folder of that name. Without `/proc` there is nothing to know
/// them by: `git` then ends at its own limits.
pub(super) fn end(scratch: &str) {
    let Ok(processes) = fs::read_dir("/proc") else { return };
    for process in processes.flatten() {
        let id = process.file_name().to_str().and_then(|name| name.parse().ok());
        let folder = fs::read_link(process.path().join("cwd")).unwrap_or_default();
        if let Some(id) = id.filter(|_| is_in(&folder, scratch)) {
            let _gone_already = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

fn is_in(folder: &Path, scratch: &str) -> bool {
    folder.iter().any(|part| part == scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folder_of_that_very_claim_counts() {
        assert!(is_in(Path::new("/data/scratch/r.7/repository"), "r.7"));
        assert!(is_in(Path::new("/data/scratch/r.7/home (deleted)"), "r.7"));
        assert!(!is_in(Path::new("/data/scratch/r.70/repository"), "r.7"));
        assert!(!is_in(Path::new(""), "r.7"));
    }
}
