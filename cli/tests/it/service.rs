//! `kotadb login`, `repos`, `jobs`, `keys` and `search --remote` against a service that runs. One test, since a start costs seconds.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::fixture::{Fixture, command, kotadb, stderr, stdout};
use crate::up::{Up, open_to_all};

/// Somebody with settings of his own, and the service that he asks.
struct Person<'a> {
    home: &'a Path,
    server: &'a str,
}

impl Person<'_> {
    fn types(&self, args: &[&str], input: &str) -> Output {
        let mut command = command(Path::new("/"), args);
        command.env("XDG_CONFIG_HOME", self.home).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kotadb runs");
        // Who is refused before reads nothing.
        let _unread = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("ended")
    }

    fn says(&self, args: &[&str]) -> String {
        let output = self.types(args, "");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    fn json(&self, args: &[&str]) -> Vec<Value> {
        let text = self.says(&[args, &["--json"]].concat());
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// Exit code and what is said.
    fn refused(&self, args: &[&str]) -> (Option<i32>, String) {
        let output = self.types(args, "");
        (output.status.code(), stderr(&output))
    }

    fn credentials(&self) -> Value {
        let path = self.home.join("kotadb/credentials.json");
        assert_eq!(std::fs::metadata(&path).expect("kept").permissions().mode() & 0o777, 0o600);
        serde_json::from_slice(&std::fs::read(path).expect("kept")).expect("JSON")
    }
}

#[test]
fn a_service_is_looked_after_from_the_command_line() {
    let fixture = Fixture::new(&[("src/lib.rs", "pub fn findable() {}\n")]);
    let folder = tempfile::tempdir().expect("a folder");
    open_to_all(folder.path());
    let data = folder.path().join("data");
    let (up, report) = Up::start(&data, fixture.path());
    let home = tempfile::tempdir().expect("a folder");
    let (server, key) = (report["url"].as_str().expect("a URL"), report["api_key"].as_str().expect("a key"));
    let person = Person { home: home.path(), server };
    logs_in(&person, key);
    looks_after_repositories(&person);
    let job = looks_after_jobs(&person);
    searches(&person);
    let reader = looks_after_keys(&person);
    is_refused(&person, &reader, &job);
    logs_out(&person, key);
    up.stop();
    let (code, told) = person.refused(&["repos", "list", "--server", server]);
    assert!(code == Some(2) && told.contains("kotadb login"), "{told}");
    let output = person.types(&["login", server], &format!("{key}\n"));
    assert_eq!(output.status.code(), Some(4), "nobody answers there: {}", stderr(&output));
}

fn logs_in(person: &Person<'_>, key: &str) {
    let (code, told) = person.refused(&["repos", "list"]);
    assert!(code == Some(2) && told.contains("no service is named: `kotadb login URL`"), "{told}");
    let wrong = person.types(&["login", person.server], "kdb_live_nobody_has_this_key\n");
    assert_eq!(wrong.status.code(), Some(3), "{}", stderr(&wrong));
    assert!(
        stderr(&wrong).contains("the key was not kept") && stderr(&wrong).contains("unauthorized"),
        "{}",
        stderr(&wrong)
    );
    assert!(!person.home.join("kotadb/credentials.json").exists());
    assert!(stderr(&person.types(&["login", "http://code.example"], key)).contains("must begin with `https://`"));
    assert!(stderr(&person.types(&["login", person.server], "")).contains("no key was given"));
    let output = person.types(&["login", person.server], &format!("{key}\n"));
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("keys:admin") && told.contains("sees 1 repositories") && !told.contains(key), "{told}");
    let kept = person.credentials();
    assert_eq!((kept["current"].as_str(), kept["keys"][person.server].as_str()), (Some(person.server), Some(key)));
    let config = person.says(&["config"]);
    assert!(config.contains("kotadb login") && !config.contains(key), "{config}");
    // Others may read it now: whoever looks after keys is told.
    let path = person.home.join("kotadb/credentials.json");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("changed");
    assert!(person.refused(&["repos", "list", "--server", person.server]).1.contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changed");
}

fn looks_after_repositories(person: &Person<'_>) {
    let listed = person.json(&["repos", "list"]);
    let (name, url) = (listed[0]["name"].as_str().expect("a name"), listed[0]["url"].as_str().expect("a URL"));
    assert!(person.says(&["repos", "list"]).contains(name));
    let short = name.rsplit('/').next().expect("a part");
    assert_eq!(person.json(&["repos", "show", short])[0]["id"], listed[0]["id"]);
    let shown = person.says(&["repos", "show", &name.to_uppercase()]);
    assert!(shown.contains(url) && shown.contains("done"), "with its jobs: {shown}");
    let (code, told) = person.refused(&["repos", "show", &format!("{name}x")]);
    assert!(code == Some(2) && told.contains(&format!("did you mean `{}`?", name.to_lowercase())), "{told}");
    assert!(person.says(&["repos", "add", url]).contains("was registered already"));
    let (code, told) = person.refused(&["repos", "add", "file:///etc"]);
    assert!(code == Some(2) && told.contains("repository_refused") && told.contains("more: "), "{told}");
    let waited = person.json(&["repos", "reindex", short, "--full", "--wait"]);
    assert_eq!(
        (&waited[0]["state"], &waited[1]["state"], &waited[0]["id"]),
        (&"queued".into(), &"done".into(), &waited[1]["id"])
    );
    let (code, told) = person.refused(&["repos", "remove", name]);
    assert!(code == Some(2) && told.contains("say `--yes`"), "{told}");
    let (_, told) = person.refused(&["repos", "remove", short, "--yes"]);
    assert!(told.contains("is a part of a name"), "{told}");
}

/// The id of a job that is done.
fn looks_after_jobs(person: &Person<'_>) -> String {
    let jobs = person.json(&["jobs", "list", "--limit", "1"]);
    let id = jobs[0]["id"].as_str().expect("an id").to_owned();
    let table = person.says(&["jobs", "list"]);
    assert!(table.starts_with("JOB") && table.contains(&id), "{table}");
    let shown = person.json(&["jobs", "show", &id]);
    assert!(shown[0]["events"].as_array().expect("events").iter().any(|event| event["phase"] == "published"));
    let output = person.types(&["jobs", "watch", &id], "");
    assert!(output.status.success() && stderr(&output).contains("published"), "{}", stderr(&output));
    assert!(stdout(&output).contains("done"), "{}", stdout(&output));
    for deed in ["cancel", "retry"] {
        let (code, told) = person.refused(&["jobs", deed, &id]);
        assert!(code == Some(2) && told.contains("job_state"), "{deed}: {told}");
    }
    let (code, told) = person.refused(&["jobs", "show", "00000000-0000-0000-0000-000000000000"]);
    assert!(code == Some(2) && told.contains("not_found"), "{told}");
    assert!(person.refused(&["jobs", "list", "--repository", "no/such"]).1.contains("not_found"));
    id
}

fn searches(person: &Person<'_>) {
    let found = person.says(&["search", "--remote", "findable"]);
    assert!(found.trim_end().ends_with("src/lib.rs:1:8:pub fn findable() {}"), "{found}");
    let json = person.json(&["search", "--remote", "findable", "--context", "1"]);
    assert_eq!(
        (&json[0]["path"], &json[1]["summary"], &json[1]["matches"]),
        (&"src/lib.rs".into(), &true.into(), &1.into())
    );
    assert_eq!(person.says(&["search", "--remote", "--count", "findable"]), "1\n");
    assert!(person.says(&["search", "--server", person.server, "-l", "findable"]).contains("src/lib.rs"));
    assert_eq!(person.refused(&["search", "--remote", "absent_word"]).0, Some(1));
    let (code, told) = person.refused(&["search", "--remote", "(findable"]);
    assert!(code == Some(2) && told.contains("invalid_query") && told.contains("position"), "{told}");
}

/// A key that may search alone.
fn looks_after_keys(person: &Person<'_>) -> String {
    let output = person.types(&["keys", "create", "a reader", "--scope", "search", "--days", "2"], "");
    let reader = stdout(&output).trim().to_owned();
    assert!(reader.starts_with("kdb_") && !reader.contains(char::is_whitespace), "the key alone: {reader}");
    assert!(stderr(&output).contains("shown once"), "{}", stderr(&output));
    let listed = person.json(&["keys", "list"]);
    let of_reader = listed.iter().find(|key| key["name"] == "a reader").expect("listed");
    assert!(of_reader["expires_at"].is_string() && !person.says(&["keys", "list"]).contains(&reader), "never again");
    let id = of_reader["id"].as_str().expect("an id");
    let rotated = person.json(&["keys", "rotate", id, "--overlap", "60"]);
    let successor = rotated[0]["id"].as_str().expect("an id");
    assert_ne!(rotated[0]["key"].as_str().expect("a key"), reader);
    assert!(person.refused(&["keys", "rotate", id]).1.contains("conflict"), "it has a successor");
    assert!(person.says(&["keys", "revoke", successor]).contains("revoked"));
    let ids = |args: &[&str]| person.json(args).iter().map(|key| key["id"].clone()).collect::<Vec<_>>();
    assert!(
        !ids(&["keys", "list"]).contains(&successor.into())
            && ids(&["keys", "list", "--all"]).contains(&successor.into())
    );
    let (code, told) = person.refused(&["keys", "create", "x", "--scope", "everything"]);
    assert!(code == Some(2) && told.contains("is no scope"), "{told}");
    reader
}

/// What a key lacks is said with what to do, and has an exit code of its own.
fn is_refused(person: &Person<'_>, reader: &str, job: &str) {
    let with = |args: &[&str]| {
        let mut command = command(Path::new("/"), args);
        let output =
            command.env("XDG_CONFIG_HOME", person.home).env("KOTADB_API_KEY", reader).output().expect("kotadb runs");
        (output.status.code(), stderr(&output))
    };
    for args in [&["keys", "list"][..], &["jobs", "show", job], &["repos", "list"]] {
        let (code, told) = with(args);
        assert!(
            code == Some(3) && told.contains("insufficient_scope") && told.contains("request "),
            "{args:?}: {told}"
        );
    }
    assert_eq!(with(&["search", "--remote", "findable"]).0, Some(0), "it may search");
}

fn logs_out(person: &Person<'_>, key: &str) {
    assert!(person.says(&["logout"]).contains(person.server));
    let kept = person.credentials();
    assert!(kept["keys"].as_object().expect("keys").is_empty() && kept["current"].is_null(), "{kept}");
    assert!(person.refused(&["logout", person.server]).1.contains("no key of"));
    assert!(!kept.to_string().contains(key));
    let outside = kotadb(Path::new("/"), &["repos", "list", "--server", person.server]);
    assert_eq!(outside.status.code(), Some(2), "somebody else has no key");
}
