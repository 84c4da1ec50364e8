//! Fault 10: the disk is full, scratch cannot be made, files cannot be opened. A try fails for a passing reason, its scratch
//! is cleaned, the worker goes on, and with room again the job is done.

use std::path::Path;
use std::process::Command as Blocking;
use std::time::Duration;

use tokio::process::Command;

use super::{DUE, one_tenant};
use crate::invariants;
use crate::report::Findings;
use crate::stage::{Plan, Stage};

/// A folder of this many KiB is full at once.
const TINY_KIB: u32 = 256;

/// What is short.
#[derive(Clone, Copy, Debug)]
enum Short {
    Disk,
    FileSize,
    Scratch,
    Files,
}

/// Each kind once, or several times.
pub async fn run(plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
    let (stage, mut one, reader) = one_tenant(plan, Duration::from_secs(30), "acme/exhausted").await?;
    let (mut runs, mut wrong, mut left) = (0, 0, 0);
    for short in [Short::Disk, Short::FileSize, Short::Scratch, Short::Files] {
        // Nothing compresses to less than this.
        let noise: Vec<u8> =
            (0..1u64 << 20).flat_map(|nth| nth.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect();
        std::fs::write(one.repository.path().join("noise.bin"), noise)?;
        one.push_surely().await?;
        tokio::time::sleep(DUE).await;
        let name = format!("short-{short:?}");
        let folder = stage.folder().join(&name);
        let Some(mut command) = prepare(&stage, short, &folder, &name)? else {
            findings.needs(&format!("the right to mount a tmpfs, for {short:?}"));
            continue;
        };
        // In memory there would be room.
        let mut worker = stage.start_indexer(command.env("KOTADB_SCRATCH_MEMORY", "none"))?;
        let status = worker.wait(Duration::from_secs(60)).await?;
        let job = format!(
            "SELECT state || ' ' || coalesce(error_class, '-') || ' ' || attempt FROM kotadb.jobs
             WHERE repository_id = '{}' ORDER BY id DESC LIMIT 1",
            one.id
        );
        let job = stage.postgres.texts(&job).await?.into_iter().next().unwrap_or_default();
        // A job needs few files at once, so it may get through with as many as its worker needs to start.
        let got_through = matches!(short, Short::Files) && job == "done - 1";
        let passes = got_through || ["queued transient 1", "queued storage 1"].contains(&job.as_str());
        if !status.success() || !passes {
            eprintln!("{short:?}: the worker ended with {status}, its job is `{job}`");
            wrong += 1;
        }
        let staying = std::fs::read_dir(folder.join("scratch")).map_or(0, |entries| entries.count() as u64);
        if staying > 0 {
            eprintln!("{short:?}: {staying} scratch folders stay");
        }
        // To remove a folder takes descriptors, too; the next claim in the same place does it.
        left += if matches!(short, Short::Files) { 0 } else { staying };
        runs += 1;
        if matches!(short, Short::Disk) {
            Blocking::new("umount").arg(&folder).status()?;
        }
        stage.settle_jobs().await?;
    }
    findings.never("tries that do not fail for a passing reason, or take the worker with them", runs, wrong);
    findings.never("scratch folders left behind", runs, left);
    invariants::check(&stage, &[&one], reader, findings).await
}

/// An indexer that is short of something; `None`: it cannot be arranged here.
fn prepare(stage: &Stage, short: Short, folder: &Path, name: &str) -> anyhow::Result<Option<Command>> {
    std::fs::create_dir_all(folder)?;
    let limited = |script: &str| stage.indexer_under("sh", &["-c", script], "drain", name);
    Ok(match short {
        Short::Disk => {
            let size = format!("size={TINY_KIB}k");
            let mount = Blocking::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).output()?;
            mount.status.success().then(|| stage.indexer("drain", name))
        }
        // Without the trap, the signal of the limit would end the worker; on a full disk there is none.
        Short::FileSize => Some(limited("trap '' XFSZ; exec prlimit --fsize=262144 -- \"$0\" \"$@\"")),
        Short::Scratch => {
            // A file where the folder should be: nothing can be made in it, not even by root.
            std::fs::write(folder.join("scratch"), "")?;
            Some(stage.indexer("drain", name))
        }
        Short::Files => Some(limited("exec prlimit --nofile=20 -- \"$0\" \"$@\"")),
    })
}
