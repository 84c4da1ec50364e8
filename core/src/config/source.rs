//! Where settings come from: the flags of this process before its environment.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

/// What the arguments of this process say, by the name of the variable. Set once, before the first reading.
static FLAGS: OnceLock<HashMap<&'static str, String>> = OnceLock::new();

/// A setting as it was given.
pub(super) fn variable(name: &str) -> Option<OsString> {
    let flag = FLAGS.get().and_then(|flags| flags.get(name)).map(OsString::from);
    flag.or_else(|| std::env::var_os(name))
}

/// The folder of whoever runs this program; `None`: nobody says which.
pub fn home() -> Option<PathBuf> {
    variable(super::table::HOME.name).filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// What was given as flags: to hand on to another program that is to have the same settings.
pub fn given_flags() -> impl Iterator<Item = (&'static str, &'static str)> {
    FLAGS.get().into_iter().flatten().map(|(name, value)| (*name, value.as_str()))
}

/// Takes what the arguments say. A second call changes nothing.
#[cfg(feature = "flags")]
pub(super) fn set_flags(flags: HashMap<&'static str, String>) {
    // The first call is the one of `main`.
    let _ = FLAGS.set(flags);
}
