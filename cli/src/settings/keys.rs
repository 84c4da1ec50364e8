//! Every setting of the command, declared once: what a file and the environment call it, what it takes, and who may set it.

use std::fmt;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Texts; in the environment separated by commas.
    List,
    /// `true` or `false`.
    Switch,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// In a file.
    pub name: &'static str,
    /// In the environment.
    pub variable: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What somebody who writes it into a repository could do to whoever clones that; `None`: nothing, so it may stand there.
    pub danger: Option<&'static str>,
}

/// All settings, in the order in which they are shown.
pub const KEYS: [Key; 6] = [
    Key {
        name: "server",
        variable: "KOTADB_SERVER",
        kind: Kind::Text,
        danger: Some("whoever wrote it would choose where questions and keys go"),
    },
    Key { name: "color", variable: "KOTADB_COLOR", kind: Kind::Choice(&["auto", "always", "never"]), danger: None },
    Key {
        name: "pager",
        variable: "KOTADB_PAGER",
        kind: Kind::Text,
        danger: Some("whoever wrote it would choose a program that runs here"),
    },
    Key { name: "exclude", variable: "KOTADB_EXCLUDE", kind: Kind::List, danger: None },
    Key { name: "refresh", variable: "KOTADB_REFRESH", kind: Kind::Switch, danger: None },
    Key {
        name: "auto_index",
        variable: "KOTADB_AUTO_INDEX",
        kind: Kind::Switch,
        danger: Some("whoever wrote it would spend this machine's time and disk unasked"),
    },
];

/// What a setting is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, or a choice.
    Text(String),
    /// Texts.
    List(Vec<String>),
    /// A switch.
    Switch(bool),
}

impl Key {
    /// The setting of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// What the environment, or a flag, says in one text.
    pub fn of_text(&self, text: &str) -> Result<Value, String> {
        match (self.kind, text) {
            (Kind::List, _) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(Value::List(parts.map(str::to_owned).collect()))
            }
            (Kind::Switch, "true" | "1" | "yes") => Ok(Value::Switch(true)),
            (Kind::Switch, "false" | "0" | "no") => Ok(Value::Switch(false)),
            (Kind::Switch, other) => Err(format!("is `{other}`: give `true` or `false`")),
            (Kind::Text | Kind::Choice(_), _) => self.checked(text.to_owned()),
        }
    }

    /// What a file says.
    pub fn of_toml(&self, value: &toml::Value) -> Result<Value, String> {
        match (self.kind, value) {
            (Kind::Text | Kind::Choice(_), toml::Value::String(text)) => self.checked(text.clone()),
            (Kind::Switch, toml::Value::Boolean(on)) => Ok(Value::Switch(*on)),
            (Kind::List, toml::Value::Array(values)) => {
                let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().map(Value::List).ok_or_else(|| format!("takes {}", self.kind))
            }
            _ => Err(format!("takes {}", self.kind)),
        }
    }

    fn checked(&self, text: String) -> Result<Value, String> {
        match self.kind {
            Kind::Choice(choices) if !choices.contains(&text.as_str()) => {
                Err(format!("is `{text}`: it takes {}", self.kind))
            }
            _ => Ok(Value::Text(text)),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a text, as in `\"…\"`"),
            Self::Choice(choices) => write!(f, "one of {}", choices.join(", ")),
            Self::List => f.write_str("a list of texts, as in `[\"…\"]`"),
            Self::Switch => f.write_str("`true` or `false`"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::List(texts) => f.write_str(&texts.join(", ")),
            Self::Switch(on) => write!(f, "{on}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use kotadb_core::config::VARIABLES;

    use super::*;

    #[test]
    fn every_setting_is_a_declared_variable() {
        for key in KEYS {
            assert!(VARIABLES.iter().any(|variable| variable.name == key.variable), "{}", key.variable);
            assert_eq!(key.variable, format!("KOTADB_{}", key.name.to_ascii_uppercase()));
        }
    }

    #[test]
    fn a_text_is_read_as_the_setting_takes_it() {
        let of = |name: &str, text: &str| Key::named(name).unwrap().of_text(text);
        assert_eq!(of("exclude", "a/**, ,b"), Ok(Value::List(vec!["a/**".to_owned(), "b".to_owned()])));
        assert_eq!(of("refresh", "no"), Ok(Value::Switch(false)));
        assert!(of("refresh", "maybe").unwrap_err().contains("`true` or `false`"));
        assert!(of("color", "red").unwrap_err().contains("auto, always, never"));
    }
}
