//! Seals anew what the previous master key has sealed, so that the previous one can be forgotten: after a sweep with both,
//! nothing needs it any more.

use kotadb_core::crypto::MasterKey;
use kotadb_core::db::sealed::{self, Kind};
use kotadb_core::db::{Db, DbError, Scope};
use uuid::Uuid;

/// Secrets that are read at once.
const PAGE: i64 = 100;

/// How many were sealed anew. What neither key opens is left as it is.
pub async fn reseal(db: &Db, key: &MasterKey) -> Result<u64, DbError> {
    let mut resealed = 0;
    for kind in Kind::ALL {
        let mut after = Uuid::nil();
        loop {
            let mut tx = db.begin(Scope::Worker).await?;
            let page = sealed::list(&mut tx, kind, after, PAGE).await?;
            for (id, former) in page.iter().filter(|(_, sealed)| !key.is_current(sealed)) {
                let context = kind.context(*id);
                if let Ok(secret) = key.open(&context, former) {
                    let new = key.seal(&context, &secret);
                    resealed += u64::from(sealed::replace(&mut tx, kind, *id, former, &new).await?);
                }
            }
            tx.commit().await?;
            match page.last() {
                Some((id, _)) => after = *id,
                None => break,
            }
        }
    }
    Ok(resealed)
}
