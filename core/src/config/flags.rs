//! Every setting that is no secret as a flag: `--kotadb-data-dir PATH` for `KOTADB_DATA_DIR`. A flag wins over its variable.

use std::collections::HashMap;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::source;
use super::table::VARIABLES;
use super::variable::{Program, Variable};

/// The settings among the arguments of `kotadb-api-server`.
#[derive(Clone, Debug, Default)]
pub struct RouterFlags(HashMap<&'static str, String>);

/// The settings among the arguments of `kotadb-indexer`, before or after its command.
#[derive(Clone, Debug, Default)]
pub struct IndexerFlags(HashMap<&'static str, String>);

/// The settings among the arguments of `kotadb`, before or after its command.
#[derive(Clone, Debug, Default)]
pub struct CommandFlags(HashMap<&'static str, String>);

macro_rules! flags {
    ($name:ident, $program:expr) => {
        impl $name {
            /// From here on they win over the environment of this process.
            pub fn apply(self) {
                source::set_flags(self.0);
            }
        }

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                command.args(variables($program).filter_map(|variable| argument(&variable)))
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                Ok(Self(given($program, matches)))
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                self.0.extend(given($program, matches));
                Ok(())
            }
        }
    };
}

flags!(RouterFlags, Program::Router);
flags!(IndexerFlags, Program::Indexer);
flags!(CommandFlags, Program::Command);

fn variables(program: Program) -> impl Iterator<Item = Variable> {
    let has_flag = move |variable: &Variable| variable.readers.contains(&program) && !variable.is_of_the_account();
    VARIABLES.iter().copied().filter(has_flag)
}

fn argument(variable: &Variable) -> Option<Arg> {
    let default = variable.default.map(|text| format!(" [default: {text}]"));
    let help = format!("{}; `{}`{}", variable.means, variable.name, default.unwrap_or_default());
    let argument = Arg::new(variable.name).long(variable.flag()?).value_name("VALUE").help(help);
    Some(argument.help_heading("Settings, also as variables").hide_short_help(true).global(true))
}

fn given(program: Program, matches: &ArgMatches) -> HashMap<&'static str, String> {
    let value = |variable: Variable| {
        variable.flag()?;
        Some((variable.name, matches.get_one::<String>(variable.name)?.clone()))
    };
    variables(program).filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_is_no_secret_is_a_flag() {
        let command = RouterFlags::augment_args(Command::new("x"));
        let words = ["x", "--port", "9", "--kotadb-data-dir", "/data", "--bucket-name=b"];
        let matches = command.clone().try_get_matches_from(words).unwrap();
        let RouterFlags(given) = RouterFlags::from_arg_matches(&matches).unwrap();
        assert_eq!((given["PORT"].as_str(), given["KOTADB_DATA_DIR"].as_str(), given.len()), ("9", "/data", 3));
        for secret in VARIABLES.iter().filter(|variable| variable.is_secret) {
            let flag = format!("--{}", secret.name.to_ascii_lowercase().replace('_', "-"));
            assert!(command.clone().try_get_matches_from(["x", &flag, "y"]).is_err(), "{flag}");
        }
        for variable in variables(Program::Router).filter(|variable| !variable.is_secret) {
            let flag = format!("--{}", variable.flag().unwrap());
            assert!(command.clone().try_get_matches_from(["x", &flag, "y"]).is_ok(), "{flag}");
        }
    }
}
