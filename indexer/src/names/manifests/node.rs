//! `package.json` and `tsconfig.json`: which files a module name of TypeScript or JavaScript means.

use std::collections::HashMap;

use serde_json::Value;

use super::jsonc;
use crate::names::paths;

/// A package of npm that lies in the repository.
#[derive(Debug)]
pub struct NodePackage {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    exports: Value,
    imports: Value,
    entries: Vec<String>,
}

/// Most files that one entry of `exports` may name.
const MOST_TARGETS: usize = 16;

impl NodePackage {
    /// From a `package.json`; one without a name says nothing.
    pub fn read(folder: &str, text: &str) -> Option<Self> {
        let json = jsonc::parse(text)?;
        let name = json["name"].as_str()?.to_owned();
        let entries = ["source", "types", "typings", "module", "main"];
        let entries = entries.iter().filter_map(|key| json[*key].as_str().map(str::to_owned)).collect();
        let (exports, imports) = (json["exports"].clone(), json["imports"].clone());
        Some(Self { name, folder: folder.to_owned(), exports, imports, entries })
    }

    /// Paths that may be what `rest` of the package means (empty: the package itself), as seen from its folder.
    pub fn targets(&self, rest: &str) -> Vec<String> {
        let mut targets = Vec::new();
        let key = if rest.is_empty() { ".".to_owned() } else { format!("./{rest}") };
        if rest.is_empty() && !self.exports.as_object().is_some_and(|keys| keys.keys().any(|key| key.starts_with('.')))
        {
            collect(&self.exports, "", &mut targets);
        } else {
            by_key(&self.exports, &key, &mut targets);
        }
        if rest.is_empty() {
            targets.extend(self.entries.iter().cloned());
            targets.extend(["src/index", "index", "lib/index", "src/main"].map(str::to_owned));
        } else {
            targets.extend([rest.to_owned(), format!("src/{rest}")]);
        }
        let sources: Vec<String> = targets.iter().filter_map(|target| source_of(target)).collect();
        targets.into_iter().chain(sources).collect()
    }

    /// Paths that `#name` may mean inside the package.
    pub fn inner_targets(&self, name: &str) -> Vec<String> {
        let mut targets = Vec::new();
        by_key(&self.imports, name, &mut targets);
        let sources: Vec<String> = targets.iter().filter_map(|target| source_of(target)).collect();
        targets.into_iter().chain(sources).collect()
    }
}

/// What was built stands where its source stood, in another folder.
fn source_of(target: &str) -> Option<String> {
    let target = target.trim_start_matches("./");
    let (folder, rest) = target.split_once('/')?;
    let rest = rest.strip_prefix("esm/").or_else(|| rest.strip_prefix("cjs/")).unwrap_or(rest);
    let rest = rest.strip_prefix("types/").unwrap_or(rest).trim_end_matches(".d.ts");
    matches!(folder, "dist" | "lib" | "build" | "out" | "es" | "esm" | "types").then(|| format!("src/{rest}"))
}

/// The targets of a key, which may hold one `*`.
fn by_key(map: &Value, key: &str, targets: &mut Vec<String>) {
    let Some(entries) = map.as_object() else { return };
    if let Some(target) = entries.get(key) {
        return collect(target, "", targets);
    }
    for (pattern, target) in entries {
        if let Some(middle) = star(pattern, key) {
            return collect(target, middle, targets);
        }
    }
}

/// What `*` of a pattern stands for in a text.
fn star<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    let (before, after) = pattern.split_once('*')?;
    text.strip_prefix(before)?.strip_suffix(after)
}

fn collect(target: &Value, middle: &str, targets: &mut Vec<String>) {
    if targets.len() >= MOST_TARGETS {
        return;
    }
    match target {
        Value::String(path) => targets.push(path.replace('*', middle)),
        Value::Array(many) => many.iter().for_each(|one| collect(one, middle, targets)),
        Value::Object(by_condition) => by_condition.values().for_each(|one| collect(one, middle, targets)),
        _ => {}
    }
}

/// Names of modules that a `tsconfig.json` makes up.
#[derive(Clone, Debug, Default)]
pub struct Aliases {
    base: Option<String>,
    patterns: Vec<(String, Vec<String>)>,
    extends: Vec<String>,
}

impl Aliases {
    /// Takes in a file of that folder; several in one folder add up.
    pub fn read(&mut self, folder: &str, text: &str) {
        let Some(json) = jsonc::parse(text) else { return };
        let options = &json["compilerOptions"];
        let base = options["baseUrl"].as_str().and_then(|base| paths::join(folder, base));
        let root = base.clone().unwrap_or_else(|| folder.to_owned());
        for (pattern, targets) in options["paths"].as_object().into_iter().flatten() {
            let targets = targets.as_array().into_iter().flatten().filter_map(|target| target.as_str());
            let joined = targets.filter_map(|target| paths::join(&root, target)).collect();
            self.patterns.push((pattern.clone(), joined));
        }
        self.base = self.base.take().or(base);
        let extends = &json["extends"];
        let many = extends.as_array().map(Vec::as_slice).unwrap_or(std::slice::from_ref(extends));
        let relative = many.iter().filter_map(Value::as_str).filter(|path| path.starts_with('.'));
        self.extends
            .extend(relative.filter_map(|path| paths::join(folder, path)).map(|path| paths::folder(&path).to_owned()));
    }

    /// Paths that a module name may mean, without extension as written; empty: it is no alias.
    pub fn targets(&self, module: &str) -> Vec<String> {
        let exact = self.patterns.iter().find(|(pattern, _)| pattern == module);
        let by_star = || {
            let fits = self.patterns.iter().filter_map(|(pattern, targets)| Some((star(pattern, module)?, targets)));
            fits.min_by_key(|(middle, _)| middle.len())
        };
        let mut targets: Vec<String> = match exact {
            Some((_, targets)) => targets.clone(),
            None => by_star().map_or_else(Vec::new, |(middle, targets)| {
                targets.iter().map(|target| target.replace('*', middle)).collect()
            }),
        };
        targets.extend(self.base.as_deref().map(|base| paths::below(base, module)));
        targets
    }
}

/// Files in other folders that are extended give what is not said here.
pub(super) fn inherit(all: &mut HashMap<String, Aliases>) {
    let before = all.clone();
    for aliases in all.values_mut() {
        let mut open = aliases.extends.clone();
        let mut seen = Vec::new();
        while let Some(folder) = open.pop().filter(|_| seen.len() < MOST_TARGETS) {
            if let Some(above) = before.get(&folder).filter(|_| !seen.contains(&folder)) {
                open.extend(above.extends.iter().cloned());
                aliases.base = aliases.base.take().or_else(|| above.base.clone());
                if aliases.patterns.is_empty() {
                    aliases.patterns.clone_from(&above.patterns);
                }
            }
            seen.push(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_tells_its_entries() {
        let json = r##"{"name": "@a/b", "exports": {".": {"types": "./dist/index.d.ts", "import": "./dist/index.js"},
            "./x/*": "./lib/x/*.js"}, "imports": {"#db": "./src/db.ts"}}"##;
        let package = NodePackage::read("packages/b", json).unwrap();
        let targets = package.targets("");
        for target in ["./dist/index.js", "src/index.js", "src/index"] {
            assert!(targets.iter().any(|one| one == target), "{target}: {targets:?}");
        }
        assert!(package.targets("x/pool").contains(&"src/x/pool.js".to_owned()));
        assert_eq!(package.inner_targets("#db"), ["./src/db.ts"]);
        assert!(NodePackage::read("", "{}").is_none());
    }

    #[test]
    fn aliases_are_inherited() {
        let mut all = HashMap::new();
        let mut read = |folder: &str, text: &str| {
            all.entry(folder.to_owned()).or_insert_with(Aliases::default).read(folder, text);
        };
        read(
            "",
            r#"{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["src/*"], "db": ["lib/db"], "@/x/*": ["x/*"]}}}"#,
        );
        read("app", "{\"extends\": \"../tsconfig.json\", // c\n}");
        read("own", r#"{"compilerOptions": {"paths": {"~/*": ["./*"]}}}"#);
        inherit(&mut all);
        assert_eq!(all["app"].targets("@/pool"), ["src/pool", "@/pool"]);
        assert_eq!(all["app"].targets("@/x/y")[0], "x/y");
        assert_eq!(all["app"].targets("db")[0], "lib/db");
        assert_eq!(all["own"].targets("~/a"), ["own/a"]);
        assert!(all["own"].targets("react").is_empty());
    }
}
