//! What somebody wants once and for all: which service is asked, colours, the pager, what searches leave out. The nearest wins: a
//! flag, the environment, `.kotadb.toml` at the root of the repository, `kotadb/config.toml` among the settings of the user, what
//! holds by itself.

mod file;
mod keys;
mod show;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::ColorChoice;
use kotadb_core::config::{config_home, given};

use self::file::Author;
pub use self::keys::Value;
use self::keys::{KEYS, Key};
pub use self::show::{ConfigArgs, run};

/// What shows long answers where nobody says otherwise: it ends by itself where all fits, lets colours through, and leaves the text there.
const PAGER: &str = "less -FRX";
/// Name of the file of a repository.
const PROJECT_FILE: &str = ".kotadb.toml";

/// What flags say, by the name of the setting.
pub type Flags = BTreeMap<&'static str, Value>;

/// Flags that every command has.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Everywhere")]
pub struct SettingsArgs {
    /// Whether to colour: `auto` where a terminal reads, unless NO_COLOR is set.
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColorChoice>,
    /// Show long answers without a pager.
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Leave out the settings of the repository (`.kotadb.toml`).
    #[arg(long, global = true)]
    pub no_project_file: bool,
}

impl SettingsArgs {
    fn flags(&self) -> Flags {
        let color = self.color.map(|color| ("color", Value::Text(color.to_string())));
        let pager = self.no_pager.then(|| ("pager", Value::Text("cat".to_owned())));
        color.into_iter().chain(pager).collect()
    }
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An argument.
    Flag,
    /// This variable.
    Variable(&'static str),
    /// The file of the repository.
    Project(PathBuf),
    /// The file of the user.
    User(PathBuf),
    /// `kotadb login`.
    Login,
    /// Nobody said anything.
    Default,
}

/// A setting and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What it is set to; `None`: to nothing.
    pub value: Option<Value>,
    /// Who says so.
    pub from: Origin,
}

/// All settings.
#[derive(Clone, Debug)]
pub struct Settings {
    by_name: BTreeMap<&'static str, Setting>,
}

impl Settings {
    /// Those of a command that asks no repository of this machine, with what its own flags say.
    pub fn of_user(args: &SettingsArgs, flags: Flags) -> anyhow::Result<Self> {
        Self::read(&Layers { flags: all_flags(args, flags), user: user_file(), project: None })
    }

    /// Those of a command that asks the repository at `path`.
    pub fn of_repository(args: &SettingsArgs, flags: Flags, path: &Path) -> anyhow::Result<Self> {
        let project = (!args.no_project_file).then(|| root(path).join(PROJECT_FILE));
        Self::read(&Layers { flags: all_flags(args, flags), user: user_file(), project })
    }

    fn read(layers: &Layers) -> anyhow::Result<Self> {
        let file = |path: &Option<PathBuf>, author| match path {
            Some(path) => file::read(path, author),
            None => Ok(BTreeMap::new()),
        };
        let project = file(&layers.project, Author::Repository)?;
        let user = file(&layers.user, Author::User)?;
        let setting = |key: &Key| {
            let of_file = |set: &Flags, path: &Option<PathBuf>, origin: fn(PathBuf) -> Origin| {
                Some((set.get(key.name)?.clone(), origin(path.clone()?)))
            };
            let flag = layers.flags.get(key.name).map(|value| (value.clone(), Origin::Flag));
            let found = match flag.map_or_else(|| of_environment(key), |flag| Ok(Some(flag)))? {
                Some(found) => Some(found),
                None => of_file(&project, &layers.project, Origin::Project)
                    .or_else(|| of_file(&user, &layers.user, Origin::User))
                    .or_else(|| fallback(key)),
            };
            let (value, from) = found.map_or((None, Origin::Default), |(value, from)| (Some(value), from));
            Ok((key.name, Setting { value, from }))
        };
        Ok(Self { by_name: KEYS.iter().map(setting).collect::<anyhow::Result<_>>()? })
    }

    fn text(&self, name: &str) -> Option<&str> {
        match &self.by_name[name].value {
            Some(Value::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.by_name[name].value == Some(Value::Switch(true))
    }

    /// Whether answers are coloured.
    pub fn color(&self) -> ColorChoice {
        match self.text("color") {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        }
    }

    /// The program that shows long answers, with its arguments; `None`: none.
    pub fn pager(&self) -> Option<&str> {
        self.text("pager").filter(|program| *program != "cat")
    }

    /// The service that is asked, as it was written.
    pub fn server(&self) -> Option<&str> {
        self.text("server")
    }

    /// Globs of paths that searches leave out, and the file of a repository where that says so.
    pub fn exclude(&self) -> (&[String], Option<&Path>) {
        let Setting { value, from } = &self.by_name["exclude"];
        let globs = if let Some(Value::List(globs)) = value { globs.as_slice() } else { &[] };
        (globs, if let Origin::Project(path) = from { Some(path) } else { None })
    }

    /// Whether an index that lies behind is brought up to date where that is quick.
    pub fn refresh(&self) -> bool {
        self.is_on("refresh")
    }

    /// Whether an index is made without asking.
    pub fn auto_index(&self) -> bool {
        self.is_on("auto_index")
    }
}

/// Where settings are looked for.
struct Layers {
    flags: Flags,
    user: Option<PathBuf>,
    project: Option<PathBuf>,
}

fn all_flags(args: &SettingsArgs, flags: Flags) -> Flags {
    args.flags().into_iter().chain(flags).collect()
}

/// `kotadb/config.toml` among the settings of the user.
fn user_file() -> Option<PathBuf> {
    Some(config_home()?.join("kotadb/config.toml"))
}

/// The top of the working tree that `path` is in, or else `path`. Bare repositories and the `.git` folder have no such file.
fn root(path: &Path) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let top = path.ancestors().find(|folder| folder.join(".git").exists());
    top.unwrap_or(&path).to_owned()
}

fn of_environment(key: &Key) -> anyhow::Result<Option<(Value, Origin)>> {
    let Some(given) = given(key.variable) else { return Ok(None) };
    let origin = if given.is_flag { Origin::Flag } else { Origin::Variable(key.variable) };
    match key.of_text(&given.text) {
        Ok(value) => Ok(Some((value, origin))),
        Err(why) => bail!("`{}` {why}", key.variable),
    }
}

/// What holds where nobody set it.
fn fallback(key: &Key) -> Option<(Value, Origin)> {
    let text = |text: &str| Value::Text(text.to_owned());
    match key.name {
        "server" => Some((Value::Text(crate::server::current_server()?), Origin::Login)),
        "color" => Some((text("auto"), Origin::Default)),
        "pager" => match given("PAGER") {
            Some(pager) => Some((Value::Text(pager.text), Origin::Variable("PAGER"))),
            None => Some((text(PAGER), Origin::Default)),
        },
        "refresh" => Some((Value::Switch(true), Origin::Default)),
        "auto_index" => Some((Value::Switch(false), Origin::Default)),
        _ => None,
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("a flag"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Project(path) | Self::User(path) => write!(f, "{}", path.display()),
            Self::Login => f.write_str("kotadb login"),
            Self::Default => f.write_str("the default"),
        }
    }
}
