//! A memory cgroup of our own, of version 1 or 2: what runs in it meets the kernel's own end of memory.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// The cgroup; dropped, it is removed.
#[derive(Debug)]
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// One that may hold so many bytes; `None`: this machine does not let us make one.
    pub fn limited(bytes: u64) -> Option<Self> {
        let name = format!("kotadb-chaos-{}", std::process::id());
        let limits = ["memory.limit_in_bytes", "memory.max"];
        let places = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup"];
        places.iter().zip(limits).find_map(|(place, limit)| {
            let group = Self(Path::new(place).join(&name));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(limit), bytes.to_string()).ok().map(|()| group)
        })
    }

    /// A shell command that enters it and then becomes the program that it is given.
    pub fn entering(&self) -> String {
        format!("echo $$ > '{}/cgroup.procs' && exec \"$0\" \"$@\"", self.0.display())
    }

    /// How many processes the kernel has ended here.
    pub fn kills(&self) -> anyhow::Result<u64> {
        let files = ["memory.oom_control", "memory.events"];
        let text = files.iter().find_map(|file| fs::read_to_string(self.0.join(file)).ok());
        let text = text.with_context(|| format!("`{}` does not tell", self.0.display()))?;
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        Ok(count.context("the kernel does not count")?.trim().parse()?)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // One in which something still runs stays.
        let _stays = fs::remove_dir(&self.0);
    }
}
