//! Swaps of HEAD whose answer is lost, and those that were never made, behind a store that fails on command.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::stream::BoxStream;
use object_store::path::Path as ObjectPath;
use object_store::{
    CopyOptions, GetResult, ListResult, ObjectMeta, PutMultipartOptions, PutPayload, PutResult, Result,
};

use super::*;

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// What becomes of a PUT: `true`, it is carried out; `false`, it is not. Either way its answer is an error.
#[derive(Debug)]
struct Failing {
    inner: Arc<InMemory>,
    carried_out: bool,
    failures_left: AtomicU32,
    sendings: AtomicU32,
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failing")
    }
}

impl ObjectStore for Failing {
    fn put_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> Answer<'c, PutResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(async move {
            self.sendings.fetch_add(1, Ordering::Relaxed);
            let fails =
                self.failures_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            if fails.is_ok() && !self.carried_out {
                return Err(lost());
            }
            let done = self.inner.put_opts(location, payload, options).await;
            if fails.is_ok() { Err(lost()) } else { done }
        })
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        location: &'b ObjectPath,
        options: PutMultipartOptions,
    ) -> Answer<'c, Box<dyn MultipartUpload>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.put_multipart_opts(location, options)
    }

    fn get_opts<'a, 'b, 'c>(&'a self, location: &'b ObjectPath, options: GetOptions) -> Answer<'c, GetResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.get_opts(location, options)
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<ObjectPath>>) -> BoxStream<'static, Result<ObjectPath>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b ObjectPath>) -> Answer<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        self.inner.list_with_delimiter(prefix)
    }

    fn copy_opts<'a, 'b, 'd, 'c>(
        &'a self,
        from: &'b ObjectPath,
        to: &'d ObjectPath,
        options: CopyOptions,
    ) -> Answer<'c, ()>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
        Self: 'c,
    {
        self.inner.copy_opts(from, to, options)
    }
}

fn lost() -> Error {
    Error::Generic { store: "failing", source: "the connection broke".into() }
}

/// Whether the first `failures` swaps are carried out, and the store they meet.
fn failing(carried_out: bool, failures: u32) -> (Remote, Arc<Failing>) {
    let inner = Arc::new(InMemory::new());
    let (failures_left, sendings) = (AtomicU32::new(failures), AtomicU32::new(0));
    let swapper = Arc::new(Failing { inner: inner.clone(), carried_out, failures_left, sendings });
    (Remote { store: inner, swapper: swapper.clone(), waste: Waste::NONE }, swapper)
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_counts() {
    let (remote, swapper) = failing(true, 1);
    let first = remote.swap("HEAD", None, "one".into()).await.unwrap();
    assert!(first.is_some());
    assert_eq!(swapper.sendings.load(Ordering::Relaxed), 1);
    swapper.failures_left.store(1, Ordering::Relaxed);
    let second = remote.swap("HEAD", first.clone(), "two".into()).await.unwrap();
    assert!(second.is_some());
    assert!(remote.swap("HEAD", first, "three".into()).await.unwrap().is_none());
    assert!(remote.swap("HEAD", second, "three".into()).await.unwrap().is_some(), "the tag that was looked up is good");
}

#[tokio::test]
async fn a_swap_that_was_not_made_is_sent_again() {
    let (remote, swapper) = failing(false, 2);
    assert!(remote.swap("HEAD", None, "one".into()).await.unwrap().is_some());
    assert_eq!(swapper.sendings.load(Ordering::Relaxed), 3);
    assert_eq!(remote.read_head("HEAD").await.unwrap().unwrap().bytes, "one");
}

#[tokio::test]
async fn a_store_that_stays_down_is_an_error() {
    let (remote, swapper) = failing(false, u32::MAX);
    assert!(matches!(remote.swap("HEAD", None, "one".into()).await, Err(StoreError::Backend { .. })));
    assert_eq!(swapper.sendings.load(Ordering::Relaxed), MAX_SENDINGS);
}

#[tokio::test]
async fn a_lost_answer_beside_another_writer_is_an_error_not_a_success() {
    let (remote, _) = failing(false, 1);
    let other = remote.store.put_opts(&"HEAD".into(), "other".into(), PutMode::Create.into()).await;
    other.unwrap();
    assert!(matches!(remote.swap("HEAD", None, "one".into()).await, Err(StoreError::Backend { .. })));
    assert_eq!(remote.read_head("HEAD").await.unwrap().unwrap().bytes, "other");
}
