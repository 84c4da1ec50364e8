//! Floors between the crates of the workspace: normal edges of each package alone.

use cargo_metadata::{Dependency, DependencyKind};

use crate::{Fault, Workspace};

/// Who stands where, by folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Floor {
    /// The ground: uses no other member.
    Core,
    /// One route family: uses core.
    Handler,
    /// The route family for agents: as a handler; the command serves it, too.
    Agents,
    /// Mounts the handlers.
    Router,
    /// Writes the indices: uses core, never its `http` side.
    Indexer,
    /// The command people type.
    Cli,
    /// Measures or disturbs all of it: uses what it looks at, and is used by nobody.
    Bench,
    /// A tool of the house: uses no member.
    Tool,
}

/// Every edge between members that points up or sideways, and every way for `http` into the indexer.
pub fn floors(workspace: &Workspace) -> Vec<Fault> {
    let folder_of = |name: &str| workspace.members().find(|member| member.name() == name).map(|member| member.folder());
    let mut faults = Vec::new();
    for member in workspace.members() {
        let manifest = format!("{}/Cargo.toml", member.folder());
        let floor = floor(&member.folder());
        for dependency in member.package.dependencies.iter().filter(|edge| edge.kind == DependencyKind::Normal) {
            let Some(target) = folder_of(&dependency.name) else { continue };
            faults.extend(refusal(floor, dependency, self::floor(&target)).map(|why| Fault::new(&manifest, 1, why)));
        }
    }
    faults
}

fn floor(folder: &str) -> Floor {
    match folder {
        "core" => Floor::Core,
        "indexer" => Floor::Indexer,
        "cli" => Floor::Cli,
        "handlers/mcp" => Floor::Agents,
        "handlers/router" => Floor::Router,
        "scripts/accuracy" | "scripts/bench" | "scripts/chaos" => Floor::Bench,
        _ if folder.starts_with("handlers/") => Floor::Handler,
        _ => Floor::Tool,
    }
}

fn refusal(from: Floor, dependency: &Dependency, to: Floor) -> Option<String> {
    if !may_use(from, to) {
        let name = &dependency.name;
        return Some(format!("a {from:?} crate may not use `{name}`: move what is shared down into core"));
    }
    let serves = |feature: &String| feature == "http" || feature == "lambda";
    (from == Floor::Indexer && dependency.features.iter().any(serves))
        .then(|| "the indexer serves no requests: use core without `http` and `lambda`".to_owned())
}

fn may_use(from: Floor, to: Floor) -> bool {
    match from {
        Floor::Core | Floor::Tool => false,
        Floor::Handler | Floor::Agents | Floor::Indexer => to == Floor::Core,
        Floor::Router => matches!(to, Floor::Core | Floor::Handler | Floor::Agents),
        Floor::Cli => matches!(to, Floor::Core | Floor::Indexer | Floor::Agents),
        Floor::Bench => matches!(to, Floor::Core | Floor::Indexer),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn edge(name: &str, features: &[&str]) -> Dependency {
        let json = serde_json::json!({"name": name, "source": null, "req": "*", "kind": null, "rename": null, "optional": false,
            "uses_default_features": true, "features": features, "target": null, "registry": null});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn folders_have_floors() {
        assert_eq!(floor("core"), Floor::Core);
        assert_eq!(floor("handlers/search"), Floor::Handler);
        assert_eq!(floor("handlers/router"), Floor::Router);
        assert_eq!(floor("scripts/tidy"), Floor::Tool);
        assert_eq!(floor("scripts/bench"), Floor::Bench);
    }

    #[test]
    fn up_and_sideways_is_refused() {
        for (from, to) in [
            (Floor::Core, Floor::Indexer),
            (Floor::Handler, Floor::Handler),
            (Floor::Handler, Floor::Router),
            (Floor::Handler, Floor::Agents),
            (Floor::Agents, Floor::Handler),
            (Floor::Cli, Floor::Handler),
            (Floor::Router, Floor::Indexer),
            (Floor::Indexer, Floor::Handler),
            (Floor::Cli, Floor::Router),
            (Floor::Cli, Floor::Bench),
            (Floor::Bench, Floor::Cli),
        ] {
            assert!(refusal(from, &edge("x", &[]), to).is_some(), "{from:?} uses {to:?}");
        }
        assert_eq!(refusal(Floor::Handler, &edge("x", &["http"]), Floor::Core), None);
    }

    #[test]
    fn the_indexer_serves_no_requests() {
        assert!(refusal(Floor::Indexer, &edge("kotadb-core", &["http"]), Floor::Core).is_some());
        assert_eq!(refusal(Floor::Indexer, &edge("kotadb-core", &[]), Floor::Core), None);
    }
}
