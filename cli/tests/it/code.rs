//! Questions about symbols on the local index: the working tree as it is.

use serde_json::Value;

use crate::fixture::{Fixture, kotadb, stderr, stdout};

const POOL: &str = "\
class Pool:
    def acquire(self):
        return open_one()


class Lock:
    def acquire(self):
        return 2


def open_one():
    return 1
";

const APP: &str = "\
from pool import Pool


def run():
    pool = Pool()
    return pool.acquire()
";

fn indexed() -> Fixture {
    let test = "from pool import Lock\n\n\ndef test_lock():\n    assert Lock().acquire() == 2\n";
    let fixture = Fixture::new(&[("pool.py", POOL), ("app.py", APP), ("tests/test_pool.py", test)]);
    let output = kotadb(fixture.path(), &["index", "--quiet"]);
    assert!(output.status.success(), "{}", stderr(&output));
    fixture
}

fn answer(fixture: &Fixture, args: &[&str]) -> Value {
    let output = kotadb(fixture.path(), &[args, &["--json"]].concat());
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)))
}

fn ids(items: &Value) -> Vec<String> {
    let id = |item: &Value| item["symbol"]["id"].as_str().or(item["path"].as_str()).unwrap().to_owned();
    items.as_array().unwrap().iter().map(id).collect()
}

#[test]
fn callers_of_one_name_are_told_apart_with_their_lines() {
    let fixture = indexed();
    let list = answer(&fixture, &["callers", "Pool.acquire"]);
    assert_eq!(ids(&list["items"]), ["app.py#run"]);
    let site = &list["items"][0]["sites"][0];
    assert_eq!((&site["line"], &site["text"]), (&6.into(), &"return pool.acquire()".into()));
    assert_eq!(list["summary"]["confirmed"], 1);
    assert_eq!(ids(&answer(&fixture, &["callers", "pool.py#Lock.acquire"])["items"]), ["tests/test_pool.py#test_lock"]);
    let output = kotadb(fixture.path(), &["callers", "acquire"]);
    assert_eq!(output.status.code(), Some(1), "two symbols have the name: {}", stdout(&output));
    assert!(stdout(&output).contains("pool.py#Pool.acquire") && stdout(&output).contains("pool.py#Lock.acquire"));
    let without = answer(&fixture, &["callers", "pool.py#Lock.acquire", "--no-tests"]);
    assert!(without["items"].as_array().unwrap().is_empty());
    assert!(without["notes"][0].as_str().is_some(), "nothing is never said without a note");
}

#[test]
fn the_working_tree_is_asked_unless_a_commit_is() {
    let fixture = indexed();
    fixture.write("more.py", "from app import run\n\n\ndef again():\n    run()\n");
    assert_eq!(ids(&answer(&fixture, &["callers", "run"])["items"]), ["more.py#again"]);
    let output = kotadb(fixture.path(), &["callers", "run", "--ref", "main"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(ids(&answer(&fixture, &["callees", "again"])["items"]), ["app.py#run"]);
    let tree = answer(&fixture, &["callers", "open_one", "--depth", "3"]);
    let depths: Vec<_> = tree["items"].as_array().unwrap().iter().map(|item| item["depth"].as_u64().unwrap()).collect();
    assert_eq!(ids(&tree["items"]), ["pool.py#Pool.acquire", "app.py#run", "more.py#again"]);
    assert_eq!(depths, [1, 2, 3]);
}

#[test]
fn impact_of_a_diff_names_users_and_tests() {
    let fixture = indexed();
    let diff = "--- a/pool.py\n+++ b/pool.py\n@@ -8 +8 @@\n-        return 2\n+        return 3\n";
    fixture.write("change.diff", diff);
    let report = answer(&fixture, &["impact", "--diff", "change.diff"]);
    assert_eq!(ids(&report["changed"]), ["pool.py#Lock.acquire"]);
    assert_eq!(report["changed"][0]["signature"], false);
    assert_eq!(ids(&report["tests"]), ["tests/test_pool.py#test_lock"]);
    let since = answer(&fixture, &["impact", "--since", "main"]);
    assert_eq!((ids(&since["changed"]), &since["unknown_files"]), (vec!["change.diff".to_owned()], &Value::Null));
    std::fs::remove_file(fixture.path().join("change.diff")).unwrap();
    fixture.write("pool.py", &POOL.replace("return 2", "return 3"));
    std::fs::remove_file(fixture.path().join("app.py")).unwrap();
    let since = answer(&fixture, &["impact", "--since", "main"]);
    assert_eq!(
        (ids(&since["changed"]), &since["changed"][0]["signature"]),
        (vec!["pool.py#Lock.acquire".into()], &false.into())
    );
    assert_eq!(
        (ids(&since["tests"]), &since["unknown_files"][0]),
        (vec!["tests/test_pool.py#test_lock".into()], &"app.py".into())
    );
    fixture.write("pool.py", POOL);
    fixture.write("app.py", APP);
    let report = answer(&fixture, &["impact", "open_one"]);
    assert_eq!(ids(&report["items"]), ["pool.py#Pool.acquire", "app.py#run"]);
    assert!(report["risk"]["score"].as_f64().unwrap() > 0.0);
}

#[test]
fn files_are_outlined_mapped_and_depend_on_each_other() {
    let fixture = indexed();
    assert_eq!(ids(&answer(&fixture, &["deps", "app.py"])["items"]), ["pool.py"]);
    assert_eq!(ids(&answer(&fixture, &["deps", "pool.py", "--dependents"])["items"]), ["app.py", "tests/test_pool.py"]);
    let outline = kotadb(fixture.path(), &["outline", "pool.py"]);
    assert!(
        stdout(&outline).starts_with("1-3: class class Pool\n  2-3: method def acquire(self)"),
        "{}",
        stdout(&outline)
    );
    let map = kotadb(fixture.path(), &["map", "--bytes", "90"]);
    assert!(stdout(&map).contains("pool.py\n") && stdout(&map).len() <= 90, "{}", stdout(&map));
    let definition = kotadb(fixture.path(), &["def", "open_one"]);
    assert_eq!(stdout(&definition), "pool.py:11: function pool.py#open_one\n");
    let output = kotadb(fixture.path(), &["def", "nothing_of_that_name"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_search_finds_symbols_of_the_tree_as_it_is() {
    let fixture = indexed();
    let lines = |query: &[&str]| {
        let output = kotadb(fixture.path(), &[&["search", "--json"], query].concat());
        let hits = stdout(&output);
        let hits = hits.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let line = |hit: Value| format!("{}:{} {}", hit["path"].as_str().unwrap(), hit["line"], hit["symbols"]);
        hits.filter(|hit| hit.get("summary").is_none()).map(line).collect::<Vec<_>>()
    };
    let of = |path: &str, line: u32, id: &str, kind: &str| {
        format!("{path}:{line} {}", serde_json::json!([{ "id": format!("{path}#{id}"), "kind": kind }]))
    };
    let pool = of("pool.py", 2, "Pool.acquire", "method");
    assert_eq!(lines(&["sym:Pool.acquire"]), std::slice::from_ref(&pool));
    assert_eq!(lines(&["type:symbol", "acq*"]), [pool.clone(), of("pool.py", 7, "Lock.acquire", "method")]);
    // Not committed, not indexed, and found where it is now.
    std::fs::write(fixture.path().join("pool.py"), format!("# moved\n{POOL}")).unwrap();
    std::fs::write(fixture.path().join("new.py"), "def acquire_all(): pass\n").unwrap();
    assert_eq!(lines(&["sym:Pool.acquire"]), [of("pool.py", 3, "Pool.acquire", "method")]);
    assert_eq!(lines(&["sym:acquire_all"]), [of("new.py", 1, "acquire_all", "function")]);
    assert_eq!(lines(&["--ref", "HEAD", "sym:Pool.acquire"]), [pool]);
    assert!(lines(&["sym:acquire", "-path:pool.py"]).is_empty());
}

/// A field of a message of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 128, "one byte holds the length");
    [&[number << 3 | 2, content.len() as u8], content].concat()
}

fn occurrence(range: [u8; 3], symbol: &str, defines: bool) -> Vec<u8> {
    field(2, &[field(1, &range), field(2, symbol.as_bytes()), vec![3 << 3, u8::from(defines)]].concat())
}

#[test]
fn an_imported_index_outranks_the_rules_as_long_as_files_are_the_same() {
    let fixture =
        Fixture::new(&[("pool.py", POOL), ("app.py", "from made import thing\n\ndef run():\n    thing.acquire()\n")]);
    assert!(kotadb(fixture.path(), &["index", "--quiet"]).status.success());
    let callers = || answer(&fixture, &["callers", "pool.py#Lock.acquire"]);
    assert!(ids(&callers()["items"]).is_empty(), "nobody knows what `thing` is");
    let symbol = "s pool/Lock#acquire().";
    let document = |path: &str, one: Vec<u8>| field(2, &[field(1, path.as_bytes()), one].concat());
    let index = [
        document("app.py", occurrence([3, 10, 17], symbol, false)),
        document("pool.py", occurrence([6, 8, 15], symbol, true)),
    ];
    fixture.write("index.scip", &String::from_utf8(index.concat()).unwrap());
    let output = kotadb(fixture.path(), &["scip", "import", "index.scip"]);
    assert!(stdout(&output).starts_with("imported 2 of 2 documents"), "{}{}", stdout(&output), stderr(&output));
    let list = callers();
    assert_eq!(ids(&list["items"]), ["app.py#run"]);
    assert_eq!((&list["items"][0]["confidence"], &list["items"][0]["resolution"]), (&1.0.into(), &"precise".into()));
    fixture.write("app.py", "from made import thing\n\ndef run():\n    return thing.acquire()\n");
    assert!(ids(&callers()["items"]).is_empty(), "the file is not what the index was made of");
    assert_eq!(ids(&answer(&fixture, &["callers", "pool.py#Lock.acquire", "--ref", "main"])["items"]), ["app.py#run"]);
    fixture.write("index.scip", "no index");
    let output = kotadb(fixture.path(), &["scip", "import", "index.scip"]);
    assert!(stderr(&output).contains("SCIP index"), "{}", stderr(&output));
}
