//! `kotadb config`: each setting, and who says so.

use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::keys::KEYS;
use super::{Flags, Origin, PROJECT_FILE, Setting, Settings, SettingsArgs, Value, root, user_file};
use crate::columns::Columns;
use crate::screen::Screen;

const EXAMPLES: &str = "Examples:
  kotadb config
  kotadb config --repo ~/src/linux --json

Settings, in `.kotadb.toml` or your own file:
  server = \"https://code.example\"   the service to ask (not in a repository)
  color = \"auto\"                    auto, always, never
  pager = \"less -FRX\"               what shows long answers; \"cat\": nothing (not in a repository)
  exclude = [\"third_party/**\"]      what searches leave out; --no-exclude finds it
  refresh = true                    bring an index that lies behind up to date, where that is quick
  auto_index = false                make a missing index without asking (not in a repository)";

/// `kotadb config`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ConfigArgs {
    /// Repository or folder, whose own file counts.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// One JSON object a setting.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'static str,
    value: serde_json::Value,
    from: &'static str,
    place: Option<String>,
    variable: &'a str,
}

/// Prints all settings as the other commands see them.
pub fn run(args: &ConfigArgs, settings: &SettingsArgs) -> anyhow::Result<()> {
    let all = Settings::of_repository(settings, Flags::new(), &args.repo)?;
    let mut screen = Screen::new(&all, args.json);
    let rows = KEYS.iter().map(|key| (key, &all.by_name[key.name]));
    if args.json {
        for (key, setting) in rows {
            let (from, place) = parts(&setting.from);
            let value = json(setting);
            screen.json(&Line { name: key.name, value, from, place, variable: key.variable })?;
        }
        return screen.finish();
    }
    let mut columns = Columns::new(["SETTING", "VALUE", "FROM"]);
    for (key, setting) in rows {
        let value = setting.value.as_ref().map_or_else(|| "-".to_owned(), Value::to_string);
        columns.row([key.name.to_owned(), value, setting.from.to_string()]);
    }
    columns.print(&mut screen)?;
    let project = root(&args.repo).join(PROJECT_FILE);
    for file in user_file().into_iter().chain((!settings.no_project_file).then_some(project)) {
        let is_there = if file.exists() { "" } else { " (not there)" };
        writeln!(screen, "file: {}{is_there}", file.display())?;
    }
    screen.finish()
}

fn json(setting: &Setting) -> serde_json::Value {
    match &setting.value {
        None => serde_json::Value::Null,
        Some(Value::Text(text)) => text.as_str().into(),
        Some(Value::List(texts)) => texts.clone().into(),
        Some(Value::Switch(on)) => (*on).into(),
    }
}

fn parts(origin: &Origin) -> (&'static str, Option<String>) {
    match origin {
        Origin::Flag => ("flag", None),
        Origin::Variable(name) => ("variable", Some((*name).to_owned())),
        Origin::Project(path) => ("project", Some(path.display().to_string())),
        Origin::User(path) => ("user", Some(path.display().to_string())),
        Origin::Login => ("login", None),
        Origin::Default => ("default", None),
    }
}
