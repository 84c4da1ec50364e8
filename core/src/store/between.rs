//! A store of object_store with something between it and whoever asks: what the stores that are made for tests share. What
//! that does to requests is the business of `faults`, `latency` and the tests of `remote`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt, future};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Get,
    Put,
    /// Of one object.
    Delete,
    List,
    Copy,
}

/// What requests meet on their way.
pub(super) trait Between: fmt::Debug + Send + Sync + 'static {
    /// What is remembered of a request until its answer comes.
    type Sent: Send + 'static;

    /// Lets a request through, sooner or later. An error is its answer, and the store never sees it.
    fn before(&self, request: Request) -> impl Future<Output = Result<Self::Sent>> + Send;

    /// Lets an answer with this many bytes of content through, sooner or later. An error takes its place.
    fn after(&self, sent: Self::Sent, bytes: u64) -> impl Future<Output = Result<()>> + Send;
}

/// A store, and what is between.
#[derive(Debug)]
pub(super) struct Behind<B> {
    inner: Arc<dyn ObjectStore>,
    between: Arc<B>,
}

impl<B: Between> Behind<B> {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, between: Arc<B>) -> Self {
        Self { inner, between }
    }

    async fn send<T>(&self, request: Request, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let sent = self.between.before(request).await?;
        let answer = answer.await;
        self.between.after(sent, 0).await?;
        answer
    }

    /// An answer begins when it is let in; what follows is met as its content is read.
    async fn get(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let sent = self.between.before(Request::Get).await?;
        let answer = match self.inner.get_opts(location, options).await {
            Ok(answer) => answer,
            Err(error) => {
                self.between.after(sent, 0).await?;
                return Err(error);
            }
        };
        let (meta, range, attributes) = (answer.meta.clone(), answer.range.clone(), answer.attributes.clone());
        let (extensions, between) = (answer.extensions.clone(), Arc::clone(&self.between));
        let content = async move {
            let bytes = answer.bytes().await?;
            between.after(sent, bytes.len() as u64).await?;
            Ok(bytes)
        };
        let payload = GetResultPayload::Stream(stream::once(content).boxed());
        Ok(GetResult { payload, meta, range, attributes, extensions })
    }

    async fn delete(self, path: Path) -> Result<Path> {
        let one = stream::once(future::ready(Ok(path.clone()))).boxed();
        let deleted = async { self.inner.delete_stream(one).try_collect::<Vec<_>>().await };
        self.send(Request::Delete, deleted).await.map(|_| path)
    }
}

impl<B> Clone for Behind<B> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), between: Arc::clone(&self.between) }
    }
}

impl<B: Between> fmt::Display for Behind<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind {:?}", self.inner, self.between)
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

impl<B: Between> ObjectStore for Behind<B> {
    fn put_opts<'a, 'b, 'c>(&'a self, to: &'b Path, bytes: PutPayload, options: PutOptions) -> Answer<'c, PutResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(self.send(Request::Put, self.inner.put_opts(to, bytes, options)))
    }

    fn put_multipart_opts<'a, 'b, 'c>(
        &'a self,
        to: &'b Path,
        options: PutMultipartOptions,
    ) -> Answer<'c, Box<dyn MultipartUpload>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(self.send(Request::Put, self.inner.put_multipart_opts(to, options)))
    }

    fn get_opts<'a, 'b, 'c>(&'a self, location: &'b Path, options: GetOptions) -> Answer<'c, GetResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(self.get(location, options))
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        paths.and_then(move |path| store.clone().delete(path)).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let list = async { Ok(store.inner.list(prefix.as_ref())) };
            store.send(Request::List, list).await
        };
        stream::once(listed).try_flatten().boxed()
    }

    fn list_with_delimiter<'a, 'b, 'c>(&'a self, prefix: Option<&'b Path>) -> Answer<'c, ListResult>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        Box::pin(self.send(Request::List, self.inner.list_with_delimiter(prefix)))
    }

    fn copy_opts<'a, 'b, 'd, 'c>(&'a self, from: &'b Path, to: &'d Path, options: CopyOptions) -> Answer<'c, ()>
    where
        'a: 'c,
        'b: 'c,
        'd: 'c,
        Self: 'c,
    {
        Box::pin(self.send(Request::Copy, self.inner.copy_opts(from, to, options)))
    }
}
