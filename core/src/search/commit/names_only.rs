//! Questions about symbols of a commit that has no graph. Names are matched: what calls or uses something of that name is
//! possible, and the more symbols have the name, the less likely. At most 200 files that hold the name are looked at.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use futures::future;

use super::{CommitError, OpenCommit};
use crate::facts::{Facts, Flags};
use crate::graph::ask::{Direction, Question, Summary};
use crate::graph::{Confidence, Manner, Node, Tier, nodes_of};
use crate::query::{Plan, Query};
use crate::search::answer::SearchError;
use crate::search::cache::OpenSegment;
use crate::search::relations::{CallLine, CallTree, Meant, NO_NODE, NamedFile, Subject, SymbolPlace, Texts};
use crate::search::symbols::{self, SymbolHit};
use crate::search::texts;
use crate::segment::Class;
use crate::store::{Entry, StoreError};

/// Files that hold a name and are looked at.
const MOST_FILES: usize = 200;
/// How sure a use is where one symbol alone has the name: shown, and never confirmed.
const ALONE: u8 = 50;
/// A file that holds the name, with what it says.
struct Holder {
    path: Vec<u8>,
    is_test: bool,
    facts: Facts,
}

impl Holder {
    fn named(&self) -> NamedFile<'_> {
        NamedFile { path: &self.path, is_test: self.is_test, facts: &self.facts }
    }
}

/// What a text may mean: an id, a name or a qualified name.
pub(super) async fn definitions(commit: &OpenCommit<'_>, text: &str) -> Result<Vec<SymbolPlace>, CommitError> {
    let (path, label) = text.rsplit_once('#').map_or((None, text), |(path, label)| (Some(path), label));
    let name = label.rsplit_once('~').filter(|(_, nth)| nth.parse::<u32>().is_ok()).map_or(label, |(name, _)| name);
    let hits = symbols::of_ref(commit.reader(), (commit.repository(), &commit.state().ref_name), name).await?;
    let is_meant = |hit: &&SymbolHit| path.is_none() || hit.id() == text;
    let mut places: Vec<_> = hits.iter().filter(is_meant).map(place_of_hit).collect();
    places.sort_by(|a, b| (&a.path, a.line, &a.id).cmp(&(&b.path, b.line, &b.id)));
    Ok(places)
}

/// Who may call or use what a text means.
pub(super) async fn users(
    commit: &OpenCommit<'_>,
    text: &str,
    question: &Question,
) -> Result<Meant<CallTree>, CommitError> {
    if question.direction != Direction::Users {
        return Err(CommitError::NoGraph);
    }
    let mut places = definitions(commit, text).await?;
    if places.len() != 1 {
        return Ok(Meant::Unclear(places));
    }
    let subject = places.remove(0);
    let n_symbols = definitions(commit, &subject.name).await?.len().clamp(1, ALONE.into());
    let confidence = Confidence((ALONE / n_symbols as u8).max(1));
    let (holders, texts, truncated) = holders(commit, &subject.name).await?;
    let mut lines = Vec::new();
    for holder in holders.iter().filter(|holder| holder.path.starts_with(&question.under)) {
        lines.extend(lines_of(holder, (&subject.name, confidence), question, &texts));
    }
    let possible = lines.iter().map(|line| line.n_sites as u64).sum();
    let summary = Some(Summary { possible, ..Summary::default() });
    lines.retain(|line| line.manner.confidence >= question.min_confidence);
    let truncated = truncated || lines.len() > question.most;
    lines.truncate(question.most);
    Ok(Meant::One(CallTree { subject: Subject { symbol: subject, summary }, lines, truncated }))
}

/// A line for each symbol of a file that uses the name.
fn lines_of(
    holder: &Holder,
    (name, confidence): (&str, Confidence),
    question: &Question,
    texts: &Texts,
) -> Vec<CallLine> {
    let nodes = nodes_of(&holder.facts);
    let mut sites = BTreeMap::<Option<usize>, Vec<(u32, Manner)>>::new();
    for found in holder.facts.references.iter().filter(|one| &*one.name == name && question.roles.contains(&one.role)) {
        let within = |node: &Node| node.range.start <= found.start && found.start < node.range.end;
        // Symbols come with what contains them first: the last is the innermost.
        let source = nodes.iter().rposition(within);
        let manner = Manner { role: found.role, tier: Tier::Candidate, confidence };
        sites.entry(source).or_default().push((found.start, manner));
    }
    let line = |(source, sites): (Option<usize>, Vec<(u32, Manner)>)| {
        let symbol = holder.named().place(source.and_then(|nth| nodes.get(nth)));
        (question.include_tests || !symbol.is_test).then(|| CallLine {
            symbol,
            parent: None,
            depth: 1,
            manner: sites[0].1,
            path: holder.path.clone(),
            n_sites: sites.len(),
            sites: sites.iter().take(20).map(|(site, manner)| texts.site(&holder.path, *site, *manner)).collect(),
        })
    };
    sites.into_iter().filter_map(line).collect()
}

/// Files that hold a name, in path order, with their texts, and whether there are more.
async fn holders(commit: &OpenCommit<'_>, name: &str) -> Result<(Vec<Holder>, Texts, bool), CommitError> {
    let query = Query::everything().of_every_class().of_text(name);
    let plan = Plan::new(&query).map_err(SearchError::from)?;
    let state = commit.state();
    let snapshot = commit.snapshot().await?;
    let (reader, segments) = (commit.reader(), commit.segments(&snapshot).await?);
    let Some(scope) = plan.scope(&state.repository_name, &state.ref_name, state.is_default) else {
        return Ok((Vec::new(), Texts::default(), false));
    };
    let asked = segments.iter().map(|open| reader.documents(open, scope.formula()));
    let found = reader.wave(future::try_join_all(asked)).await?;
    let holds = |entry: &Entry<'_>| {
        found.get(entry.segment as usize).is_some_and(|docs| docs.as_ref().is_none_or(|docs| docs.contains(entry.doc)))
    };
    let mut entries: Vec<_> = snapshot.entries().filter(holds).collect();
    let truncated = entries.len() > MOST_FILES;
    // What is left out of too many is generated and vendored first.
    entries.sort_by_key(|entry| entry.class);
    entries.truncate(MOST_FILES);
    entries.sort_by_key(|entry| entry.path);
    let (holders, texts) = read(commit, &segments, &entries).await?;
    Ok((holders, Texts::new(texts), truncated))
}

type Read = (Vec<Holder>, HashMap<Vec<u8>, Bytes>);

async fn read(
    commit: &OpenCommit<'_>,
    segments: &[Arc<OpenSegment>],
    entries: &[Entry<'_>],
) -> Result<Read, CommitError> {
    let reader = commit.reader();
    let reads = segments.iter().zip(0u32..).map(|(open, nth)| async move {
        let of_segment: Vec<_> = entries.iter().filter(|entry| entry.segment == nth).collect();
        let damaged = |error| reader.segment_error(open.key, &(0..0), &error);
        let mut wanted = Vec::new();
        for entry in of_segment {
            if let Some(range) = open.segment.facts_range(entry.doc).map_err(damaged)? {
                wanted.push((entry, range));
            }
        }
        let docs: Vec<_> = wanted.iter().map(|(entry, _)| entry.doc).collect();
        let ranges: Vec<_> = wanted.iter().map(|(_, range)| range.clone()).collect();
        let (texts, frames) =
            future::try_join(texts::decoded(reader, open, &docs), reader.ranges(open, &ranges)).await?;
        let facts = texts.iter().zip(&frames).map(|(text, frame)| open.segment.decode_facts(frame, text));
        let facts = facts.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
        let rows = wanted.into_iter().zip(texts).zip(facts).map(|(((entry, _), text), facts)| (entry, text, facts));
        Ok::<_, StoreError>(rows.collect::<Vec<_>>())
    });
    let read = reader.wave(future::try_join_all(reads)).await?;
    let (mut holders, mut texts) = (Vec::new(), HashMap::new());
    for (entry, text, facts) in read.into_iter().flatten() {
        holders.push(Holder { path: entry.path.to_vec(), is_test: entry.class == Class::Test, facts });
        texts.insert(entry.path.to_vec(), text);
    }
    holders.sort_by(|a, b| a.path.cmp(&b.path));
    Ok((holders, texts))
}

fn place_of_hit(hit: &SymbolHit) -> SymbolPlace {
    SymbolPlace {
        node: NO_NODE,
        id: hit.id(),
        name: hit.row.name.to_string(),
        kind: Some(hit.row.kind),
        is_file: false,
        flags: hit.row.flags,
        path: hit.path.clone(),
        line: hit.row.line,
        is_test: hit.class == Class::Test || hit.row.flags.has(Flags::TEST),
    }
}
