//! `kotadb search`: asks the local index, and the working tree where no commit is asked for.

use std::sync::Arc;

use kotadb_core::query::{self, NameKind, Query};
use kotadb_core::search::{Context, Page, SearchError, SearchRequest, SearchResult, Searcher};
use kotadb_indexer::local::{self, Choice, LocalIndex, WorkingTree};

use crate::args::SearchArgs;
use crate::output::Output;

/// Most memory that one search keeps of what it has read.
const CACHE_BYTES: u64 = 256 << 20;
/// Most lines held at once of a long answer.
const PAGE_LINES: usize = 50_000;
/// Most files held at once, with all their lines.
const PAGE_FILES: usize = 1000;

/// Whether anything was found.
pub async fn run(args: &SearchArgs) -> anyhow::Result<bool> {
    let query = query::parse(&args.query.join(" "))?;
    let index = local::open(&args.repo)?;
    let searcher = Searcher::new(index.store.clone(), CACHE_BYTES);
    let mut asked = match commits(args, &index, &query).await? {
        Some(query) => Asked { request: request(args, &index, query), tree: None, answer: None },
        None => Asked::of_working_tree(args, &index, &searcher, query).await?,
    };
    let mut output = Output::new(args, asked.request.query.has_positive_text());
    loop {
        let answer = match asked.answer.take() {
            Some(answer) => answer,
            None => searcher.search(&asked.request).await,
        };
        let result = answer.map_err(|error| explained(&index, error))?;
        let room = output.page(&result)?;
        asked.request.page = Page { cursor: result.next.clone(), ..page(args, room) };
        if room == Some(0) || result.next.is_none() {
            return output.finish(&result, asked.tree.as_ref());
        }
    }
}

/// The query, where commits are asked for and not the working tree.
async fn commits(args: &SearchArgs, index: &LocalIndex, query: &Query) -> anyhow::Result<Option<Query>> {
    match args.reference.as_deref() {
        _ if args.all_refs => Ok(Some(query.clone().of_ref(NameKind::Glob, "*"))),
        None => Ok(query.names_refs().then(|| query.clone())),
        Some(pattern) if pattern.contains('*') => Ok(Some(query.clone().of_ref(NameKind::Glob, pattern))),
        Some(reference) => {
            let Some(choice) = index.choose(Some(reference)).await? else { return Ok(Some(query.clone())) };
            if choice.moved {
                eprintln!("note: `{reference}` has moved on from the indexed commit {}", choice.tip.commit);
            }
            Ok(Some(choice.of(query.clone())))
        }
    }
}

/// What is asked, and what is known of the answer.
struct Asked {
    request: SearchRequest,
    tree: Option<WorkingTree>,
    /// The first page, where it is there already.
    answer: Option<Result<SearchResult, SearchError>>,
}

impl Asked {
    /// While git looks for what differs, the commit is searched: where nothing differs, that is the answer, and where
    /// something does, what it read is in memory.
    async fn of_working_tree(
        args: &SearchArgs,
        index: &LocalIndex,
        searcher: &Searcher,
        query: Query,
    ) -> anyhow::Result<Self> {
        let look = index.look()?;
        let choice = index.choose(None).await?;
        let request = match choice.as_ref().filter(|choice| !choice.is_default()) {
            Some(choice) => request(args, index, choice.of(query)),
            None => request(args, index, query),
        };
        let Some(Choice { tip, .. }) = choice else {
            eprintln!("note: nothing is indexed here yet: commit something, then run `kotadb index`");
            return Ok(Self { request, tree: None, answer: None });
        };
        let Some(look) = look else { return Ok(Self { request, tree: None, answer: None }) };
        let early = tokio::spawn({
            let (searcher, request) = (searcher.clone(), request.clone());
            async move { searcher.search(&request).await }
        });
        let mut tree = look.end(&index.store, &tip).await?;
        let Some(overlay) = tree.overlay.take() else {
            return Ok(Self { request, tree: Some(tree), answer: Some(early.await?) });
        };
        early.abort();
        let request = SearchRequest { overlay: Some(Arc::new(overlay)), ..request };
        Ok(Self { request, tree: Some(tree), answer: None })
    }
}

fn request(args: &SearchArgs, index: &LocalIndex, query: Query) -> SearchRequest {
    let context = args.context.unwrap_or(0);
    SearchRequest {
        page: page(args, (args.limit > 0).then_some(args.limit)),
        count: args.count,
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

fn explained(index: &LocalIndex, error: SearchError) -> anyhow::Error {
    match error {
        SearchError::Store(error) => index.explain(error).into(),
        other => other.into(),
    }
}
