//! What `git` says when it fails, and what that means: whether another try can help, and what the owner can do. Its
//! messages are in English because the locale is fixed.

use kotadb_core::db::jobs::ErrorClass;

use crate::error::IndexError;

/// Bytes of standard error that are kept for the message.
const MAX_COMPLAINT: usize = 2000;

/// The error that a complaint stands for; `with_token`: the remote was offered one.
pub fn refusal(what: &'static str, stderr: &[u8], with_token: bool) -> IndexError {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    let says = |part: &str| text.contains(part);
    if says("mismatched algorithms") || says("unsupported object format") {
        return IndexError::Sha256Repository;
    }
    if says("No space left on device") || says("Disk quota exceeded") {
        return IndexError::DiskFull;
    }
    if says("returned error: 30") || says("redirection") {
        return IndexError::Redirected;
    }
    if let Some(advice) = advice(text, with_token) {
        return IndexError::Credential(advice);
    }
    IndexError::Git { what, class: class_of(text), message: end(text).to_owned() }
}

/// What to do where the remote wants other credentials.
fn advice(text: &str, with_token: bool) -> Option<&'static str> {
    const ASKED: [&str; 5] = [
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "terminal prompts disabled",
        "returned error: 401",
    ];
    let asked = ASKED.iter().any(|part| text.contains(part));
    match (asked, with_token, text.contains("returned error: 403")) {
        (true, true, _) => Some(
            "the remote refused the token of this repository: sign in to GitHub again, or give the App access to it",
        ),
        (true, false, _) => Some(
            "the remote asks for credentials: register the repository through the GitHub App or with a token that may \
             read it",
        ),
        (false, true, true) => {
            Some("the token of this repository may not read it (403): give the App or the token's owner access to it")
        }
        _ => None,
    }
}

/// Whether the remote does not let objects be asked for by id, or lacks one that was.
pub fn refuses_ids(error: &IndexError) -> bool {
    const REFUSED: [&str; 4] = [
        "not our ref",
        "unadvertised object",
        "remote did not send all necessary objects",
        "did not receive expected object",
    ];
    matches!(error, IndexError::Git { message, .. } if REFUSED.iter().any(|part| message.contains(part)))
}

fn class_of(complaint: &str) -> ErrorClass {
    const PERMANENT: [&str; 8] = [
        "not found",
        "does not exist",
        "returned error: 400",
        "returned error: 403",
        "returned error: 404",
        "returned error: 410",
        "returned error: 451",
        "not valid: is this a git repository?",
    ];
    let says = |part: &&str| complaint.contains(*part);
    if complaint.contains("returned error: 429") {
        ErrorClass::RateLimited
    } else if PERMANENT.iter().any(says) {
        ErrorClass::Permanent
    } else {
        ErrorClass::Transient
    }
}

/// The end of a long complaint says what happened.
fn end(text: &str) -> &str {
    let start = text.len().saturating_sub(MAX_COMPLAINT);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNABLE: &str = "fatal: unable to access 'http://h/r/': ";

    #[test]
    fn complaints_are_classed() {
        let fatal = format!("{UNABLE}The requested URL returned error: ");
        assert_eq!(class_of(&format!("{fatal}429")), ErrorClass::RateLimited);
        assert_eq!(class_of(&format!("{fatal}503")), ErrorClass::Transient);
        assert_eq!(class_of(&format!("{fatal}403")), ErrorClass::Permanent);
        assert_eq!(class_of("fatal: repository 'http://h/r/' not found"), ErrorClass::Permanent);
        assert_eq!(class_of("fatal: unable to access 'https://h/': Could not resolve host: h"), ErrorClass::Transient);
        assert_eq!(class_of("fatal: early EOF"), ErrorClass::Transient);
    }

    #[test]
    fn what_can_be_done_is_said() {
        let refused = |text: &str, with_token| refusal("fetch", text.as_bytes(), with_token);
        let failed = "fatal: Authentication failed for 'https://h/r/'";
        assert!(refused(failed, true).to_string().contains("sign in to GitHub again"));
        assert!(refused(failed, false).to_string().contains("through the GitHub App"));
        let forbidden = format!("{UNABLE}The requested URL returned error: 403");
        assert!(refused(&forbidden, true).to_string().contains("access"));
        assert!(matches!(refused(&forbidden, false), IndexError::Git { .. }));
        let redirected = refused(&format!("{UNABLE}The requested URL returned error: 302"), false);
        assert!(redirected.class() == ErrorClass::Permanent && redirected.to_string().contains("redirect"));
        let full = refused("fatal: write error: No space left on device\nfatal: fetch-pack: invalid", false);
        assert!(full.class() == ErrorClass::Transient && full.to_string().contains("disk"), "{full}");
    }

    #[test]
    fn long_complaint_is_cut_at_a_character() {
        let long = "é".repeat(3000);
        let IndexError::Git { message, .. } = refusal("fetch", long.as_bytes(), false) else { panic!("no git error") };
        assert!(message.len() <= MAX_COMPLAINT);
    }
}
