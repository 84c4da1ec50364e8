//! Every house rule over the tree itself, one test each, so that a breach is one failing name.

use std::sync::LazyLock;

use kotadb_tidy::{RULES, Workspace, run};

static WORKSPACE: LazyLock<Workspace> = LazyLock::new(|| Workspace::load().expect("the tree can be read"));

fn holds(rule: &str) {
    let faults = run(rule, &WORKSPACE);
    let list: Vec<_> = faults.iter().map(|fault| format!("{fault} [{rule}]")).collect();
    assert!(list.is_empty(), "{} faults:\n{}", list.len(), list.join("\n"));
}

macro_rules! rules {
    ($($test:ident: $rule:literal),* $(,)?) => {
        $(#[test] fn $test() { holds($rule); })*

        #[test]
        fn every_rule_is_run() {
            let run = [$($rule),*];
            let forgotten: Vec<_> = RULES.iter().map(|rule| rule.name).filter(|name| !run.contains(name)).collect();
            assert!(forgotten.is_empty(), "add a test for {forgotten:?}");
        }
    };
}

rules! {
    crate_floors: "crate floors",
    module_floors: "module floors",
    crate_users: "crate users",
    crate_absences: "crate absences",
    crate_presence: "crate presence",
    licences: "licences",
    sources: "sources",
    versions_in_one_place: "versions in one place",
    handler_folders: "handler folders",
    bootstraps_are_alike: "bootstraps are alike",
    files_say_what_they_are_for: "files say what they are for",
    file_ceiling: "file ceiling",
    function_ceiling: "function ceiling",
    exemptions_are_needed: "exemptions are needed",
    migration_names: "migration names",
    one_reader_of_the_environment: "one reader of the environment",
    pure_floors: "pure floors",
    only_the_edge_serialises: "only the edge serialises",
    no_unwrap: "no unwrap",
    nothing_left_open: "nothing left open",
    no_paths_of_one_machine: "no paths of one machine",
}
