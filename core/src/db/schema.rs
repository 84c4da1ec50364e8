//! Whether a program and the schema that it finds fit: an older schema lacks what the program asks for, and a newer one
//! states which releases still work on it, so that going back by one release does.

use super::migrate;

/// The schema of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// Newest applied migration; `None`: none.
    pub version: Option<String>,
    /// Releases of which a program must be at least the newest.
    pub needs_binary: Vec<String>,
}

impl Schema {
    /// Whether the program of this release works on it: what to warn of, if anything, or why not and what to do.
    pub fn fits(&self) -> Result<Option<String>, String> {
        self.fits_release(env!("CARGO_PKG_VERSION"), migrate::latest())
    }

    fn fits_release(&self, release: &str, wanted: &str) -> Result<Option<String>, String> {
        let version = self.version.as_deref().unwrap_or("no version");
        if self.version.as_deref().is_none_or(|version| version < wanted) {
            return Err(format!(
                "the schema is at {version}, this program needs {wanted}: run `kotadb-indexer migrate`"
            ));
        }
        let newer = self.needs_binary.iter().filter(|needed| numbers(needed) > numbers(release));
        if let Some(needed) = newer.max_by_key(|needed| numbers(needed)) {
            return Err(format!(
                "the schema is at {version}, on which programs before {needed} do not work, and this is {release}: deploy {needed} or a later one"
            ));
        }
        Ok((version > wanted).then(|| format!("the schema is at {version}, newer than {wanted} that this program knows; it says that {release} still works on it")))
    }
}

/// `1.2.3` as numbers; what is no number counts as zero.
fn numbers(release: &str) -> Vec<u64> {
    release.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(version: &str, needs_binary: &[&str]) -> Schema {
        Schema { version: Some(version.into()), needs_binary: needs_binary.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn older_schemas_are_refused_and_newer_ones_if_they_say_so() {
        let fits = |schema: Schema| schema.fits_release("0.9.0", "20260102000000");
        assert_eq!(fits(schema("20260102000000", &["0.1.0", "0.9.0"])), Ok(None));
        assert!(fits(schema("20260103000000", &["0.9.0"])).unwrap().unwrap().contains("still works"));
        assert!(fits(schema("20260101000000", &[])).unwrap_err().contains("run `kotadb-indexer migrate`"));
        assert!(fits(Schema::default()).unwrap_err().contains("at no version"));
        let newer = fits(schema("20260103000000", &["0.9.0", "0.10.0"])).unwrap_err();
        let far = schema("20260103000000", &["0.10.0", "0.9.0"]).fits_release("0.8.0", "20260102000000").unwrap_err();
        assert!(far.contains("before 0.10.0"), "the last of them, by its numbers: {far}");
        assert!(newer.contains("before 0.10.0") && newer.contains("this is 0.9.0"), "{newer}");
    }
}
