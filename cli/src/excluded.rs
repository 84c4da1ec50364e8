//! What searches leave out because settings say so (`exclude`): never silently where the file of a repository says it, for that comes
//! from whoever wrote the repository.

use std::path::PathBuf;

use crate::ripgrep::quoted;
use crate::settings::Settings;

/// Globs of paths that a search leaves out.
pub struct Excluded {
    globs: Vec<String>,
    /// The file of the repository that says so.
    project: Option<PathBuf>,
}

impl Excluded {
    /// What the settings say, unless `everything` is searched.
    pub fn of(settings: &Settings, everything: bool) -> Self {
        let (globs, project) = if everything { (&[][..], None) } else { settings.exclude() };
        let project = project.filter(|_| !globs.is_empty());
        Self { globs: globs.to_vec(), project: project.map(ToOwned::to_owned) }
    }

    /// The globs.
    pub fn globs(&self) -> &[String] {
        &self.globs
    }

    /// A filter that leaves them out, too.
    pub fn narrowed(&self, filter: &str) -> String {
        let parts = self.globs.iter().map(|glob| format!("-path:{}", quoted(glob)));
        std::iter::once(filter.to_owned()).chain(parts).collect::<Vec<_>>().join(" ")
    }

    /// What a reader should know.
    pub fn note(&self) -> Option<String> {
        let file = self.project.as_ref()?;
        let globs = self.globs.join(", ");
        Some(format!("`{}` leaves out {globs}: `--no-exclude` searches that, too", file.display()))
    }
}
