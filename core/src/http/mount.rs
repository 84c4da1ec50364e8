//! How handlers mount their routes. A handler's `#[utoipa::path]` says its path, its methods and what it does, once. A server
//! needs path and method alone, because it serves the committed description; what else is said there is collected in builds
//! for tests, which hold it against that. In a server it would be 3 MB and some milliseconds of each start.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, Route};
use tower::{Layer, Service};
use utoipa_axum::PathItemExt;

/// What a path says of itself: in builds for tests, what its handlers say.
#[cfg(feature = "testing")]
pub type Described<S> = utoipa_axum::router::UtoipaMethodRouter<S>;
/// What a path says of itself: nothing.
#[cfg(not(feature = "testing"))]
pub type Described<S> = std::marker::PhantomData<fn() -> S>;

/// The routes of a family, or of all.
pub struct OpenApiRouter<S = ()> {
    router: Router<S>,
    #[cfg(feature = "testing")]
    openapi: utoipa::openapi::OpenApi,
}

/// The handlers of one path, made by [`routes!`](crate::http::routes).
pub struct Mounted<S> {
    path: String,
    methods: MethodRouter<S>,
    described: Described<S>,
}

impl<S: Clone + Send + Sync + 'static> Mounted<S> {
    /// No handler yet.
    pub fn new(described: Described<S>) -> Self {
        Self { path: String::new(), methods: MethodRouter::new(), described }
    }

    /// One more handler, which `P` describes.
    #[must_use]
    pub fn on<P, H, T>(mut self, handler: H) -> Self
    where
        P: utoipa::Path,
        H: Handler<T, S>,
        T: 'static,
    {
        self.path = P::path();
        for method in P::methods() {
            self.methods = self.methods.on(method.to_method_filter(), handler.clone());
        }
        self
    }
}

impl<S: Clone + Send + Sync + 'static> Default for OpenApiRouter<S> {
    fn default() -> Self {
        Self {
            router: Router::new(),
            #[cfg(feature = "testing")]
            openapi: utoipa_axum::router::OpenApiRouter::<S>::new().into_openapi(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> OpenApiRouter<S> {
    /// One path more.
    #[must_use]
    pub fn routes(mut self, mounted: Mounted<S>) -> Self {
        let Mounted { path, methods, described } = mounted;
        self.describe(described);
        self.router = self.router.route(&path, methods);
        self
    }

    /// A path that is not described: a page for people.
    #[must_use]
    pub fn route(mut self, path: &str, methods: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, methods);
        self
    }

    /// With a layer round what is there so far.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// Those of another family, too.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        #[cfg(feature = "testing")]
        self.openapi.merge(other.openapi);
        self.router = self.router.merge(other.router);
        self
    }

    /// Without descriptions.
    pub fn into_router(self) -> Router<S> {
        self.router
    }

    /// What they say of themselves.
    #[cfg(feature = "testing")]
    pub fn into_openapi(self) -> utoipa::openapi::OpenApi {
        self.openapi
    }

    #[cfg(feature = "testing")]
    fn describe(&mut self, described: Described<S>) {
        let known = std::mem::take(&mut self.openapi);
        let all = utoipa_axum::router::OpenApiRouter::with_openapi(known).routes(described);
        self.openapi = all.into_openapi();
    }

    #[cfg(not(feature = "testing"))]
    fn describe(&mut self, _described: Described<S>) {}
}

/// `routes!(list, make::make)`: the handlers of one path, each with its `#[utoipa::path]`.
#[macro_export]
#[doc(hidden)]
macro_rules! mounted_routes {
    (@on $mounted:ident [$($module:ident)*] $handler:ident) => {
        $crate::http::paste! {
            $mounted.on::<$($module ::)* [<__path_ $handler>], _, _>($($module ::)* $handler)
        }
    };
    (@on $mounted:ident [$($module:ident)*] $next:ident :: $($rest:tt)+) => {
        $crate::http::routes!(@on $mounted [$($module)* $next] $($rest)+)
    };
    ($($($part:ident)::+),+ $(,)?) => {{
        let mounted = $crate::http::Mounted::new($crate::http::described_routes!($($($part)::+),+));
        $(let mounted = $crate::http::routes!(@on mounted [] $($part)::+);)+
        mounted
    }};
}

/// What the handlers of a path say of themselves.
#[cfg(feature = "testing")]
#[macro_export]
#[doc(hidden)]
macro_rules! described_routes {
    ($($handler:path),+) => { $crate::http::utoipa_routes!($($handler),+) };
}

/// Nothing.
#[cfg(not(feature = "testing"))]
#[macro_export]
#[doc(hidden)]
macro_rules! described_routes {
    ($($handler:path),+) => {
        ::std::marker::PhantomData
    };
}

#[doc(hidden)]
pub use described_routes;
pub use mounted_routes as routes;
