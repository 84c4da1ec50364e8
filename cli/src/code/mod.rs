//! `kotadb def`, `callers`, `callees`, `usages`, `impl`, `impact`, `deps`, `outline`, `map`: what the graph of the working tree
//! says, or that of an indexed commit. The answers are those of the service.

pub mod args;

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use kotadb_core::graph::Confidence;
use kotadb_core::graph::ask::{Direction, Question, Reach};
use kotadb_core::search::relations::ChangeSource;
use kotadb_core::wire::relations::{
    GraphState, call_answer, definition_list, dependency_list, impact_report, member_answer, outline, repository_map,
};
use kotadb_core::wire::search::printable;
use kotadb_indexer::local::{LocalCode, LocalIndex};
use serde::Serialize;

use self::args::{CallsArgs, CodeArgs, DefArgs, DepsArgs, ImpactArgs, ImplArgs, MapArgs, OutlineArgs};
use crate::paint::painted;
use crate::ready::{self, Behind};
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};
use crate::symbols::near_symbols;

/// Lines of a tree of files.
const MOST_FILES: usize = 1000;

/// The code that is asked, and what the answers are made from.
struct Asked {
    index: LocalIndex,
    code: LocalCode,
    state: GraphState,
    settings: Settings,
    json: bool,
}

/// Where a symbol is defined.
pub async fn definition(args: &DefArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let mut places = asked.code.relations().definitions(&args.symbol).await?;
    // What nobody uses and no other file may use is in no graph.
    if places.is_empty() {
        places = asked.code.named(&args.symbol)?;
    }
    let list = definition_list(&args.symbol, &places, asked.state.clone());
    asked.print_named((args.symbol.as_str(), !list.items.is_empty()), &list, list.lines()).await?;
    Ok(!list.items.is_empty())
}

/// Who calls or uses a symbol, or what it calls: `question` without what the arguments say.
pub async fn calls(args: &CallsArgs, question: Question, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let question = Question {
        depth: args.depth,
        min_confidence: Confidence(args.min_confidence),
        include_tests: !args.no_tests,
        under: args.path.clone().into_bytes(),
        most: args.limit,
        ..question
    };
    let answer = asked.code.relations().calls_of(&args.symbol, &question).await?;
    let list = call_answer(&args.symbol, &answer, asked.state.clone());
    let is_known = list.symbol.is_some() || !list.candidates.is_empty();
    asked.print_named((args.symbol.as_str(), is_known), &list, list.lines()).await?;
    Ok(!list.items.is_empty())
}

/// What implements, extends or overrides a symbol.
pub async fn implementations(args: &ImplArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let answer = asked.code.relations().members_of(&args.symbol, !args.above, Confidence(0)).await?;
    let list = member_answer(&args.symbol, &answer, asked.state.clone());
    let is_known = list.symbol.is_some() || !list.candidates.is_empty();
    asked.print_named((args.symbol.as_str(), is_known), &list, list.lines()).await?;
    Ok(!list.items.is_empty())
}

/// What may break when something changes.
pub async fn impact(args: &ImpactArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let since = args.since.as_deref().map(|since| asked.index.since(&asked.code, since)).transpose()?;
    let (source, gone) = match (&args.diff, since) {
        (Some(path), _) => (ChangeSource::Diff(read(path)?), Vec::new()),
        (None, Some(since)) => (ChangeSource::Files(since.files), since.gone),
        (None, None) => (ChangeSource::Named(args.changed.clone()), Vec::new()),
    };
    let reach = Reach { depth: args.depth, ..Reach::default() };
    let mut answer = asked.code.relations().impact(&source, reach).await?;
    answer.unknown_files.extend(gone.iter().map(|path| String::from_utf8_lossy(path).into_owned()));
    let report = impact_report(&answer, asked.state.clone());
    asked.print(&report, report.lines())?;
    Ok(!report.changed.is_empty())
}

/// What a file uses, or what uses it.
pub async fn dependencies(args: &DepsArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let direction = if args.dependents { Direction::Users } else { Direction::Used };
    let filter = (args.depth, Confidence(args.min_confidence), &[][..], MOST_FILES);
    let tree = asked.code.relations().dependencies(args.path.as_bytes(), direction, filter).await?;
    let list = dependency_list(args.path.as_bytes(), &tree, asked.state.clone());
    asked.print(&list, list.lines())?;
    Ok(!list.items.is_empty())
}

/// What is defined in a file.
pub async fn outline_of(args: &OutlineArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let Some((facts, text)) = asked.code.facts(args.path.as_bytes()) else {
        bail!("`{}` is no file of a language whose symbols are known: give its path from the root", args.path);
    };
    let outline = outline(args.path.clone(), facts, &text, asked.state.clone());
    asked.print(&outline, outline.lines())?;
    Ok(!outline.items.is_empty())
}

/// What is worth knowing first.
pub async fn map(args: &MapArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let asked = Asked::open(&args.code, settings).await?;
    let map = asked.code.relations().map(&args.focus, &args.path, args.bytes).await?;
    let map = repository_map(&map, asked.state.clone());
    let lines = map.text.lines().map(str::to_owned).collect();
    asked.print(&map, lines)?;
    Ok(map.shown > 0)
}

impl Asked {
    /// The working tree, or the ref that was asked for.
    async fn open(args: &CodeArgs, settings: &SettingsArgs) -> anyhow::Result<Self> {
        let settings = Settings::of_repository(settings, args.local.flags(), &args.local.repo)?;
        let index = ready::open(&args.local.repo, &settings)?;
        let (choice, lag) = match args.reference.as_deref() {
            None => ready::checked_out(&index, &settings).await?,
            reference => (index.choose(reference).await?, None),
        };
        let Some(choice) = choice else {
            bail!("nothing is indexed here yet: commit something, then run `kotadb index`");
        };
        if let Some(lag) = lag {
            eprintln!("note: {}", Behind(lag));
        }
        let look = if args.reference.is_none() { index.look()? } else { None };
        let tree = match look {
            Some(look) => Some(look.end(&index.store, &choice.tip).await?),
            None => None,
        };
        let overlay = tree.as_ref().and_then(|tree| tree.overlay.as_ref());
        let code = index.code(&choice.tip, overlay).await?;
        let state = GraphState::of(None, code.indexed());
        Ok(Self { index, code, state, settings, json: args.json })
    }

    /// Prints an answer about a name; where nothing has that name, says what may have been meant.
    async fn print_named(
        &self,
        (name, is_known): (&str, bool),
        answer: &impl Serialize,
        lines: Vec<String>,
    ) -> anyhow::Result<()> {
        self.print(answer, lines)?;
        let near = if is_known { Vec::new() } else { near_symbols(&self.index, name).await? };
        near.iter().for_each(|note| eprintln!("note: {}", printable(note)));
        Ok(())
    }

    fn print(&self, answer: &impl Serialize, lines: Vec<String>) -> anyhow::Result<()> {
        let mut screen = Screen::new(&self.settings, self.json);
        if self.json {
            screen.json(answer)?;
        } else {
            let is_coloured = screen.is_coloured();
            lines.iter().try_for_each(|line| screen.painted(&painted(line, is_coloured)))?;
        }
        screen.finish()?;
        if lines.is_empty() && !self.json {
            eprintln!("note: nothing is known that answers this");
        }
        Ok(())
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        _ => std::fs::read_to_string(path).map(|read| text = read),
    }
    .with_context(|| format!("cannot read the diff `{}`", path.display()))?;
    Ok(text)
}
