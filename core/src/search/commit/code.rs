//! Questions that the graph of a commit answers.

use super::since::since;
use super::{Ask, CommitError, OpenCommit, names_only};
use crate::facts::Role;
use crate::graph::Confidence;
use crate::graph::ask::{Direction, Question, Reach};
use crate::search::relations::{
    CallTree, ChangeSource, DependencyTree, ImpactAnswer, MapAnswer, Meant, MemberTree, StoredGraph, SymbolPlace,
};

/// Asks where something is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionRequest {
    /// An id, a name, a qualified name, a path, `external:<package>#<name>`, or a place (`path:line:column`).
    pub symbol: String,
}

/// Asks who calls or uses a symbol, or what it calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallsRequest {
    /// As in [`DefinitionRequest`].
    pub symbol: String,
    /// What is asked of the tree.
    pub question: Question,
}

/// Asks what implements, extends or overrides a symbol, or what it does so to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembersRequest {
    /// As in [`DefinitionRequest`].
    pub symbol: String,
    /// What stands below it, not above.
    pub below: bool,
    /// What is less sure is left out.
    pub min_confidence: Confidence,
}

/// Asks what a file uses, or what uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependenciesRequest {
    /// Path from the root of the repository.
    pub path: Vec<u8>,
    /// Which way.
    pub direction: Direction,
    /// Levels at most.
    pub depth: u32,
    /// What is less sure is left out.
    pub min_confidence: Confidence,
    /// Kinds of use; none: all.
    pub roles: Vec<Role>,
    /// Lines at most.
    pub most: usize,
}

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changed {
    /// This.
    Source(ChangeSource),
    /// What is not as in another commit of the repository: a branch, a tag, or a commit by seven digits or more.
    Since(String),
}

/// Asks what may break when something changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ImpactRequest {
    /// What changes.
    pub changed: Changed,
    /// How far it is looked.
    pub reach: Reach,
}

/// Asks what is worth knowing first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapRequest {
    /// Paths, symbols or names to begin from.
    pub focus: Vec<String>,
    /// Only files whose path begins so.
    pub prefix: String,
    /// Bytes at most.
    pub bytes: usize,
}

impl OpenCommit<'_> {
    async fn asked_graph(&self) -> Result<StoredGraph<'_>, CommitError> {
        self.graph().await?.ok_or(CommitError::NoGraph)
    }
}

impl Ask for DefinitionRequest {
    type Answer = Vec<SymbolPlace>;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<Vec<SymbolPlace>, CommitError> {
        // What nobody uses and no other file may use is in no graph, but has a name.
        let (mut places, mut name) = (Vec::new(), self.symbol.clone());
        if let Some(graph) = commit.graph().await? {
            places = graph.relations().definitions(&self.symbol).await?;
            name = graph.relations().name(&self.symbol).await?;
        }
        if places.is_empty() { names_only::definitions(commit, &name).await } else { Ok(places) }
    }
}

impl Ask for CallsRequest {
    type Answer = Meant<CallTree>;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<Meant<CallTree>, CommitError> {
        match commit.graph().await? {
            Some(graph) => Ok(graph.relations().calls_of(&self.symbol, &self.question).await?),
            None => names_only::users(commit, &self.symbol, &self.question).await,
        }
    }
}

impl Ask for MembersRequest {
    type Answer = Meant<MemberTree>;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<Meant<MemberTree>, CommitError> {
        let graph = commit.asked_graph().await?;
        Ok(graph.relations().members_of(&self.symbol, self.below, self.min_confidence).await?)
    }
}

impl Ask for DependenciesRequest {
    type Answer = DependencyTree;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<DependencyTree, CommitError> {
        let graph = commit.asked_graph().await?;
        let filter = (self.depth, self.min_confidence, self.roles.as_slice(), self.most);
        Ok(graph.relations().dependencies(&self.path, self.direction, filter).await?)
    }
}

impl Ask for ImpactRequest {
    type Answer = ImpactAnswer;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<ImpactAnswer, CommitError> {
        let graph = commit.asked_graph().await?;
        let relations = graph.relations();
        let since = match &self.changed {
            Changed::Source(source) => return Ok(relations.impact(source, self.reach).await?),
            Changed::Since(reference) => since(commit, reference).await?,
        };
        let mut answer = relations.impact(&ChangeSource::Files(since.files), self.reach).await?;
        answer.unknown_files.extend(since.gone.iter().map(|path| String::from_utf8_lossy(path).into_owned()));
        answer.impact.truncated |= since.truncated;
        Ok(answer)
    }
}

impl Ask for MapRequest {
    type Answer = MapAnswer;
    const ASKS_SYMBOLS: bool = true;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<MapAnswer, CommitError> {
        let graph = commit.asked_graph().await?;
        Ok(graph.relations().map(&self.focus, &self.prefix, self.bytes).await?)
    }
}
