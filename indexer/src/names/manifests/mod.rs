//! What the manifests of a repository say about names: which crate, package or module lies in which folder.

mod jsonc;
mod node;
mod toml;

use std::collections::HashMap;

use super::paths::{self, Paths};

pub use self::node::{Aliases, NodePackage};

/// All manifests of a snapshot. One that cannot be read says nothing.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Roots of library crates by name, `-` written as `_`.
    pub crates: HashMap<String, u32>,
    /// Packages of npm by name.
    pub node: HashMap<String, NodePackage>,
    /// Folders that a package.json is in, with the name of the package.
    pub node_folders: HashMap<String, String>,
    /// What `tsconfig.json` calls modules, by folder.
    pub aliases: HashMap<String, Aliases>,
    /// Go modules: path and folder.
    pub go: Vec<(String, String)>,
    /// PHP: prefix of a namespace, and its folder.
    pub psr4: Vec<(String, String)>,
    /// Folders that any Python module may lie in.
    pub python: Vec<String>,
    /// Folders that a package of Python lies in, by its name.
    pub python_tops: HashMap<Box<str>, Vec<String>>,
}

/// Whether a file is one that [`Manifests::add`] reads.
pub fn is_manifest(path: &str) -> bool {
    let name = paths::name(path);
    matches!(name, "Cargo.toml" | "package.json" | "go.mod" | "composer.json" | "pyproject.toml" | "jsconfig.json")
        || (name.starts_with("tsconfig") && name.ends_with(".json"))
}

impl Manifests {
    /// What can be known without texts: where Python's packages begin.
    pub fn new(paths: &Paths) -> Self {
        let python = ["", "src", "lib"].map(str::to_owned).to_vec();
        let mut python_tops: HashMap<Box<str>, Vec<String>> = HashMap::new();
        let inits: Vec<u32> = paths.named("__init__.py").collect();
        for init in inits.into_iter().rev() {
            let folder = paths::folder(paths.path(init));
            let above = paths::folder(folder);
            if !folder.is_empty() && paths.file(&paths::below(above, "__init__.py")).is_none() {
                python_tops.entry(paths::name(folder).into()).or_default().push(above.to_owned());
            }
        }
        Self { python, python_tops, ..Self::default() }
    }

    /// Reads the manifest of that path.
    pub fn add(&mut self, paths: &Paths, path: &str, text: &str) {
        let folder = paths::folder(path);
        match paths::name(path) {
            "Cargo.toml" => self.add_crate(paths, folder, text),
            "go.mod" => self.add_go(folder, text),
            "pyproject.toml" => self.add_python(folder, text),
            "composer.json" => self.add_php(folder, text),
            "package.json" => {
                if let Some(package) = NodePackage::read(folder, text) {
                    self.node_folders.insert(folder.to_owned(), package.name.clone());
                    self.node.insert(package.name.clone(), package);
                }
            }
            _ => self.aliases.entry(folder.to_owned()).or_default().read(folder, text),
        }
    }

    /// After the last: aliases of extended files are taken over, longer names go before shorter ones.
    pub fn finish(&mut self) {
        node::inherit(&mut self.aliases);
        self.go.sort_by(|a, b| (b.0.len(), &a.0).cmp(&(a.0.len(), &b.0)));
        self.psr4.sort_by(|a, b| (b.0.len(), &a.0).cmp(&(a.0.len(), &b.0)));
    }

    fn add_crate(&mut self, paths: &Paths, folder: &str, text: &str) {
        let entries = toml::entries(text);
        let find = |section, key| entries.iter().find(|entry| entry.section == section && entry.key == key);
        let Some(package) = find("package", "name") else { return };
        let name = find("lib", "name").unwrap_or(package).value.replace('-', "_");
        let root = find("lib", "path").map_or("src/lib.rs", |entry| &entry.value);
        let root = paths::join(folder, root).and_then(|root| paths.file(&root));
        if let Some(root) = root {
            self.crates.insert(name, root);
        }
    }

    fn add_go(&mut self, folder: &str, text: &str) {
        let module = text.lines().find_map(|line| line.trim().strip_prefix("module "));
        let words = |module: &str| module.split("//").next().unwrap_or_default().trim().trim_matches('"').to_owned();
        self.go.extend(module.map(|module| (words(module), folder.to_owned())));
    }

    fn add_python(&mut self, folder: &str, text: &str) {
        let is_root = |entry: &&toml::Entry| matches!(&*entry.key, "where" | "package-dir" | "from" | "\"\"" | "");
        for entry in toml::entries(text).iter().filter(is_root) {
            self.python.extend(paths::join(folder, &entry.value));
        }
    }

    fn add_php(&mut self, folder: &str, text: &str) {
        let Some(json) = jsonc::parse(text) else { return };
        for section in ["autoload", "autoload-dev"] {
            let Some(prefixes) = json[section]["psr-4"].as_object() else { continue };
            for (prefix, folders) in prefixes {
                let many = folders.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(folders));
                let joined = many.iter().filter_map(|one| paths::join(folder, one.as_str()?));
                self.psr4.extend(joined.map(|path| (prefix.clone(), path)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_say_where_names_live() {
        let all = ["a/Cargo.toml", "a/src/lib.rs", "b/other.rs", "py/pkg/__init__.py", "py/pkg/sub/__init__.py"];
        let paths = Paths::new(all.into_iter());
        let mut manifests = Manifests::new(&paths);
        let mut add = |path: &str, text: &str| manifests.add(&paths, path, text);
        add("a/Cargo.toml", "[package]\nname = \"my-db\" # x\nversion.workspace = true\n[lib]\nbench = false\n");
        add("b/Cargo.toml", "[package]\nname = \"b\"\n[lib]\npath = 'other.rs'\nname = \"bee\"\n");
        add("go.mod", "// c\nmodule example.org/db // v2\n\ngo 1.24\n");
        add("x/pyproject.toml", "[tool.setuptools.packages.find]\nwhere = [\"python\"]\n");
        add("composer.json", r#"{"autoload": {"psr-4": {"App\\": "app/", "App\\Db\\": ["db", "x"]}}}"#);
        manifests.finish();
        let mut crates: Vec<_> = manifests.crates.iter().map(|(name, &file)| (&**name, file)).collect();
        crates.sort_unstable();
        assert_eq!(crates, [("bee", 2), ("my_db", 1)]);
        assert_eq!(manifests.go, [("example.org/db".to_owned(), String::new())]);
        let psr4: Vec<_> = manifests.psr4.iter().map(|(prefix, folder)| (&**prefix, &**folder)).collect();
        assert_eq!(psr4, [("App\\Db\\", "db"), ("App\\Db\\", "x"), ("App\\", "app")]);
        assert_eq!(manifests.python, ["", "src", "lib", "x/python"]);
        assert_eq!(manifests.python_tops["pkg"], ["py"]);
    }
}
