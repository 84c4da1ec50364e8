//! A disk as slow as the root disk of a Fly machine: a real block device whose reads and writes share 8 MiB and 2,000
//! operations a second. QEMU's storage daemon throttles an image and shows it as a file, a loop device makes a disk of
//! that, and ext4 lies on it. Needs root.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use kotadb_core::store::DriveSpeed;
use tempfile::TempDir;

const SIZE: u64 = 4 << 30;
/// For the storage daemon to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mounted disk; dropped, it is unmounted and gone. Fields are dropped in this order.
#[derive(Debug)]
pub struct SlowDisk {
    _mount: Mount,
    _device: Device,
    _daemon: Daemon,
    folder: TempDir,
}

#[derive(Debug)]
struct Mount(PathBuf);

#[derive(Debug)]
struct Device(String);

#[derive(Debug)]
struct Daemon(Child);

impl SlowDisk {
    /// An empty one.
    pub fn mount() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        File::create(at("image"))?.set_len(SIZE)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(at("image")))?;
        File::create(at("disk"))?;
        let daemon = Daemon::start(&at("image"), &at("disk"))?;
        let device = run(Command::new("losetup").args(["--find", "--show"]).arg(at("disk")))?;
        let device = Device(device.trim().to_owned());
        fs::create_dir(at("mounted"))?;
        run(Command::new("mount").args(["-o", "noatime", &device.0]).arg(at("mounted")))?;
        Ok(Self { _mount: Mount(at("mounted")), _device: device, _daemon: daemon, folder })
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }
}

impl Daemon {
    fn start(image: &Path, disk: &Path) -> anyhow::Result<Self> {
        let DriveSpeed { bytes_per_second, operations_per_second } = DriveSpeed::FLY_ROOT;
        let limits = format!("x-bps-total={bytes_per_second},x-iops-total={operations_per_second}");
        let mut command = Command::new("qemu-storage-daemon");
        command
            .args(["--object", &format!("throttle-group,id=limits,{limits}")])
            .args(["--blockdev", &format!("driver=file,node-name=image,filename={}", image.display())])
            .args(["--blockdev", "driver=throttle,node-name=slow,throttle-group=limits,file=image"])
            .args(["--export", &format!("type=fuse,id=disk,node-name=slow,mountpoint={},writable=on", disk.display())])
            .stdin(Stdio::null());
        let child = command.spawn().context("cannot start `qemu-storage-daemon`: it comes with `qemu-utils`")?;
        let (daemon, started) = (Self(child), Instant::now());
        while fs::metadata(disk)?.len() != SIZE {
            anyhow::ensure!(started.elapsed() < PATIENCE, "`qemu-storage-daemon` shows no disk");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(daemon)
    }
}

/// Forgets what is in memory of a file, so that it is read from the disk again.
pub fn forget(file: &Path) -> anyhow::Result<()> {
    run(Command::new("dd").arg(format!("if={}", file.display())).args(["iflag=nocache", "count=0", "status=none"]))?;
    Ok(())
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let done = command.output().with_context(|| format!("cannot start {command:?}"))?;
    anyhow::ensure!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

/// What cannot be undone is said: the next run is not the worse for it.
fn undo(command: &mut Command) {
    if let Err(error) = run(command) {
        eprintln!("{error:#}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        undo(Command::new("umount").arg(&self.0));
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        undo(Command::new("losetup").args(["--detach", &self.0]));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Asked to end, it takes its file system away as well.
        let id = self.0.id().to_string();
        undo(Command::new("kill").args(["-TERM", &id]));
        drop(self.0.wait());
    }
}
