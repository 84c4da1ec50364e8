//! How a remote is reached: the rules of registration are asked again, its name is resolved and pinned, and a token goes
//! along where there is one. Nothing is sent before.

use std::path::Path;

use kotadb_core::crypto::Secret;
use kotadb_core::github::Remote;

use crate::askpass::Askpass;
use crate::error::IndexError;
use crate::git::Git;
use crate::job::Workplace;
use crate::resolve;

/// How `git` is called for a clone URL, and the URL as it is fetched. `home` is an empty folder.
pub async fn reach(
    workplace: Workplace<'_>,
    url: &str,
    token: Option<Secret>,
    home: &Path,
) -> Result<(Git, String), IndexError> {
    let Workplace { allowed_origins, resolver, askpass, .. } = workplace;
    let remote = Remote::parse(url, allowed_origins)?;
    let pin = resolve::pin(&remote.origin, resolver).await?;
    let answers = token.map(|token| Askpass::new(token, &remote.origin, home, askpass)).transpose()?;
    Ok((Git::new(home.to_owned(), pin).with_token(answers), remote.url))
}
