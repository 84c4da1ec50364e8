//! `kotadb search`: asks the local index, and the working tree where no commit is asked for.

use std::sync::Arc;

use kotadb_core::query::{self, NameKind, Query};
use kotadb_core::search::{Context, Overlay, Page, SearchError, SearchRequest, SearchResult, Searcher};
use kotadb_indexer::local::{self, Choice, Lag, LocalIndex, Look, WorkingTree};

use crate::args::SearchArgs;
use crate::excluded::Excluded;
use crate::output::Output;
use crate::ready::{self, Behind};
use crate::settings::{Settings, SettingsArgs};
use crate::symbols::explained;

/// Most memory that a search keeps of what it has read, where it may ask for that again: on the next page, or once git has
/// said what differs.
const CACHE_BYTES: u64 = 32 << 20;
/// The same of a search that asks once: memory that is used again costs less than fresh memory.
const LEAST_BYTES: u64 = 64 << 10;
/// Most lines held at once of a long answer.
const PAGE_LINES: usize = 50_000;
/// Most files held at once, with all their lines.
const PAGE_FILES: usize = 1000;

/// Whether anything was found.
pub async fn run(args: &SearchArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let settings = Settings::of_repository(settings, args.local.flags(), &args.local.repo)?;
    let excluded = Excluded::of(&settings, args.no_exclude);
    let query = query::parse(&args.ripgrep.query(&args.query, excluded.globs())?)?;
    let query = if args.files { query.without_lines() } else { query };
    let index = ready::open(&args.local.repo, &settings)?;
    let mut asked = Asked::new(args, &index, (query, &settings)).await?;
    let mut output = Output::new(args, &settings, asked.request.query.has_lines());
    output.notes(excluded.note().into_iter().chain(asked.lag.map(|lag| Behind(lag).to_string())));
    let found = loop {
        let answer = match asked.answer.take() {
            Some(answer) => answer,
            None => asked.searcher.search(&asked.request).await,
        };
        let result = answer.map_err(|error| explained(&index, error))?;
        let room = output.page(&result)?;
        asked.request.page = Page { cursor: result.next.clone(), ..page(args, room) };
        (asked.request.count, asked.request.facets) = (false, false);
        if room == Some(0) || result.next.is_none() {
            break output.finish(&result, asked.tree.as_ref())?;
        }
    };
    if let Some(choice) = &asked.choice {
        // The folder may be one that we must not write to: the next search only is no faster then.
        let _no_faster = index.keep_flat(choice).await;
    }
    Ok(found)
}

/// What is asked, and what is known of the answer.
struct Asked {
    searcher: Searcher,
    request: SearchRequest,
    /// The ref that is asked about, where it is a single one.
    choice: Option<Choice>,
    tree: Option<WorkingTree>,
    /// What the index lacks of what is checked out.
    lag: Option<Lag>,
    /// The first page, where it is there already.
    answer: Option<Result<SearchResult, SearchError>>,
}

impl Asked {
    async fn new(args: &SearchArgs, index: &LocalIndex, (query, settings): (Query, &Settings)) -> anyhow::Result<Self> {
        match args.reference.as_deref() {
            _ if args.all_refs => Ok(Self::of_commits(args, index, query.of_ref(NameKind::Glob, "*"))),
            None if query.names_refs() => Ok(Self::of_commits(args, index, query)),
            None => Self::of_working_tree(args, index, (query, settings)).await,
            Some(pattern) if pattern.contains('*') => {
                Ok(Self::of_commits(args, index, query.of_ref(NameKind::Glob, pattern)))
            }
            Some(reference) => Self::of_ref(args, index, (reference, query)).await,
        }
    }

    fn of_commits(args: &SearchArgs, index: &LocalIndex, query: Query) -> Self {
        let is_page = args.limit > 0 && args.limit <= if args.files { PAGE_FILES } else { PAGE_LINES };
        let bytes = if is_page || args.count { LEAST_BYTES } else { CACHE_BYTES };
        let searcher = Searcher::new(index.store.clone(), bytes);
        Self { searcher, request: request(args, index, query), choice: None, tree: None, lag: None, answer: None }
    }

    async fn of_ref(args: &SearchArgs, index: &LocalIndex, (reference, query): (&str, Query)) -> anyhow::Result<Self> {
        let Some(choice) = index.choose(Some(reference)).await? else {
            return Ok(Self::of_commits(args, index, query));
        };
        if choice.moved {
            eprintln!("note: `{reference}` has moved on from the indexed commit {}", choice.tip.commit);
        }
        let asked = Self::of_commits(args, index, choice.of(query));
        Ok(Self { choice: Some(choice), ..asked })
    }

    /// While git looks for what differs, the commit is searched: where nothing differs, that is the answer, and where
    /// something does, what it read is in memory.
    async fn of_working_tree(
        args: &SearchArgs,
        index: &LocalIndex,
        (query, settings): (Query, &Settings),
    ) -> anyhow::Result<Self> {
        let look = index.look()?;
        let (choice, lag) = ready::checked_out(index, settings).await?;
        let Some(choice) = choice else {
            return match look {
                Some(look) => Self::of_files_alone(args, index, (look, query)).await,
                None => {
                    eprintln!("note: nothing is indexed here yet: commit something, then run `kotadb index`");
                    Ok(Self::of_commits(args, index, query))
                }
            };
        };
        let query = if choice.is_default() { query } else { choice.of(query) };
        let searcher = Searcher::new(index.store.clone(), CACHE_BYTES);
        let asked = Self { searcher, lag, choice: Some(choice.clone()), ..Self::of_commits(args, index, query) };
        let Some(look) = look else { return Ok(asked) };
        let early = tokio::spawn({
            let (searcher, request) = (asked.searcher.clone(), asked.request.clone());
            async move { searcher.search(&request).await }
        });
        let mut tree = look.end(&index.store, &choice.tip).await?;
        let Some(overlay) = tree.overlay.take() else {
            return Ok(Self { tree: Some(tree), answer: Some(early.await?), ..asked });
        };
        early.abort();
        let overlay = Some(over(overlay, &asked.request.query));
        let request = SearchRequest { overlay, ..asked.request };
        Ok(Self { request, tree: Some(tree), ..asked })
    }

    /// Before the first commit there is nothing to lie over: the files are all there is.
    async fn of_files_alone(
        args: &SearchArgs,
        index: &LocalIndex,
        (look, query): (Look<'_>, Query),
    ) -> anyhow::Result<Self> {
        let (store, tip) = local::nothing().await?;
        let mut tree = look.end(&store, &tip).await?;
        let overlay = tree.overlay.take().map(|overlay| over(overlay, &query));
        let request = SearchRequest { overlay, ..request(args, index, query) };
        let searcher = Searcher::new(store, CACHE_BYTES);
        Ok(Self { searcher, request, choice: None, tree: Some(tree), lag: None, answer: None })
    }
}

/// What lies over the commit, with its symbols where the query asks for symbols.
fn over(mut overlay: Overlay, query: &Query) -> Arc<Overlay> {
    if query.asks_symbols() {
        local::name_symbols(&mut overlay);
    }
    Arc::new(overlay)
}

fn request(args: &SearchArgs, index: &LocalIndex, query: Query) -> SearchRequest {
    let context = args.context.unwrap_or(0);
    SearchRequest {
        page: page(args, (args.limit > 0).then_some(args.limit)),
        // Facets are those of all files, so these are counted, too.
        count: args.count || args.facets,
        facets: args.facets,
        explain: args.explain,
        context: Context { before: args.before.unwrap_or(context), after: args.after.unwrap_or(context) },
        ..SearchRequest::new(index.tenant, vec![index.visible()], query)
    }
}

/// The next page of an answer that may still be `room` lines or files long; a count needs none.
fn page(args: &SearchArgs, room: Option<usize>) -> Page {
    let most = if args.files { PAGE_FILES } else { PAGE_LINES };
    let room = if args.count { 0 } else { room.unwrap_or(most).min(most) };
    if args.files { Page::of_files(room) } else { Page::of_lines(room) }
}
