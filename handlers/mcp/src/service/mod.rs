//! The ground of the tools in the service: what the key of one request may see, asked as its routes ask.

mod indexing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kotadb_core::db::Scope;
use kotadb_core::db::principal::Principal;
use kotadb_core::db::repositories::{self, RepositoryRow};
use kotadb_core::facts::SymbolKind;
use kotadb_core::http::{ApiError, Code, Resources};
use kotadb_core::query::{self, NameKind, Query};
use kotadb_core::search::commit::{Answered, Ask, CommitState, FileRequest};
use kotadb_core::search::{Budget, Context, Page, SearchError, SearchRequest, Searcher, SymbolRequest, Visible};
use kotadb_core::wire::files::{FileText, file_text};
use kotadb_core::wire::search::{Hit, SearchList, list};
use kotadb_core::wire::symbols::{self, SymbolList};
use kotadb_core::wire::{Freshness, IndexState, Timestamp};

use self::indexing::state;
use crate::arguments::{ReadArguments, SearchArguments, SymbolsArguments};
use crate::ground::{Ground, Place, Refusal, Told};
use crate::progress::Progress;
use crate::question::{CodeAnswer, CodeQuestion};

/// After this a search gives what it has.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same of bytes from the object store.
const MAX_BYTES: u64 = 1 << 30;
/// Bytes of a file that are read for one answer, which is made to fit afterwards.
const FILE_BYTES: usize = 80_000;
/// Repositories of which an answer says how fresh it is.
const MOST_FRESH: usize = 5;
/// Repositories of a list.
const MOST_LISTED: i64 = 1000;

/// What one request may see.
#[derive(Clone)]
pub struct ServiceGround {
    resources: Resources,
    searcher: Searcher,
    key: Arc<Principal>,
}

impl ServiceGround {
    /// Of whoever asks.
    pub fn new(resources: &Resources, key: &Principal) -> Result<Self, ApiError> {
        let searcher = resources.searcher()?.clone();
        Ok(Self { resources: resources.clone(), searcher, key: Arc::new(key.clone()) })
    }

    /// The repository that is meant, or all where none is named.
    fn visible(&self, place: &Place) -> Result<Vec<Visible>, ApiError> {
        match &place.repo {
            Some(name) => Ok(vec![self.key.repository(name)?]),
            None => Ok(self.key.visible()),
        }
    }

    fn one(&self, place: &Place) -> Result<Visible, ApiError> {
        match &place.repo {
            Some(name) => self.key.repository(name),
            None => self.key.only_repository().map_err(|error| match error.code() {
                Code::InvalidRequest => ApiError::invalid_request("there are several repositories: give `repo`"),
                _ => error,
            }),
        }
    }

    fn needs(&self, scope: &str) -> Result<(), ApiError> {
        let detail = format!("this key lacks the scope `{scope}`: use one that has it");
        self.key.has(scope).then_some(()).ok_or_else(|| ApiError::new(Code::InsufficientScope, detail))
    }

    /// Of the repositories of an answer: HEAD is in memory by then.
    async fn freshness(&self, names: BTreeSet<&str>, place: &Place) -> Vec<Freshness> {
        let mut states = Vec::new();
        for name in names.into_iter().take(MOST_FRESH) {
            let Ok(request) = self.key.commit(Some(name), place.reference.as_deref(), None) else { continue };
            states.extend(self.searcher.commit_state(&request).await.ok());
        }
        self.fresh(&states).await
    }

    /// Pushes are counted on default branches alone.
    async fn fresh(&self, states: &[CommitState]) -> Vec<Freshness> {
        let of_default = |state: &&CommitState| state.is_default;
        let ids: Vec<_> = states.iter().filter(of_default).map(|state| state.repository).collect();
        let behind = if ids.is_empty() { BTreeMap::new() } else { self.behind(&ids).await };
        let behind_by = |state: &CommitState| behind.get(&state.repository).filter(|_| state.is_default).copied();
        states.iter().map(|state| Freshness { behind_by: behind_by(state), ..fresh(state) }).collect()
    }

    async fn asked<Q: Ask>(&self, place: &Place, question: &Q) -> Result<Answered<Q::Answer>, ApiError> {
        let id = self.one(place)?.id.to_string();
        let request = self.key.commit(Some(&id), place.reference.as_deref(), None)?;
        Ok(self.searcher.ask(&request, question).await?)
    }
}

fn fresh(state: &CommitState) -> Freshness {
    Freshness {
        repository: state.repository_name.clone(),
        commit: Some(state.commit.to_string()),
        indexed_at: published(state),
        ..Freshness::default()
    }
}

/// The name of a snapshot says when it was made.
fn published(state: &CommitState) -> Option<Timestamp> {
    state.snapshot.written_ms().and_then(Timestamp::from_millis)
}

impl Ground for ServiceGround {
    async fn repositories(&self, query: &str) -> Result<Vec<IndexState>, Refusal> {
        let rows = async {
            let mut tx = self.resources.db()?.begin(Scope::Tenant(self.key.tenant)).await?;
            let rows = repositories::list(&mut tx, None, MOST_LISTED, self.key.only().as_deref()).await?;
            tx.commit().await?;
            Ok::<_, ApiError>(rows)
        };
        let query = query.to_lowercase();
        let rows = rows.await?.into_iter().filter(|row| row.name.to_lowercase().contains(&query));
        let rows: Vec<_> = rows.collect();
        let behind = self.behind(&rows.iter().map(|row| row.id).collect::<Vec<_>>()).await;
        let state = |row: RepositoryRow| IndexState { behind_by: behind.get(&row.id).copied(), ..state(row, None) };
        Ok(rows.into_iter().map(state).collect())
    }

    async fn index(&self, place: &Place, url: Option<&str>, progress: &Progress) -> Result<IndexState, Refusal> {
        let (id, told) = match url {
            Some(url) => self.register(url).await?,
            None => {
                self.needs("jobs:write")?;
                let id = self.one(place)?.id;
                self.queue(id).await?;
                (id, None)
            }
        };
        self.follow(id, progress).await?;
        let state = self.state(id).await?;
        Ok(IndexState { detail: state.detail.clone().or(told), ..state })
    }

    async fn status(&self, place: &Place) -> Result<Told<IndexState>, Refusal> {
        let state = self.state(self.one(place)?.id).await?;
        Ok(Told { answer: state, freshness: Vec::new() })
    }

    async fn search(&self, place: &Place, search: &SearchArguments) -> Result<Told<SearchList>, Refusal> {
        let query = of_ref(query::parse(&search.query).map_err(ApiError::from)?, place);
        let tenant = self.key.tenant;
        let cursor = search.cursor.as_deref().map(|text| self.searcher.cursor(tenant, text));
        let cursor = cursor.transpose().map_err(SearchError::from).map_err(ApiError::from)?;
        let context = search.context.unwrap_or(0);
        let request = SearchRequest {
            page: Page { cursor, ..Page::of_lines(search.limit.unwrap_or(20) as usize) },
            context: Context { before: context, after: context },
            budget: Budget { deadline: Some(Instant::now() + PATIENCE), bytes: Some(MAX_BYTES) },
            ..SearchRequest::new(tenant, self.visible(place)?, query)
        };
        let result = self.searcher.search(&request).await.map_err(ApiError::from)?;
        let mut answer = list(&result);
        let names = result.files.iter().map(|file| file.repository_name.as_str()).collect();
        let freshness = self.freshness(names, place).await;
        if let [only] = freshness.as_slice() {
            answer.list.items.iter_mut().for_each(|hit| leave_out(hit, only));
        }
        Ok(Told { answer, freshness })
    }

    async fn symbols(&self, place: &Place, wanted: &SymbolsArguments) -> Result<Told<SymbolList>, Refusal> {
        let filter = query::parse_filter(wanted.filter.as_deref().unwrap_or_default()).map_err(ApiError::from)?;
        let request = SymbolRequest {
            exact: wanted.exact,
            kinds: wanted.kinds.iter().map(|name| kind(name)).collect::<Result<_, _>>()?,
            filter: of_ref(filter, place),
            limit: wanted.limit.unwrap_or(20) as usize,
            ..SymbolRequest::new(self.key.tenant, self.visible(place)?, &wanted.name)
        };
        let found = self.searcher.symbols(&request).await.map_err(ApiError::from)?;
        let names = found.symbols.iter().map(|hit| hit.repository_name.as_str()).collect();
        let freshness = self.freshness(names, place).await;
        Ok(Told { answer: symbols::list(&found), freshness })
    }

    async fn ask(&self, place: &Place, question: &CodeQuestion) -> Result<Told<CodeAnswer>, Refusal> {
        let Answered { answer, state, .. } = self.asked(place, question).await?;
        Ok(Told { answer, freshness: self.fresh(&[state]).await })
    }

    async fn file(&self, place: &Place, read: &ReadArguments) -> Result<Told<FileText>, Refusal> {
        let path = read.path.as_bytes().to_vec();
        let request = FileRequest { path, first: read.start.unwrap_or(1), last: read.end, most_bytes: FILE_BYTES };
        let Answered { answer, state, stats } = self.asked(place, &request).await?;
        let freshness = self.fresh(std::slice::from_ref(&state)).await;
        Ok(Told { answer: file_text(&answer, &state, stats), freshness })
    }
}

/// What the answer says once it does not say with each line.
fn leave_out(hit: &mut Hit, only: &Freshness) {
    if hit.commit == only.commit {
        (hit.repository, hit.ref_name, hit.commit) = (None, None, None);
        hit.other_refs.clear();
    }
}

fn of_ref(query: Query, place: &Place) -> Query {
    match place.reference.as_deref() {
        Some(reference) => query.of_ref(NameKind::Plain, reference),
        None => query,
    }
}

fn kind(name: &str) -> Result<SymbolKind, ApiError> {
    let found = SymbolKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| ApiError::invalid_request(format!("the kind `{name}` is unknown: give `function`, `class`, …")))
}
