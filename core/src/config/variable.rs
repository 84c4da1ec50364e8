//! What a variable is: who reads it, when it must be there, and what it means. The variables themselves: [`super::table`].

use std::fmt;

/// Who reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `kotadb-api-server`.
    Router,
    /// `kotadb-indexer`.
    Indexer,
    /// The handlers as Lambdas.
    Lambda,
    /// `kotadb`.
    Command,
    /// Scripts of the deployment.
    Script,
    /// Workflows.
    Ci,
    /// The build.
    Build,
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Router => "router",
            Self::Indexer => "indexer",
            Self::Lambda => "Lambda",
            Self::Command => "`kotadb`",
            Self::Script => "scripts",
            Self::Ci => "CI",
            Self::Build => "build",
        })
    }
}

/// When a variable must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Never.
    Optional,
    /// Whenever a program serves or indexes for tenants.
    Always,
    /// In the mode `saas`, by these programs.
    Saas(&'static [Program]),
    /// Where another setting asks for it; how, in words.
    When(&'static str),
}

/// One variable of the environment.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it means, as a sentence without a full stop.
    pub means: &'static str,
    /// Who reads it.
    pub readers: &'static [Program],
    /// When it must be there.
    pub need: Need,
    /// What holds where it is absent, as it would be written; `None`: nothing, or see `computed`.
    pub default: Option<&'static str>,
    /// What holds where it is absent, in words.
    pub computed: Option<&'static str>,
    /// Whether it must not be shown, and so is no flag.
    pub is_secret: bool,
    /// Whether the process of one job is given it.
    pub is_for_jobs: bool,
}

impl Variable {
    pub(super) const fn new(name: &'static str, means: &'static str, readers: &'static [Program]) -> Self {
        Self {
            name,
            means,
            readers,
            need: Need::Optional,
            default: None,
            computed: None,
            is_secret: false,
            is_for_jobs: false,
        }
    }

    pub(super) const fn need(self, need: Need) -> Self {
        Self { need, ..self }
    }

    pub(super) const fn default(self, text: &'static str) -> Self {
        Self { default: Some(text), ..self }
    }

    pub(super) const fn computed(self, words: &'static str) -> Self {
        Self { computed: Some(words), ..self }
    }

    pub(super) const fn secret(self) -> Self {
        Self { is_secret: true, ..self }
    }

    pub(super) const fn for_jobs(self) -> Self {
        Self { is_for_jobs: true, ..self }
    }

    /// Whether a program cannot do without it; `is_saas`: the mode is `saas`.
    pub(super) fn is_needed_by(&self, program: Program, is_saas: bool) -> bool {
        match self.need {
            Need::Always => self.readers.contains(&program),
            Need::Saas(programs) => is_saas && programs.contains(&program),
            Need::Optional | Need::When(_) => false,
        }
    }

    /// Where the account of the user is, and what all its programs heed, is no setting of ours.
    pub(super) fn is_of_the_account(&self) -> bool {
        ["HOME", "NO_COLOR", "PAGER", "XDG_CONFIG_HOME", "XDG_DATA_HOME"].contains(&self.name)
    }

    /// The flag that says the same: `--` and this. `None`: it is a secret, which an argument would show to everybody.
    pub fn flag(&self) -> Option<String> {
        (!self.is_secret).then(|| self.name.to_ascii_lowercase().replace('_', "-"))
    }
}
