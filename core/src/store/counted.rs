//! A store in memory whose requests are counted and interrupted, one of them, as a test plans.

use std::sync::Arc;

use object_store::{Error, Result};

use crate::operations::{Allowed, Interrupted, Operations};
use crate::store::between::{Behind, Between, Request};
use crate::store::faults::SharedMemory;
use crate::store::remote::Remote;
use crate::store::{Backend, Store};

impl SharedMemory {
    /// The store as a run sees it whose operations are planned.
    pub fn counted(&self, operations: &Arc<Operations>) -> Store {
        let store = Behind::new(self.objects(), Arc::clone(operations));
        Store { backend: Backend::Remote(Remote::over(Arc::new(store))) }
    }
}

impl Between for Operations {
    type Sent = Allowed;

    async fn before(&self, request: Request) -> Result<Allowed> {
        let what = match request {
            Request::Get => "store get",
            Request::Put => "store put",
            Request::Delete => "store delete",
            Request::List => "store list",
            Request::Copy => "store copy",
        };
        Self::before(self, what).await.map_err(lost)
    }

    async fn after(&self, allowed: Allowed, _: u64) -> Result<()> {
        Self::after(self, allowed).await.map_err(lost)
    }
}

fn lost(error: Interrupted) -> Error {
    Error::Generic { store: "interrupted", source: error.into() }
}
