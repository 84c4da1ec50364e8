//! Whoever holds a cursor can go on with it, and with nothing that is written by another hand.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kotadb_core::crypto::MasterKey;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::search::{CursorError, Page, SearchCursor, SearchError, SearchRequest, Searcher};
use kotadb_core::segment::Class;
use kotadb_core::store::StoreError;
use kotadb_core::text::Language;
use uuid::Uuid;

use super::index::{File, Index, Repository};
use super::{CACHE, block_on, publish};

fn repositories() -> Vec<Repository> {
    let file = |path: &str| File {
        path: path.as_bytes().to_vec(),
        content: b"word\n".to_vec(),
        class: Class::Source,
        language: Language::TEXT,
    };
    let refs = |paths: &[&str]| vec![("refs/heads/main".to_owned(), paths.iter().map(|path| file(path)).collect())];
    vec![Repository { name: "acme/one".to_owned(), refs: refs(&["a", "b", "c"]) }]
}

async fn page(index: &Index, searcher: &Searcher, cursor: Option<SearchCursor>) -> Result<SearchCursor, SearchError> {
    let page = Page { cursor, ..Page::of_files(1) };
    let request = SearchRequest { page, ..index.request("word", None).unwrap() };
    searcher.search(&request).await.map(|result| result.next.expect("there are three files"))
}

#[test]
fn a_cursor_that_was_edited_is_refused() {
    block_on(async {
        let (index, searcher) = publish(&repositories(), 10).await;
        let text = page(&index, &searcher, None).await.unwrap().to_string();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        let refused = |bytes: &[u8]| searcher.cursor(index.tenant, &URL_SAFE_NO_PAD.encode(bytes)).err();
        for at in 0..bytes.len() {
            let mut edited = bytes.clone();
            edited[at] ^= 1;
            assert_eq!(refused(&edited), Some(CursorError::Malformed), "byte {at}");
            // A checksum is no signature: anybody can make one.
            let body = edited.len() - 4;
            let checksum = crc32c::crc32c(&edited[..body]).to_le_bytes();
            edited[body..].copy_from_slice(&checksum);
            assert_eq!(refused(&edited), Some(CursorError::Malformed), "byte {at}, with a checksum");
        }
        let other = TenantId(Uuid::from_u128(78));
        assert_eq!(searcher.cursor(other, &text).err(), Some(CursorError::Malformed), "of another tenant");
        let cursor = searcher.cursor(index.tenant, &text).unwrap();
        let foreign = Index { tenant: other, store: index.store.clone(), visible: index.visible.clone() };
        match page(&foreign, &searcher, Some(cursor.clone())).await {
            Err(SearchError::Cursor(CursorError::Foreign)) => {}
            other => panic!("{other:?}"),
        }
        page(&index, &searcher, Some(cursor)).await.unwrap();
    });
}

#[test]
fn machines_with_one_master_key_go_on_with_each_others_cursors() {
    let key = |byte: u8| STANDARD.encode([byte; 32]);
    let master = |current: u8, previous: Option<u8>| {
        MasterKey::from_base64(&key(current), previous.map(key).as_deref()).unwrap()
    };
    block_on(async {
        let (index, _) = publish(&repositories(), 10).await;
        let machine =
            |master: Option<MasterKey>| Searcher::new(index.store.clone(), CACHE).signing_with(master.as_ref());
        let text = page(&index, &machine(Some(master(1, None))), None).await.unwrap().to_string();
        for (other, reads) in [
            (machine(Some(master(1, None))), true),
            (machine(Some(master(2, Some(1)))), true),
            (machine(Some(master(2, None))), false),
            (machine(None), false),
        ] {
            match other.cursor(index.tenant, &text) {
                Ok(cursor) => assert!(reads && page(&index, &other, Some(cursor)).await.is_ok()),
                Err(error) => assert_eq!((error, reads), (CursorError::Malformed, false)),
            }
        }
    });
}

#[test]
fn a_snapshot_of_another_commit_than_the_refs_is_not_answered_from() {
    block_on(async {
        let (index, searcher) = publish(&repositories(), 10).await;
        let forged = |root: &mut kotadb_core::store::Root| {
            let tips = root.repositories.values_mut().filter_map(|entry| entry.default.as_mut());
            tips.for_each(|tip| tip.commit = ObjectId([9; 20]));
            Ok::<_, StoreError>(true)
        };
        index.store.update_head(index.tenant, forged).await.unwrap();
        match page(&index, &searcher, None).await {
            Err(SearchError::Store(StoreError::Corrupt { what, .. })) => {
                assert!(what.contains("is of commit"), "{what}")
            }
            other => panic!("{other:?}"),
        }
    });
}
