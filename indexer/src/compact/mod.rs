//! Compaction: merges the segments of a tenant until every ref touches few, little of them is dead, and nothing of what
//! was deleted is left in them.
//!
//! ```text
//!  survey ──► plan ──► fetch ──► merge ──► verify ──► upload ──► rewrite ──► swap
//!  what is    which    inputs    frames,   against    outputs    snapshots   HEAD, once
//!  alive      to merge to disk   lists     the inputs            and refs    for all of it
//! ```
//!
//! Nothing that HEAD names is touched before the swap, and what the swap drops is noted for the collector. Killed or
//! overtaken at any point, a compaction leaves objects behind that no root names, and nothing else.

mod bound;
mod inputs;
mod object;
mod output;
mod plan;
mod rewrite;
mod seal;
mod survey;
mod touched;
mod verify;

#[cfg(test)]
mod race_tests;

use std::collections::BTreeSet;
use std::path::Path;

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{ObjectKey, Store};

pub use self::bound::Touched;
use self::inputs::Inputs;
pub use self::inputs::LocalFile;
pub use self::object::Object;
use self::plan::Most;
use self::rewrite::Rewriter;
pub use self::survey::Survey;
use crate::error::IndexError;
use crate::halt::Halt;
use crate::{fail_point, upload};

/// Merges of one round make segments that the next one may merge again; there are fewer levels than this.
const MOST_ROUNDS: usize = 8;

/// Text of a merge that may be waited for after a run.
const LITTLE_TEXT: u64 = 32 << 20;

/// How far a compaction goes.
#[derive(Clone, Copy, Debug)]
pub enum Extent<'a> {
    /// All that is due of the tenant: every snapshot is read.
    All,
    /// Merges of little text, and larger ones where a ref touches too many segments. For a local index, which nobody
    /// sweeps.
    Local,
    /// Merges of little text that these repositories have a share in, by what HEAD and their refs say: what that costs
    /// does not grow with the tenant. The rest is left to a sweep.
    Touched(&'a BTreeSet<RepositoryId>),
}

/// What a compaction works with.
#[derive(Clone, Copy, Debug)]
pub struct Compaction<'a> {
    /// Where the objects are.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// For inputs and outputs, on this machine.
    pub folder: &'a Path,
    /// How far it goes.
    pub extent: Extent<'a>,
    /// Milliseconds since 1970.
    pub now_ms: u64,
    /// Tells to stop.
    pub halt: &'a Halt,
}

/// What a compaction came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Merges that were published.
    pub merges: u64,
    /// Merges given up because others published meanwhile; the next compaction looks at them again.
    pub given_up: u64,
    /// Segments that went.
    pub inputs: u64,
    /// Segments that came.
    pub outputs: u64,
    /// Bytes of the segments that went.
    pub bytes_before: u64,
    /// Bytes of the segments that came.
    pub bytes_after: u64,
}

impl Compaction<'_> {
    /// Merges until nothing is due. Blocks its thread while it merges, so it needs a runtime of several.
    pub async fn run(&self) -> Result<Compacted, IndexError> {
        let mut done = Compacted::default();
        for _ in 0..MOST_ROUNDS {
            let groups = self.due().await?;
            let before = done.merges;
            for group in &groups {
                self.halt.check()?;
                self.merge(group, &mut done).await?;
            }
            if done.merges == before {
                break;
            }
        }
        Ok(done)
    }

    /// The groups of segments to merge.
    async fn due(&self) -> Result<Vec<Vec<ObjectKey>>, IndexError> {
        let most = match self.extent {
            Extent::All => Most { text: u64::MAX, narrowing: u64::MAX },
            Extent::Local => Most { text: LITTLE_TEXT, narrowing: u64::MAX },
            Extent::Touched(ids) => {
                let most = Most { text: LITTLE_TEXT, narrowing: LITTLE_TEXT };
                return touched::groups(self.store, self.tenant, ids, most).await;
            }
        };
        let survey = Survey::of(self.store, self.tenant).await?;
        self.acquit(&survey).await?;
        Ok(plan::groups(&survey.states(), &survey.refs, most))
    }

    /// Segments that were to be purged and of which everything is alive have nothing to hide.
    async fn acquit(&self, survey: &Survey) -> Result<(), IndexError> {
        let clean: BTreeSet<ObjectKey> = survey.clean();
        if clean.is_empty() {
            return Ok(());
        }
        let change = |root: &mut kotadb_core::store::Root| {
            let before = root.purge.len();
            // A deletion since then has its own reasons.
            if root.version == survey.root.version {
                root.purge.retain(|key| !clean.contains(key));
            }
            Ok::<_, IndexError>(root.purge.len() < before)
        };
        self.store.update_head(self.tenant, change).await?;
        Ok(())
    }

    async fn merge(&self, group: &[ObjectKey], done: &mut Compacted) -> Result<(), IndexError> {
        fail_point::hit("compact.planned");
        let Some(inputs) = Inputs::load(self, group).await? else {
            done.given_up += 1;
            return Ok(());
        };
        fail_point::hit("compact.fetched");
        self.merge_inputs(&inputs, done).await
    }

    async fn merge_inputs(&self, inputs: &Inputs, done: &mut Compacted) -> Result<(), IndexError> {
        let files = tokio::task::block_in_place(|| {
            let files = output::write(inputs, self.folder, self.halt)?;
            fail_point::hit("compact.merged");
            verify::verify(inputs, &files, self.halt)?;
            Ok::<_, IndexError>(files)
        })?;
        fail_point::hit("compact.verified");
        let mut outputs = Vec::new();
        for file in &files {
            outputs.push(upload::file(self.store, self.tenant, &file.path, &file.summary).await?);
        }
        fail_point::hit("compact.uploaded");
        let mut rewriter = Rewriter::new(self, inputs, &outputs);
        if !rewriter.publish().await? {
            done.given_up += 1;
            return Ok(());
        }
        fail_point::hit("compact.swapped");
        done.merges += 1;
        done.inputs += inputs.segments.len() as u64;
        done.outputs += outputs.len() as u64;
        done.bytes_before += inputs.bytes();
        done.bytes_after += outputs.iter().map(|output| output.bytes).sum::<u64>();
        Ok(())
    }
}
