//! How the indexer is woken: `KOTADB_WAKE` and the variables that each way needs.

use super::read::Reader;
use super::table;
use crate::crypto::Secret;

/// How the indexer is woken after a job was queued.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WakeConfig {
    /// `none`: it runs all the time, or looks by itself.
    #[default]
    None,
    /// `flycast`: by a request to its private address, at which Fly's proxy starts the machine.
    Flycast {
        /// `KOTADB_WAKE_URL`. Default `http://kotadb-indexer.flycast/wake`.
        url: String,
    },
    /// `machines`: by the Machines API of Fly.
    Machines {
        /// `FLY_API_HOSTNAME`. Default `https://api.machines.dev`.
        api: String,
        /// `FLY_API_TOKEN`.
        token: Secret,
        /// `KOTADB_WAKE_APP`. Default `kotadb-indexer`.
        app: String,
        /// `KOTADB_WAKE_MACHINE`. Default: the one whose metadata say `role=indexer`.
        machine: Option<String>,
    },
    /// `process`: as a process of this machine.
    Process {
        /// `KOTADB_WAKE_COMMAND`, words. Default: `kotadb-indexer drain --linger 2`, the program beside this one.
        command: Vec<String>,
    },
}

impl WakeConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        match reader.text_or_default(&table::KOTADB_WAKE).as_str() {
            "none" => Self::None,
            "flycast" => Self::Flycast { url: reader.http_url_or_default(&table::KOTADB_WAKE_URL) },
            "machines" => Self::machines(reader),
            "process" => {
                let command = reader.text(&table::KOTADB_WAKE_COMMAND).unwrap_or_default();
                Self::Process { command: command.split_whitespace().map(str::to_owned).collect() }
            }
            other => {
                reader.unknown(&table::KOTADB_WAKE, other, "`none`, `flycast`, `machines` or `process`");
                Self::None
            }
        }
    }

    /// Nobody is woken where the token is missing, if that is no reason to end.
    fn machines(reader: &mut Reader<'_>) -> Self {
        let Some(token) = reader.required(&table::FLY_API_TOKEN, "`KOTADB_WAKE=machines` needs it") else {
            return Self::None;
        };
        Self::Machines {
            api: reader.http_url_or_default(&table::FLY_API_HOSTNAME),
            token,
            app: reader.text_or_default(&table::KOTADB_WAKE_APP),
            machine: reader.text(&table::KOTADB_WAKE_MACHINE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<WakeConfig, Vec<String>> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            found.or_else(|| (name == "HOME").then(|| "/home/ada".to_owned()))
        };
        Config::from_lookup(&lookup).map(|config| config.wake).map_err(|error| error.faults)
    }

    #[test]
    fn each_way_has_its_variables() {
        assert_eq!(read(&[]), Ok(WakeConfig::None));
        assert_eq!(read(&[("KOTADB_WAKE", "none")]), Ok(WakeConfig::None));
        let url = "http://kotadb-indexer.flycast/wake".to_owned();
        assert_eq!(read(&[("KOTADB_WAKE", "flycast")]), Ok(WakeConfig::Flycast { url }));
        let url = "http://127.0.0.1:9/wake".to_owned();
        let flycast = [("KOTADB_WAKE", "flycast"), ("KOTADB_WAKE_URL", "http://127.0.0.1:9/wake")];
        assert_eq!(read(&flycast), Ok(WakeConfig::Flycast { url }));
        let Ok(WakeConfig::Machines { api, token, app, machine }) =
            read(&[("KOTADB_WAKE", "machines"), ("FLY_API_TOKEN", "t"), ("KOTADB_WAKE_MACHINE", "e1")])
        else {
            panic!("not machines")
        };
        assert_eq!(
            (api.as_str(), token.expose(), app.as_str(), machine.as_deref()),
            ("https://api.machines.dev", "t", "kotadb-indexer", Some("e1"))
        );
        let command = vec!["a".to_owned(), "drain".to_owned()];
        let process = [("KOTADB_WAKE", "process"), ("KOTADB_WAKE_COMMAND", " a  drain ")];
        assert_eq!(read(&process), Ok(WakeConfig::Process { command }));
        assert_eq!(read(&[("KOTADB_WAKE", "process")]), Ok(WakeConfig::Process { command: Vec::new() }));
        assert!(read(&[("KOTADB_WAKE", "machines")]).unwrap_err()[0].starts_with("`FLY_API_TOKEN` is missing"));
    }
}
