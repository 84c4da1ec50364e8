//! The ground of the tools on this machine: the local index, the working tree, and a graph that is made anew when they change.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kotadb_core::facts::SymbolKind;
use kotadb_core::query;
use kotadb_core::search::commit::{CommitError, CommitRequest, FileRequest};
use kotadb_core::search::{Context, Overlay, Page, SearchRequest, SearchStats, Searcher, SymbolRequest};
use kotadb_core::store::{Entry, Tip};
use kotadb_core::wire::files::{FileText, file_text};
use kotadb_core::wire::relations::{GraphState, definition_list};
use kotadb_core::wire::search::{SearchList, hits, list};
use kotadb_core::wire::symbols::{self, SymbolList};
use kotadb_core::wire::{Freshness, IndexState};
use kotadb_indexer::local::{LocalCode, LocalFile, name_symbols};
use kotadb_mcp::arguments::{ReadArguments, SearchArguments, SymbolsArguments};
use kotadb_mcp::ground::{Ground, Place, Refusal, Told};
use kotadb_mcp::progress::Progress;
use kotadb_mcp::question::{CodeAnswer, CodeQuestion, answer};
use tokio::runtime::{Builder, Runtime};

use super::seen::Seen;

/// Most memory that searches keep of what they have read.
const CACHE_BYTES: u64 = 64 << 20;
/// Bytes of a file that are read for one answer, which is made to fit afterwards.
const FILE_BYTES: usize = 80_000;
/// How long a call waits for an index that is being made: clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(50);

/// The index of one repository of this machine.
#[derive(Clone)]
pub struct LocalGround(Arc<Shared>);

struct Shared {
    path: PathBuf,
    state: Mutex<State>,
}

/// What is kept between calls, which come one at a time.
struct State {
    /// Of this state alone: what is read on it is not `Send`.
    runtime: Runtime,
    searcher: Option<Searcher>,
    code: Option<Kept>,
}

/// A graph and what it was made from.
struct Kept {
    tip: Tip,
    overlay: Option<Overlay>,
    code: LocalCode,
}

impl LocalGround {
    /// Nothing is read yet.
    pub fn new(path: PathBuf) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let state = Mutex::new(State { runtime, searcher: None, code: None });
        Ok(Self(Arc::new(Shared { path, state })))
    }

    /// Makes index and graph before anybody asks.
    pub async fn warm(&self) {
        let _told_to_whoever_asks = self.with(&Place::default(), |state, seen| state.code(seen).map(|_| ())).await;
    }

    /// Works on the code as it is now.
    async fn with<T: Send + 'static>(
        &self,
        place: &Place,
        work: impl FnOnce(&mut State, &Seen) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<(T, Freshness), Refusal> {
        self.with_progress(place, Progress::default(), work).await
    }

    /// The same, on a thread that may block; tells how far an index is that has to be made.
    async fn with_progress<T: Send + 'static>(
        &self,
        place: &Place,
        progress: Progress,
        work: impl FnOnce(&mut State, &Seen) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<(T, Freshness), Refusal> {
        let (shared, place) = (Arc::clone(&self.0), place.clone());
        let task = tokio::task::spawn_blocking(move || {
            // A call that panicked leaves what it had made: each is whole.
            let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = Seen::now(&shared.path, place.reference.as_deref(), &state.runtime, &progress)?;
            let name = &seen.index.name;
            if let Some(other) = place.repo.filter(|repo| repo != name && !repo.ends_with(&format!("/{name}"))) {
                anyhow::bail!("`{other}` is not served here: leave `repo` out");
            }
            let done = work(&mut state, &seen)?;
            Ok((done, seen.freshness()))
        });
        match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(done)) => done.map_err(|error: anyhow::Error| Refusal::new(format!("{error:#}"))),
            Ok(Err(_)) => Err(Refusal::new("the tool broke off: ask again, and report it if it happens again")),
            Err(_) => Err(Refusal::new("the index is still being made: ask again in some seconds")),
        }
    }

    async fn told<T: Send + 'static>(
        &self,
        place: &Place,
        work: impl FnOnce(&mut State, &Seen) -> anyhow::Result<T> + Send + 'static,
    ) -> Result<Told<T>, Refusal> {
        let (answer, freshness) = self.with(place, work).await?;
        Ok(Told { answer, freshness: vec![freshness] })
    }
}

impl State {
    fn searcher(&mut self, seen: &Seen) -> Searcher {
        self.searcher.get_or_insert_with(|| Searcher::new(seen.index.store.clone(), CACHE_BYTES)).clone()
    }

    /// The graph of the code, made anew where that has changed.
    fn code(&mut self, seen: &Seen) -> anyhow::Result<&LocalCode> {
        let overlay = seen.overlay();
        let is_it = |kept: &Kept| kept.tip == seen.choice.tip && kept.overlay.as_ref() == overlay;
        if !self.code.as_ref().is_some_and(is_it) {
            // The one before need not lie in memory beside it.
            self.code = None;
            let tip = seen.choice.tip.clone();
            let code = self.runtime.block_on(LocalCode::of(&seen.index.store, &tip, overlay))?;
            self.code = Some(Kept { tip, overlay: overlay.cloned(), code });
        }
        Ok(&self.code.as_ref().expect("it was just made").code)
    }

    fn search(&mut self, seen: &Seen, search: &SearchArguments) -> anyhow::Result<SearchList> {
        let query = query::parse(&search.query)?;
        let searcher = self.searcher(seen);
        let tenant = seen.index.tenant;
        let cursor = search.cursor.as_deref().map(|text| searcher.cursor(tenant, text)).transpose()?;
        let query = if seen.choice.is_default() || query.names_refs() { query } else { seen.choice.of(query) };
        let context = search.context.unwrap_or(0);
        let mut overlay = seen.overlay().cloned();
        if let Some(overlay) = overlay.as_mut().filter(|_| query.asks_symbols()) {
            name_symbols(overlay);
        }
        let request = SearchRequest {
            page: Page { cursor, ..Page::of_lines(search.limit.unwrap_or(20) as usize) },
            context: Context { before: context, after: context },
            overlay: overlay.map(Arc::new),
            ..SearchRequest::new(tenant, vec![seen.index.visible()], query)
        };
        let result = self.runtime.block_on(searcher.search(&request))?;
        let mut answer = list(&result);
        // There is one repository, and the answer says of which commit.
        answer.list.items = hits(&result).collect();
        Ok(answer)
    }

    fn symbols(&mut self, seen: &Seen, wanted: &SymbolsArguments) -> anyhow::Result<SymbolList> {
        let filter = query::parse_filter(wanted.filter.as_deref().unwrap_or_default())?;
        let filter = if seen.choice.is_default() { filter } else { seen.choice.of(filter) };
        let kinds = wanted.kinds.iter().map(|name| kind(name)).collect::<anyhow::Result<_>>()?;
        let request = SymbolRequest::new(seen.index.tenant, vec![seen.index.visible()], &wanted.name);
        let limit = wanted.limit.unwrap_or(20) as usize;
        let request = SymbolRequest { exact: wanted.exact, kinds, filter, limit, ..request };
        let searcher = self.searcher(seen);
        let mut answer = symbols::list(&self.runtime.block_on(searcher.symbols(&request))?);
        if seen.overlay().is_some() {
            let note = "symbols are those of the commit: `find_definition` and `get_symbol` know the working tree";
            answer.list.notes.push(note.to_owned());
        }
        Ok(answer)
    }

    fn ask(&mut self, seen: &Seen, question: &CodeQuestion) -> anyhow::Result<CodeAnswer> {
        self.code(seen)?;
        let code = &self.code.as_ref().expect("it was just made").code;
        let graph = GraphState { commit: seen.commit(), ..GraphState::of(None, code.indexed()) };
        let found = self.runtime.block_on(answer(&code.relations(), question, graph))?;
        // What nobody uses and no other file may use is in no graph, but the index has its name.
        if let (CodeQuestion::Definition(asked), CodeAnswer::Definition(list)) = (question, &found)
            && list.items.is_empty()
        {
            let searcher = self.searcher(seen);
            let request = CommitRequest::new(seen.index.tenant, seen.index.visible());
            let request = CommitRequest { reference: Some(seen.choice.tip.commit.to_string()), ..request };
            let index = list.index.clone();
            if let Ok(named) = self.runtime.block_on(searcher.ask(&request, asked)) {
                return Ok(CodeAnswer::Definition(definition_list(&asked.symbol, &named.answer, index)));
            }
        }
        Ok(found)
    }

    fn status(&self, seen: &Seen) -> anyhow::Result<IndexState> {
        let (files, skipped) = self.runtime.block_on(seen.index.count(&seen.choice.tip))?;
        let branch = seen.choice.tip.ref_name.strip_prefix("refs/heads/").map(ToOwned::to_owned);
        Ok(IndexState {
            repository: seen.index.name.clone(),
            status: "indexed".to_owned(),
            default_branch: branch,
            commit: seen.commit(),
            indexed_at: seen.indexed_at(),
            behind_by: seen.freshness().behind_by,
            files: Some(files),
            skipped: Some(skipped),
            ..IndexState::default()
        })
    }

    fn file(&self, seen: &Seen, read: &ReadArguments) -> anyhow::Result<FileText> {
        let path = read.path.as_bytes();
        let request =
            FileRequest { path: path.to_vec(), first: read.start.unwrap_or(1), last: read.end, most_bytes: FILE_BYTES };
        match self.runtime.block_on(seen.index.read(&seen.choice.tip, seen.overlay(), path))? {
            LocalFile::Text { text, mode, class, language } => {
                let entry = Entry { path, mode, segment: 0, doc: 0, class, language };
                let content = request.of(&entry, &text)?;
                Ok(file_text(&content, &seen.state(), SearchStats::default()))
            }
            LocalFile::LeftOut(reason) => Err(CommitError::LeftOut { path: read.path.clone(), reason }.into()),
            LocalFile::None => Err(CommitError::NoFile(read.path.clone()).into()),
        }
    }
}

fn kind(name: &str) -> anyhow::Result<SymbolKind> {
    let found = SymbolKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| anyhow::anyhow!("the kind `{name}` is unknown: give `function`, `class`, …"))
}

impl Ground for LocalGround {
    async fn repositories(&self, query: &str) -> Result<Vec<IndexState>, Refusal> {
        let (state, _) = self.with(&Place::default(), |state, seen| state.status(seen)).await?;
        Ok(std::iter::once(state).filter(|state| state.repository.contains(query)).collect())
    }

    async fn index(&self, place: &Place, url: Option<&str>, progress: &Progress) -> Result<IndexState, Refusal> {
        if url.is_some() {
            return Err(Refusal::new("one repository of this machine is served here: leave `url` out"));
        }
        // Every call brings the index up to date.
        let done = self.with_progress(place, progress.clone(), |state, seen| state.status(seen));
        done.await.map(|(state, _)| state)
    }

    async fn status(&self, place: &Place) -> Result<Told<IndexState>, Refusal> {
        self.told(place, |state, seen| state.status(seen)).await
    }

    async fn search(&self, place: &Place, search: &SearchArguments) -> Result<Told<SearchList>, Refusal> {
        let search = search.clone();
        self.told(place, move |state, seen| state.search(seen, &search)).await
    }

    async fn symbols(&self, place: &Place, symbols: &SymbolsArguments) -> Result<Told<SymbolList>, Refusal> {
        let symbols = symbols.clone();
        self.told(place, move |state, seen| state.symbols(seen, &symbols)).await
    }

    async fn ask(&self, place: &Place, question: &CodeQuestion) -> Result<Told<CodeAnswer>, Refusal> {
        let question = question.clone();
        self.told(place, move |state, seen| state.ask(seen, &question)).await
    }

    async fn file(&self, place: &Place, read: &ReadArguments) -> Result<Told<FileText>, Refusal> {
        let read = read.clone();
        self.told(place, move |state, seen| state.file(seen, &read)).await
    }
}
