//! How fast this machine indexes, beside the one that was measured: a run that took longer than it should is not begun again unasked,
//! for a day. So a slow or busy machine keeps somebody waiting once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Name of the file beside the index: a number of times.
const FILE: &str = "pace";
/// A machine that was busy then may be idle now.
const BELIEVED: Duration = Duration::from_secs(24 * 60 * 60);
/// No machine is so slow: a file that says more is damaged.
const MOST: f64 = 10_000.0;

/// How many times longer than estimated the last run took: 1 at least.
pub fn pace(folder: &Path) -> f64 {
    let path = file(folder);
    let written = fs::metadata(&path).and_then(|found| found.modified());
    let is_new = written.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age < BELIEVED));
    let told = fs::read_to_string(path).ok().filter(|_| is_new).and_then(|text| text.trim().parse::<f64>().ok());
    told.filter(|times| times.is_finite()).map_or(1.0, |times| times.clamp(1.0, MOST))
}

/// Keeps what the last run tells.
pub fn keep(folder: &Path, estimate: Duration, took: Duration) {
    let times = took.as_secs_f64() / estimate.as_secs_f64().max(0.001);
    // Where nothing can be written, nothing is indexed either.
    let _not_kept = fs::write(file(folder), format!("{times:.2}\n"));
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_run_is_remembered_for_a_day() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(pace(folder.path()).to_string(), "1");
        keep(folder.path(), Duration::from_millis(100), Duration::from_millis(1400));
        assert_eq!(pace(folder.path()).to_string(), "14");
        let yesterday = SystemTime::now() - BELIEVED - Duration::from_secs(1);
        fs::File::options().write(true).open(file(folder.path())).unwrap().set_modified(yesterday).unwrap();
        assert_eq!(pace(folder.path()).to_string(), "1");
        for damaged in ["nonsense", "NaN", "0.2"] {
            fs::write(file(folder.path()), damaged).unwrap();
            assert_eq!(pace(folder.path()).to_string(), "1", "{damaged}");
        }
    }
}
