//! What became of a form, told once on the next page: why it was refused, with what was typed, or the key that was made. The browser keeps
//! it meanwhile, for a minute, sealed as a session is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use super::session::{cookie, set_cookie};
use crate::crypto::MasterKey;

/// The name of the cookie.
const NAME: &str = "kotadb_flash";
/// How long it lasts.
const LIFE_SECONDS: i64 = 60;
/// What it is sealed for.
const CONTEXT: &str = "browser flash";
/// Bytes that a browser keeps in a cookie for certain, before they are sealed and encoded.
const MOST_BYTES: usize = 2400;
/// Characters of a sentence.
const MOST_TEXT: usize = 400;

/// What became of a form.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// Why it was refused.
    #[serde(default)]
    pub refused: Option<String>,
    /// The key that was made.
    #[serde(default)]
    pub key: Option<String>,
    /// What was typed into a form that was refused, by the names of its fields.
    #[serde(default)]
    pub typed: BTreeMap<String, String>,
}

/// A key is a secret.
impl std::fmt::Debug for Flash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flash").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl Flash {
    /// `Set-Cookie` for it.
    pub(super) fn set_cookie(mut self, key: &MasterKey, is_tls: bool) -> HeaderValue {
        self.refused = self.refused.map(|text| text.chars().take(MOST_TEXT).collect());
        let mut text = serde_json::to_vec(&self).unwrap_or_default();
        if text.len() > MOST_BYTES {
            text = serde_json::to_vec(&Self { typed: BTreeMap::new(), ..self }).unwrap_or_default();
        }
        set_cookie(NAME, &URL_SAFE_NO_PAD.encode(key.seal(CONTEXT, &text)), LIFE_SECONDS, is_tls)
    }

    /// What a browser brings; `None`: nothing of ours.
    pub(super) fn of(key: &MasterKey, headers: &HeaderMap) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie(headers, NAME)?).ok()?;
        serde_json::from_slice(&key.open(CONTEXT, &sealed).ok()?).ok()
    }

    /// `Set-Cookie` of the page that has told it.
    pub fn forget(is_tls: bool) -> HeaderValue {
        set_cookie(NAME, "", 0, is_tls)
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_base64(&STANDARD.encode([byte; 32]), None).unwrap()
    }

    fn brought(value: &HeaderValue) -> HeaderMap {
        let pair = value.to_str().unwrap().split(';').next().unwrap().to_owned();
        HeaderMap::from_iter([(http::header::COOKIE, pair.parse().unwrap())])
    }

    #[test]
    fn what_was_told_comes_back_to_its_browser_alone() {
        let typed = BTreeMap::from([("url".to_owned(), "a/b".to_owned())]);
        let flash = Flash { refused: Some("no".to_owned()), key: Some("kdb_x".to_owned()), typed };
        let cookie = flash.clone().set_cookie(&key(1), true);
        assert!(cookie.to_str().unwrap().contains("HttpOnly") && !cookie.to_str().unwrap().contains("kdb_x"));
        assert_eq!(Flash::of(&key(1), &brought(&cookie)), Some(flash.clone()));
        assert_eq!(Flash::of(&key(2), &brought(&cookie)), None);
        assert_eq!(Flash::of(&key(1), &brought(&Flash::forget(true))), None);
        assert!(!format!("{flash:?}").contains("kdb_x"));
    }

    #[test]
    fn a_cookie_is_never_longer_than_a_browser_keeps() {
        let typed = BTreeMap::from([("url".to_owned(), "x".repeat(9000))]);
        let flash = Flash { refused: Some("é".repeat(9000)), key: None, typed };
        let cookie = flash.set_cookie(&key(1), true);
        assert!(cookie.len() < 4000, "{}", cookie.len());
        let told = Flash::of(&key(1), &brought(&cookie)).unwrap();
        assert_eq!((told.refused.unwrap().chars().count(), told.typed.len()), (MOST_TEXT, 0));
    }
}
