//! What a remote has: its refs and default branch (`git ls-remote --symref`), and which of them are tracked.

use kotadb_core::github::RefPatterns;
use kotadb_core::id::ObjectId;

use crate::error::IndexError;
use crate::git::{Call, Git};
use crate::halt::Halt;
use crate::limits;

/// A ref and the object it names (for an annotated tag, the object behind it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRef {
    /// Full name.
    pub name: String,
    /// What it names.
    pub id: ObjectId,
}

/// The refs of a remote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// Full name of the default branch, or `HEAD` where it is detached; `None` where it is unborn.
    pub default: Option<String>,
    /// All refs, in the order of the remote.
    pub refs: Vec<RemoteRef>,
}

/// Asks a remote for its refs.
pub async fn list(git: &Git, url: &str, folder: &std::path::Path, halt: &Halt) -> Result<Remote, IndexError> {
    let args = ["ls-remote", "--symref", "--", url].map(str::to_owned).to_vec();
    let output =
        git.run(&Call { what: "ls-remote", args, folder, input: None, timeout: limits::LIST_TIMEOUT }, halt).await?;
    parse(&output)
}

/// Reads the lines of `git ls-remote --symref`.
fn parse(output: &[u8]) -> Result<Remote, IndexError> {
    let mut remote = Remote::default();
    let mut head = None;
    // A name that is not UTF-8 cannot be asked for by it, so its line is left out.
    for line in output.split(|&byte| byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        match line.split_once('\t') {
            Some((target, "HEAD")) if target.starts_with("ref: ") => remote.default = Some(target[5..].to_owned()),
            // Any ref may be symbolic (a clone's `refs/remotes/origin/HEAD` is); its object follows on a line of its own.
            Some((target, _)) if target.starts_with("ref: ") => {}
            Some((id, "HEAD")) => head = Some(object_id(id)?),
            Some((id, name)) => push(&mut remote.refs, name, object_id(id)?),
            None => {}
        }
    }
    settle_default(&mut remote, head);
    Ok(remote)
}

/// A line `name^{}` is what the annotated tag of the line before leads to.
fn push(refs: &mut Vec<RemoteRef>, name: &str, id: ObjectId) {
    match (name.strip_suffix("^{}"), refs.last_mut()) {
        (Some(tag), Some(last)) if last.name == tag => last.id = id,
        (Some(_), _) => {}
        // A name that git itself would refuse must not reach a command line.
        (None, _) if git2::Reference::is_valid_name(name) => refs.push(RemoteRef { name: name.to_owned(), id }),
        (None, _) => {}
    }
}

/// A default branch without a commit is unborn; a HEAD without a branch is detached and stands for itself.
fn settle_default(remote: &mut Remote, head: Option<ObjectId>) {
    match (&remote.default, head) {
        (Some(name), _) if remote.refs.iter().any(|r| r.name == *name) => {}
        (Some(_), _) | (None, None) => remote.default = None,
        (None, Some(id)) => {
            remote.refs.push(RemoteRef { name: "HEAD".to_owned(), id });
            remote.default = Some("HEAD".to_owned());
        }
    }
}

fn object_id(text: &str) -> Result<ObjectId, IndexError> {
    match text.len() {
        64 => Err(IndexError::Sha256Repository),
        _ => text.parse().map_err(|_| IndexError::Git {
            what: "ls-remote",
            class: kotadb_core::db::jobs::ErrorClass::Transient,
            message: format!("`{text}` is not an object id"),
        }),
    }
}

/// The refs to index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tracked {
    /// Which of them a search without `ref:` looks at: the default branch where it is tracked, else the first.
    pub default: Option<String>,
    /// By full name, ascending.
    pub refs: Vec<RemoteRef>,
}

/// Chooses by the patterns of the registration, as webhooks do; none: the default branch.
pub fn select(remote: &Remote, patterns: &[String]) -> Result<Tracked, IndexError> {
    let full = RefPatterns::normalise(patterns).map_err(|error| IndexError::BadPattern(error.to_string()))?;
    let compiled = RefPatterns::new(&full);
    // Without patterns the default is taken as the remote names it: a detached HEAD is no branch.
    let tracks = |name: &str| match patterns {
        [] => remote.default.as_deref() == Some(name),
        _ => compiled.tracks(name, None),
    };
    let mut refs: Vec<_> = remote.refs.iter().filter(|r| tracks(&r.name)).cloned().collect();
    if refs.len() > limits::MAX_REFS {
        return Err(IndexError::TooManyRefs(refs.len()));
    }
    refs.sort_by(|a, b| a.name.cmp(&b.name));
    let default = refs.iter().find(|r| Some(&r.name) == remote.default.as_ref()).or(refs.first());
    Ok(Tracked { default: default.map(|r| r.name.clone()), refs })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn remote() -> Remote {
        let text = format!(
            "ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n{B}\trefs/heads/release-1\n{B}\trefs/heads/x/y\n\
             {A}\trefs/tags/v1\n{B}\trefs/tags/v1^{{}}\n{A}\trefs/heads/bad..name\n"
        );
        parse(text.as_bytes()).unwrap()
    }

    fn names(patterns: &[&str]) -> (Option<String>, Vec<String>) {
        let patterns: Vec<_> = patterns.iter().map(|&p| p.to_owned()).collect();
        let tracked = select(&remote(), &patterns).unwrap();
        (tracked.default, tracked.refs.into_iter().map(|r| r.name).collect())
    }

    #[test]
    fn tags_are_peeled_and_bad_names_dropped() {
        let remote = remote();
        assert_eq!(remote.default.as_deref(), Some("refs/heads/main"));
        assert_eq!(remote.refs.len(), 4);
        assert_eq!(remote.refs[3], RemoteRef { name: "refs/tags/v1".into(), id: B.parse().unwrap() });
    }

    #[test]
    fn other_symbolic_refs_are_refs() {
        // What a clone has: HEAD and the remote's HEAD both lead elsewhere.
        let text = format!(
            "ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n\
             ref: refs/remotes/origin/main\trefs/remotes/origin/HEAD\n{B}\trefs/remotes/origin/HEAD\n{B}\trefs/remotes/origin/main\n"
        );
        let remote = parse(text.as_bytes()).unwrap();
        assert_eq!(remote.default.as_deref(), Some("refs/heads/main"));
        let names: Vec<_> = remote.refs.iter().map(|r| r.name.as_str()).collect();
        assert_eq!(names, ["refs/heads/main", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    }

    #[test]
    fn a_name_that_is_not_text_is_left_out() {
        let mut output = format!("{A}\trefs/heads/a\n{A}\trefs/heads/").into_bytes();
        output.extend(b"caf\xe9\n");
        output.extend(format!("{B}\trefs/heads/z\n").into_bytes());
        let names: Vec<_> = parse(&output).unwrap().refs.into_iter().map(|r| r.name).collect();
        assert_eq!(names, ["refs/heads/a", "refs/heads/z"]);
    }

    #[test]
    fn patterns_choose() {
        let main = Some("refs/heads/main".to_owned());
        assert_eq!(names(&[]), (main.clone(), vec!["refs/heads/main".into()]));
        assert_eq!(names(&["release-*"]), (Some("refs/heads/release-1".into()), vec!["refs/heads/release-1".into()]));
        assert_eq!(names(&["main", "refs/tags/*"]).1, ["refs/heads/main", "refs/tags/v1"]);
        assert_eq!(names(&["*"]).0, main);
        assert_eq!(names(&["none"]), (None, vec![]));
    }

    #[test]
    fn unborn_detached_and_sha256() {
        assert_eq!(parse(b"").unwrap(), Remote::default());
        assert_eq!(parse(b"ref: refs/heads/main\tHEAD\n").unwrap().default, None);
        assert_eq!(parse(format!("{A}\tHEAD\n").as_bytes()).unwrap().default.as_deref(), Some("HEAD"));
        let long = format!("{A}{}\tHEAD\n", &A[..24]);
        assert!(matches!(parse(long.as_bytes()), Err(IndexError::Sha256Repository)));
    }
}
