//! How `git` gets a token: it asks this program, which reads it from a pipe that only this call of `git` and its helpers
//! hold. So it stands in no argument, no environment and no file.
//!
//! The pipe comes as standard input of a shell that moves it to descriptor 3; `git` passes that on to its helpers, and
//! they to the program that `GIT_ASKPASS` names: a link with our name to this very program, which `main` recognises.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use kotadb_core::crypto::Secret;
use kotadb_core::github::Origin;

use crate::error::IndexError;

/// Name of the link, by which the program knows what it is called for.
pub const NAME: &str = "kotadb-askpass";
/// The user that GitHub wants beside a token; others take any.
pub const USER: &str = "x-access-token";
/// Where the pipe is.
const PIPE: &str = "/dev/fd/3";
/// Most questions of one call; each takes a line of the pipe.
const LINES: usize = 16;
/// Longest token: all lines must fit into a pipe that nobody reads.
const MAX_BYTES: usize = 2048;

/// A token, and where it may be sent.
#[derive(Clone, Debug)]
pub struct Askpass {
    secret: Secret,
    link: PathBuf,
}

impl Askpass {
    /// Makes the link in `folder`; `program` answers by [`answer`] when it is called by that name. A token is sent over
    /// https, or to this machine.
    pub fn new(secret: Secret, origin: &Origin, folder: &Path, program: &Path) -> Result<Self, IndexError> {
        if origin.scheme != "https" && !origin.is_loopback() {
            return Err(IndexError::Credential(
                "a token is not sent over plain http: register the https URL of this repository",
            ));
        }
        let text = secret.expose();
        if text.is_empty() || text.len() > MAX_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IndexError::Credential("the stored token is none: sign in to GitHub again"));
        }
        let link = folder.join(NAME);
        if std::fs::symlink_metadata(&link).is_err() {
            std::os::unix::fs::symlink(program, &link).map_err(IndexError::io("cannot make the link for askpass"))?;
        }
        Ok(Self { secret, link })
    }

    /// What `GIT_ASKPASS` names.
    pub fn program(&self) -> &Path {
        &self.link
    }

    /// The reading end of a pipe that holds an answer for each question. Both ends are closed in other children.
    pub fn pipe(&self) -> std::io::Result<std::io::PipeReader> {
        let (reader, mut writer) = std::io::pipe()?;
        writer.write_all(format!("{}\n", self.secret.expose()).repeat(LINES).as_bytes())?;
        Ok(reader)
    }
}

/// Whether the program was called as [`NAME`].
pub fn is_asked(program: Option<&std::ffi::OsStr>) -> bool {
    program.is_some_and(|program| Path::new(program).file_name() == Some(NAME.as_ref()))
}

/// What `git` is told; its question is the first argument.
pub fn answer(question: &str) -> std::io::Result<String> {
    if question.starts_with("Username") { Ok(USER.to_owned()) } else { line(std::fs::File::open(PIPE)?) }
}

/// Reads up to the end of the line and not a byte more: the rest is for the next question.
fn line(mut pipe: impl Read) -> std::io::Result<String> {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while pipe.read(&mut byte)? == 1 && byte[0] != b'\n' {
        text.push(byte[0]);
    }
    String::from_utf8(text).map_err(std::io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn askpass(secret: &str, url: &str) -> Result<Askpass, IndexError> {
        let folder = tempfile::tempdir().unwrap();
        Askpass::new(
            Secret::new(secret.to_owned()),
            &Origin::parse(url).unwrap(),
            folder.path(),
            Path::new("/bin/true"),
        )
    }

    #[test]
    fn each_question_takes_a_line() {
        let longest = "x".repeat(MAX_BYTES);
        let mut pipe = askpass(&longest, "https://a.example").unwrap().pipe().unwrap();
        for _ in 0..LINES {
            assert_eq!(line(&mut pipe).unwrap(), longest);
        }
        assert_eq!(line(&mut pipe).unwrap(), "", "the writing end is closed");
    }

    #[test]
    fn a_token_goes_over_https_or_to_this_machine() {
        assert!(askpass("t", "https://a.example").is_ok());
        assert!(askpass("t", "http://127.0.0.1:8000").is_ok() && askpass("t", "http://[::1]:8000").is_ok());
        assert!(matches!(askpass("t", "http://a.example"), Err(IndexError::Credential(_))));
        for not_a_token in ["", "a\nb", "é", &"x".repeat(MAX_BYTES + 1)] {
            assert!(askpass(not_a_token, "https://a.example").is_err());
        }
        assert!(!format!("{:?}", askpass("hush", "https://a.example")).contains("hush"));
    }
}
