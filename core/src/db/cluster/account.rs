//! Postgres refuses to run as root. So as root its programs run as `postgres`, or `nobody` where that user is missing.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{DbError, failed};

/// As whom the programs of Postgres run.
#[derive(Clone, Debug)]
pub(crate) enum Account {
    /// As ourselves.
    Own,
    /// As this user, because we are root.
    Other {
        /// Its name.
        name: &'static str,
        /// Its user id.
        uid: u32,
        /// Its group id.
        gid: u32,
    },
}

impl Account {
    /// Ourselves unless we are root.
    pub(crate) fn choose() -> Result<Self, DbError> {
        if id("-u", None) != Some(0) {
            return Ok(Self::Own);
        }
        let other = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self::Other { name, uid: id("-u", Some(name))?, gid: id("-g", Some(name))? }));
        other.ok_or_else(|| {
            DbError::Cluster(
                "Postgres cannot run as root, and there is no user `postgres` or `nobody`: add one".to_owned(),
            )
        })
    }

    /// A command that runs as this account and is told to stop when the thread that starts it ends.
    pub(crate) fn command(&self, program: &Path, dies_with_us: bool) -> Command {
        let setpriv = Path::new("/usr/bin/setpriv");
        let mut command = match self {
            Self::Own if dies_with_us && setpriv.exists() => Command::new(setpriv),
            Self::Own => return Command::new(program),
            Self::Other { uid, gid, .. } => {
                let mut command = Command::new(setpriv);
                command.args(["--reuid", &uid.to_string(), "--regid", &gid.to_string(), "--clear-groups"]);
                command
            }
        };
        if dies_with_us {
            command.args(["--pdeathsig", "INT"]);
        }
        command.arg("--").arg(program);
        command
    }

    /// Makes the folder and gives it to this account. As root, names the folder that the account may not enter.
    pub(crate) fn make_folder(&self, folder: &Path) -> Result<(), DbError> {
        fs::create_dir_all(folder).map_err(|error| failed("cannot make", folder, error))?;
        let Self::Other { name, .. } = self else {
            return Ok(());
        };
        self.own(folder)?;
        for ancestor in folder.ancestors().collect::<Vec<_>>().into_iter().rev() {
            self.check_enters(ancestor, name)?;
        }
        Ok(())
    }

    /// Gives a file or folder to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), DbError> {
        let Self::Other { uid, gid, .. } = self else {
            return Ok(());
        };
        let meta = fs::metadata(path).map_err(|error| failed("cannot read", path, error))?;
        if meta.uid() == *uid {
            return Ok(());
        }
        chown(path, Some(*uid), Some(*gid)).map_err(|error| failed("cannot give away", path, error))
    }

    fn check_enters(&self, folder: &Path, name: &str) -> Result<(), DbError> {
        let entered = self.command(Path::new("/usr/bin/test"), false).arg("-x").arg(folder).status();
        if entered.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        let mode = fs::metadata(folder).map(|meta| meta.permissions().mode() & 0o777).unwrap_or_default();
        Err(DbError::Cluster(format!(
            "Postgres runs as user `{name}`, who cannot enter `{}` (mode {mode:o}): \
             allow it (`chmod o+x`), or choose another KOTADB_DATA_DIR",
            folder.display()
        )))
    }
}

fn id(flag: &str, user: Option<&str>) -> Option<u32> {
    let printed = Command::new("id").arg(flag).args(user).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(printed.stdout).ok()?.trim().parse().ok()
}
