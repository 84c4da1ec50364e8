//! Files that are not Rust: manifests, the folders of the handlers, the names of the migrations.

use std::collections::BTreeSet;

use regex::Regex;

use crate::{Fault, Workspace};

/// Every dependency of a member that states its own version.
pub fn versions(workspace: &Workspace) -> Vec<Fault> {
    let manifests = workspace.files.iter().filter(|file| file.ends_with("/Cargo.toml"));
    // The fuzz targets are a workspace of their own.
    let members = manifests.filter(|file| !file.starts_with("fuzz/"));
    members.flat_map(|file| own_versions(file, &workspace.text(file))).collect()
}

fn own_versions(file: &str, text: &str) -> Vec<Fault> {
    let mut in_dependencies = false;
    let mut faults = Vec::new();
    for (i, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        }
        let is_shared = line.contains("workspace = true") || line.contains("path = \".\"");
        if in_dependencies && line.contains('=') && !line.starts_with(['[', '#']) && !is_shared {
            let message =
                "versions are stated in the root's `workspace.dependencies` alone: write `name.workspace = true` here";
            faults.push(Fault::new(file, i + 1, message));
        }
    }
    faults
}

/// Every folder of `handlers/` that is not a crate with a library.
pub fn handler_folders(workspace: &Workspace) -> Vec<Fault> {
    incomplete_handlers(&workspace.files)
}

fn incomplete_handlers(files: &[String]) -> Vec<Fault> {
    let inside = files.iter().filter_map(|file| file.strip_prefix("handlers/")?.split_once('/'));
    let folders: BTreeSet<_> = inside.map(|(folder, _)| folder).collect();
    let wanted =
        folders.iter().flat_map(|folder| ["Cargo.toml", "src/lib.rs"].map(|file| format!("handlers/{folder}/{file}")));
    wanted
        .filter(|file| !files.contains(file))
        .map(|file| Fault::new(&file, 1, "a folder of handlers/ is one crate with one route family: add this file"))
        .collect()
}

/// What a family's bootstrap is, but for its name: so a test of one is a test of all.
const BOOTSTRAP: &str = "//! The routes of this family as an AWS Lambda.

#[tokio::main(flavor = \"current_thread\")]
async fn main() -> Result<(), kotadb_core::http::lambda::Error> {
    kotadb_core::http::lambda::run(kotadb_NAME::routes).await
}
";

/// Every family without a bootstrap for AWS Lambda, or with one that does more than serve its routes.
pub fn bootstraps(workspace: &Workspace) -> Vec<Fault> {
    let inside = workspace.files.iter().filter_map(|file| file.strip_prefix("handlers/")?.split_once('/'));
    let folders: BTreeSet<_> = inside.map(|(folder, _)| folder).filter(|folder| *folder != "router").collect();
    folders.into_iter().flat_map(|folder| odd_bootstrap(folder, &|file| workspace.text(file))).collect()
}

fn odd_bootstrap(folder: &str, text: &dyn Fn(&str) -> String) -> Vec<Fault> {
    let (main, manifest) = (format!("handlers/{folder}/src/main.rs"), format!("handlers/{folder}/Cargo.toml"));
    let wanted = BOOTSTRAP.replace("NAME", &folder.replace('-', "_"));
    let mut faults = Vec::new();
    if text(&main) != wanted {
        faults.push(Fault::new(&main, 1, format!("a family's bootstrap is this and no more:\n{wanted}")));
    }
    let program = format!(
        "[[bin]]\nname = \"bootstrap-{folder}\"\npath = \"src/main.rs\"\ntest = false\nrequired-features = [\"lambda\"]"
    );
    if !text(&manifest).contains(&program) {
        faults.push(Fault::new(&manifest, 1, format!("name the program of `src/main.rs`:\n{program}")));
    }
    faults
}

/// Every migration whose name does not say when and what, and every two of the same time.
pub fn migrations(workspace: &Workspace) -> Vec<Fault> {
    let mut faults = misnamed(&workspace.files);
    let later = workspace.files.iter().filter(|file| file.as_str() > FIRST_WITH_NEEDS && file.ends_with(".sql"));
    let later = later.filter(|file| file.starts_with("migrations/"));
    let release = workspace_version(&workspace.text("Cargo.toml"));
    faults.extend(later.flat_map(|file| unstated(file, &workspace.text(file), &release)));
    faults
}

/// Of the text of the root's manifest: the version that all programs have.
fn workspace_version(manifest: &str) -> String {
    let pattern = Regex::new(r#"(?m)^version = "(.+)"$"#).expect("a constant pattern");
    pattern.captures(manifest).map(|found| found[1].to_owned()).unwrap_or_default()
}

/// The migration from which on each states what it needs.
const FIRST_WITH_NEEDS: &str = "migrations/20261128000001";

/// A migration that states no release, or one that is still to come: the programs of this tree would refuse to start on it.
fn unstated(file: &str, text: &str, release: &str) -> Option<Fault> {
    let pattern = Regex::new(r"(?m)^-- needs-binary: >= (\d+\.\d+\.\d+)$").expect("a constant pattern");
    let Some(found) = pattern.captures(text) else {
        let advice = "state the oldest release that works on it, in a line `-- needs-binary: >= 0.1.0`";
        return Some(Fault::new(file, 1, advice));
    };
    let needed = &found[1];
    let advice =
        format!("it needs {needed}, and the programs of this tree are {release}: raise `version` in Cargo.toml");
    (numbers(needed) > numbers(release)).then(|| Fault::new(file, 1, advice))
}

fn numbers(release: &str) -> Vec<u64> {
    release.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn misnamed(files: &[String]) -> Vec<Fault> {
    let pattern = Regex::new(r"^(\d{14})_[a-z][a-z0-9_]*\.sql$").expect("a constant pattern");
    let mut last = String::new();
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.starts_with("migrations/") && !file.ends_with("/README.md")) {
        match pattern.captures(&file["migrations/".len()..]) {
            None => faults.push(Fault::new(file, 1, "name it `<14 digits of UTC time>_<snake_case>.sql`")),
            Some(parts) if parts[1] <= *last => {
                faults.push(Fault::new(file, 1, "its time is taken: migrations run in strictly growing order"))
            }
            Some(parts) => last = parts[1].to_owned(),
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_states_the_release_that_it_needs() {
        let unstated = |text: &str| unstated("m.sql", text, "0.9.0");
        assert!(unstated("-- Why.\n-- needs-binary: >= 0.1.0\nSELECT 1").is_none());
        assert!(unstated("-- Why.\n-- needs-binary: >= 0.9.0\nSELECT 1").is_none());
        assert!(unstated("-- Why.\nSELECT 1 -- needs-binary: >= 0.1.0").is_some());
        let early = unstated("-- Why.\n-- needs-binary: >= 0.10.0\nSELECT 1").unwrap();
        assert!(early.to_string().contains("raise `version`"), "{early}");
    }

    #[test]
    fn the_version_of_the_programs_is_that_of_the_workspace() {
        let manifest =
            "[workspace.package]\nversion = \"1.20.3\"\n\n[workspace.dependencies]\na = { version = \"7\" }\n";
        assert_eq!(workspace_version(manifest), "1.20.3");
    }

    #[test]
    fn a_bootstrap_that_does_more_is_found() {
        let manifest = "[[bin]]\nname = \"bootstrap-jobs\"\npath = \"src/main.rs\"\ntest = false\nrequired-features = [\"lambda\"]\n";
        let main = BOOTSTRAP.replace("NAME", "jobs");
        let faults = |main: &str, manifest: &str| {
            odd_bootstrap("jobs", &|file| if file.ends_with("main.rs") { main.to_owned() } else { manifest.to_owned() })
        };
        assert!(faults(&main, manifest).is_empty());
        assert_eq!(faults(&main.replace("kotadb_jobs", "kotadb_search"), manifest).len(), 1);
        assert_eq!(faults("", "").len(), 2);
    }

    fn files(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn own_versions_are_found() {
        let text =
            "[package]\nname = \"a\"\n[dependencies]\nserde.workspace = true\nregex = \"1\"\n[features]\nx = []\n";
        let faults = own_versions("core/Cargo.toml", text);
        assert_eq!((faults.len(), faults[0].line), (1, 5));
    }

    #[test]
    fn a_handler_without_library_is_found() {
        let complete = ["handlers/README.md", "handlers/a/Cargo.toml", "handlers/a/src/lib.rs"];
        assert!(incomplete_handlers(&files(&complete)).is_empty());
        assert_eq!(incomplete_handlers(&files(&["handlers/a/Cargo.toml", "handlers/b/src/lib.rs"])).len(), 2);
    }

    #[test]
    fn migrations_grow() {
        assert!(misnamed(&files(&["migrations/20260101000000_a.sql", "migrations/20260101000001_b_c.sql"])).is_empty());
        assert_eq!(misnamed(&files(&["migrations/0001_a.sql"])).len(), 1);
        assert_eq!(misnamed(&files(&["migrations/20260101000000_a.sql", "migrations/20260101000000_b.sql"])).len(), 1);
    }
}
