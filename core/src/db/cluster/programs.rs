//! Finds the programs of Postgres: of the version that made the folder, else the newest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{DbError, failed};

/// The folder with `initdb`, `pg_ctl` and `postgres` of one version.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// Looks below `/usr/lib/postgresql` (Debian), at `pg_config`, and in a few usual places.
    pub(super) fn find(data_dir: &Path) -> Result<Self, DbError> {
        let mut installed: Vec<Self> = candidates().into_iter().filter_map(Self::at).collect();
        installed.sort_by_key(|programs| programs.major);
        let newest = installed.last().cloned().ok_or_else(|| {
            DbError::Cluster("no Postgres found: install it (`apt-get install postgresql`)".to_owned())
        })?;
        let version = data_dir.join("PG_VERSION");
        let Ok(made_by) = fs::read_to_string(&version) else {
            return Ok(newest);
        };
        let made_by: u32 = made_by.trim().parse().map_err(|error| failed("cannot read", &version, error))?;
        installed.into_iter().find(|programs| programs.major == made_by).ok_or_else(|| {
            DbError::Cluster(format!(
                "`{}` was made by Postgres {made_by}, but only {} is installed: install {made_by}, or choose another folder",
                data_dir.display(),
                newest.major
            ))
        })
    }

    fn at(folder: PathBuf) -> Option<Self> {
        let printed = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
        let major = major(&String::from_utf8_lossy(&printed.stdout))?;
        (folder.join("initdb").exists() && folder.join("pg_ctl").exists()).then_some(Self { folder, major })
    }

    /// The path of one of the programs.
    pub(super) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

fn candidates() -> Vec<PathBuf> {
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    let configured = configured.map(|printed| PathBuf::from(String::from_utf8_lossy(&printed.stdout).trim()));
    let usual = ["/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"].map(PathBuf::from);
    debian.chain(configured).chain(usual).collect()
}

/// From `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
