//! Where settings come from: the flags of this process before its environment.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::crypto::Secret;

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

/// The key with which a service is asked. No flag has it: arguments can be read by everybody on the machine.
pub fn api_key() -> Option<Secret> {
    let key = variable(super::table::KOTADB_API_KEY.name)?.into_string().ok()?;
    (!key.is_empty()).then(|| Secret::new(key))
}

/// Where settings of this user are: `XDG_CONFIG_HOME`, else `.config` in the folder of the account.
pub fn config_home() -> Option<PathBuf> {
    let shared = variable(super::table::XDG_CONFIG_HOME.name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    shared.or_else(|| home().map(|home| home.join(".config")))
}

/// A setting of the command as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// As it was written, without blanks around it; what is blank counts as absent.
    pub text: String,
    /// Whether a flag says so, and not the environment.
    pub is_flag: bool,
}

/// What flag or environment say of a variable of [`VARIABLES`](super::VARIABLES).
pub fn given(name: &str) -> Option<Given> {
    debug_assert!(super::VARIABLES.iter().any(|variable| variable.name == name), "`{name}` is declared");
    let text = variable(name)?.to_string_lossy().trim().to_owned();
    let is_flag = FLAGS.get().is_some_and(|flags| flags.contains_key(name));
    (!text.is_empty()).then_some(Given { text, is_flag })
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
