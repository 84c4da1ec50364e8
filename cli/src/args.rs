//! What can be typed after `kotadb`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{ColorChoice, CommandFactory, Parser};
use clap_complete::Shell;
use kotadb_core::config::CommandFlags;

use crate::code::args::{CallsArgs, DefArgs, DepsArgs, ImpactArgs, ImplArgs, MapArgs, OutlineArgs};
use crate::jobs::JobsCommand;
use crate::mcp::args::McpArgs;
use crate::ripgrep::RipgrepFlags;
use crate::scip::ScipCommand;

/// Code search for git repositories: indexed, exact, local or as a service.
#[derive(Debug, Parser)]
#[command(name = "kotadb", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings that are no secrets.
    #[command(flatten)]
    pub settings: CommandFlags,
}

impl Args {
    /// Parses the words of a command line, the program first; ends the process with help or an error where that is due.
    pub fn of(words: impl Iterator<Item = OsString>) -> Self {
        Self::parse_from(options_first(words.collect()))
    }
}

/// Puts the options of `search` before its query: what stands in a query may begin with `-`, so that otherwise an option
/// after it would be a term to find. After `--` everything is query.
fn options_first(words: Vec<OsString>) -> Vec<OsString> {
    if words.get(1).is_none_or(|command| command != "search") {
        return words;
    }
    let mut command = Args::command();
    command.build();
    let Some(search) = command.find_subcommand("search") else { return words };
    let (mut options, mut query) = (words[..2].to_vec(), Vec::new());
    let mut rest = words.into_iter().skip(2);
    while let Some(word) = rest.next() {
        match option(search, &word) {
            Some((parts, value_follows)) => {
                options.extend(parts);
                options.extend(value_follows.then(|| rest.next()).flatten());
            }
            None if word == "--" => query.extend(rest.by_ref()),
            None => query.push(word),
        }
    }
    options.push("--".into());
    options.append(&mut query);
    options
}

/// If `word` is an option, its words and whether its value is the one that comes next. A short option's value may be joined
/// to it if it is a number, as in `-C2`: what else follows a dash leaves a term out.
fn option(command: &clap::Command, word: &OsStr) -> Option<(Vec<OsString>, bool)> {
    let word = word.to_str()?;
    if let Some(long) = word.strip_prefix("--") {
        let (name, joined) = long.split_once('=').map_or((long, false), |(name, _)| (name, true));
        let arg = command.get_arguments().find(|arg| arg.get_long() == Some(name))?;
        return Some((vec![word.into()], arg.get_action().takes_values() && !joined));
    }
    let short = word.strip_prefix('-')?.chars().next()?;
    let (name, value) = word.split_at(1 + short.len_utf8());
    let arg = command.get_arguments().find(|arg| arg.get_short() == Some(short))?;
    let takes_value = arg.get_action().takes_values();
    match value {
        "" => Some((vec![name.into()], takes_value)),
        number if takes_value && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((vec![name.into(), number.into()], false))
        }
        _ => None,
    }
}

const SEARCH_EXAMPLES: &str = "Examples:
  kotadb search 'parse_header lang:rust'
  kotadb search '\"return nil, err\" path:*.go -path:vendor'
  kotadb search -w -e 'fn \\w+_range' -g 'core/**'
  kotadb search --count TODO";

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Index the commit at HEAD of a repository (or a plain folder) for `kotadb search`.
    Index(IndexArgs),
    /// Search an indexed repository: exit 0 found, 1 nothing found, 2 error.
    Search(SearchArgs),
    /// Where a symbol is defined.
    Def(DefArgs),
    /// Who calls a symbol, how sure that is, and what cannot be told.
    Callers(CallsArgs),
    /// What a symbol calls.
    Callees(CallsArgs),
    /// Every use of a symbol: calls, types, imports, reads, writes.
    Usages(CallsArgs),
    /// What implements, extends or overrides a symbol.
    Impl(ImplArgs),
    /// What may break when symbols or files change, or with a diff: users, tests, entry points, risk.
    Impact(ImpactArgs),
    /// What files a file uses, or is used by, and its circles.
    Deps(DepsArgs),
    /// What is defined in a file.
    Outline(OutlineArgs),
    /// What of the repository is worth knowing first, in so many bytes.
    Map(MapArgs),
    /// Find definitions by name: exit 0 found, 1 nothing found, 2 error.
    Symbols(SymbolsArgs),
    /// What compilers say of names: import their SCIP indexes.
    #[command(subcommand)]
    Scip(ScipCommand),
    /// Serve the tools for agents (MCP) over standard input and output; `install` tells a client to use them.
    Mcp(McpArgs),
    /// Run the whole service on this machine: Postgres, API, indexer, and a folder as object store.
    Up(UpArgs),
    /// Look after the jobs of a service, through DATABASE_URL: list, show, retry, cancel, pause, resume, limits.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// Look at what a deployment needs: settings, database, object store, git, the service from outside, MCP.
    Doctor(DoctorArgs),
    /// Print completions for a shell: `kotadb completions bash > /etc/bash_completion.d/kotadb`.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man(ManArgs),
}

/// `kotadb index`
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    /// Repository or folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Branch, tag or commit to index instead of HEAD.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `kotadb search`
#[derive(Debug, clap::Args)]
#[command(after_help = SEARCH_EXAMPLES)]
pub struct SearchArgs {
    /// Terms (all must be in the file), "phrase", /regex/, OR, NOT, path:, lang:, case:yes; several arguments are joined.
    #[arg(required_unless_present = "regexp", allow_hyphen_values = true)]
    pub query: Vec<String>,
    /// As in ripgrep.
    #[command(flatten)]
    pub ripgrep: RipgrepFlags,
    /// Whether to colour: `auto` where a terminal reads, unless NO_COLOR is set.
    #[arg(long, default_value = "auto", value_name = "WHEN")]
    pub color: ColorChoice,
    /// One JSON object a matching line, then a summary.
    #[arg(long)]
    pub json: bool,
    /// Print the number of matching lines only (of files, with --files or for a query without text).
    #[arg(long, short, conflicts_with = "json")]
    pub count: bool,
    /// Print the paths of matching files only.
    #[arg(long, short = 'l', conflicts_with = "json")]
    pub files: bool,
    /// Most lines (with --files: paths) to print; 0: all of them.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Lines to print after each matching one.
    #[arg(long, short = 'A', value_name = "N")]
    pub after: Option<u32>,
    /// Lines to print before each matching one.
    #[arg(long, short = 'B', value_name = "N")]
    pub before: Option<u32>,
    /// Lines to print before and after each matching one.
    #[arg(long, short = 'C', value_name = "N")]
    pub context: Option<u32>,
    /// Say what ranks each file: with --json `score` and its parts, else a line before the file's.
    #[arg(long)]
    pub explain: bool,
    /// Say how many of the matching files are of each language, folder, repository and class.
    #[arg(long)]
    pub facets: bool,
    /// List the changed paths that cannot be searched, and why; `--json` lists them in any case.
    #[arg(long)]
    pub left_out: bool,
    /// Repository or folder.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// Branch, tag or commit that was indexed, instead of the working tree; `*` stands for any part of a name.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Search every ref that was indexed.
    #[arg(long, conflicts_with = "reference")]
    pub all_refs: bool,
}

/// `kotadb doctor`
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Address of the service, instead of that of KOTADB_WEBHOOK_BASE_URL.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// Key that MCP is asked with.
    #[arg(long, env = "KOTADB_API_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

/// `kotadb man`
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// Where the pages go: `kotadb.1`, `kotadb-search.1`, and so on.
    pub folder: Option<PathBuf>,
}

/// `kotadb symbols`
#[derive(Debug, clap::Args)]
pub struct SymbolsArgs {
    /// A name, the beginning of one, parts of one (`index` finds `applyIndexOperation`), or a qualified one (`Pool.acquire`).
    pub name: String,
    /// Where: lang:, path:, generated:yes and the like.
    pub filter: Vec<String>,
    /// Only the whole name, in the same case.
    #[arg(long)]
    pub exact: bool,
    /// Only this kind (function, method, class, …); may be given several times.
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// One JSON object a symbol.
    #[arg(long)]
    pub json: bool,
    /// Most symbols to print.
    #[arg(long, default_value_t = 50)]
    pub limit: usize,
    /// Repository or folder.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// Branch, tag or commit that was indexed, instead of HEAD; `*` stands for any part of a name.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

/// `kotadb up`
#[derive(Debug, clap::Args)]
pub struct UpArgs {
    /// Repositories to serve and index; more can be added by a later `up`.
    pub paths: Vec<PathBuf>,
    /// Port of the API; 0: any free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(words: &[&str]) -> SearchArgs {
        let words = ["kotadb", "search"].iter().chain(words).map(OsString::from);
        match Args::parse_from(options_first(words.collect())).command {
            Command::Search(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_may_follow_the_query() {
        let args = search(&["foo", "--count", "-bar", "--limit", "3", "--ref=v1", "--force"]);
        assert_eq!(args.query, ["foo", "-bar", "--force"]);
        assert_eq!((args.count, args.limit, args.reference.as_deref()), (true, 3, Some("v1")));
        assert!(search(&["-foo", "x", "-c"]).count);
    }

    #[test]
    fn a_number_may_be_joined_to_a_short_option() {
        let args = search(&["-C1", "foo", "-A2", "-B3", "-l"]);
        assert_eq!((args.context, args.after, args.before, args.files), (Some(1), Some(2), Some(3), true));
        assert_eq!(args.query, ["foo"]);
        let args = search(&["foo", "-Cx", "-Ax1", "-lc", "-1", "-", "-C", "7"]);
        assert_eq!(args.query, ["foo", "-Cx", "-Ax1", "-lc", "-1", "-"], "terms to leave out");
        assert_eq!((args.context, args.files, args.count), (Some(7), false, false));
    }

    #[test]
    fn after_two_dashes_everything_is_query() {
        let args = search(&["--json", "--", "--count", "-c", "->next"]);
        assert_eq!(args.query, ["--count", "-c", "->next"]);
        assert!(args.json && !args.count);
        assert_eq!(search(&["found", "--"]).query, ["found"]);
    }
}
