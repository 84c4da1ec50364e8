//! What can be typed after `kotadb`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use clap_complete::Shell;
use kotadb_core::config::CommandFlags;

use crate::code::args::{CallsArgs, DefArgs, DepsArgs, ImpactArgs, ImplArgs, MapArgs, OutlineArgs};
use crate::mcp::args::McpArgs;
use crate::queue::QueueCommand;
use crate::ready::IndexFlags;
use crate::ripgrep::RipgrepFlags;
use crate::scip::ScipCommand;
use crate::server::args::{JobsCommand, KeysCommand, LoginArgs, LogoutArgs, ReposCommand};
use crate::settings::{ConfigArgs, SettingsArgs};

/// Code search for git repositories: indexed, exact, local or as a service.
#[derive(Debug, Parser)]
#[command(name = "kotadb", version = kotadb_core::telemetry::version(), after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command heeds.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Variables that are no secrets.
    #[command(flatten)]
    pub variables: CommandFlags,
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
  kotadb search --count TODO
  kotadb search --remote 'repo:acme/web lang:go \"func main\"'

Exit codes: 0 found, 1 nothing found, 2 error; 3 the server refuses the key, 4 it cannot be reached.";

const EXAMPLES: &str = "Examples:
  kotadb index && kotadb search 'lang:rust /fn \\w+_range/'
  kotadb callers Pool.acquire
  kotadb impact --since main
  kotadb up .                    the whole service, on this machine
  kotadb login https://code.example && kotadb repos list";

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
    #[command(
        after_help = "Examples:\n  kotadb callers Pool.acquire\n  kotadb callers acquire --depth 2 --no-tests\n  kotadb callers 'src/pool.rs#Pool.acquire' --min-confidence 0"
    )]
    Callers(CallsArgs),
    /// What a symbol calls.
    #[command(after_help = "Examples:\n  kotadb callees main\n  kotadb callees Pool.acquire --json")]
    Callees(CallsArgs),
    /// Every use of a symbol: calls, types, imports, reads, writes.
    #[command(after_help = "Examples:\n  kotadb usages Pool\n  kotadb usages Pool --path src/web")]
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
    /// Keep the key of a service, so that `repos`, `jobs`, `keys` and `search --remote` can ask it.
    Login(LoginArgs),
    /// Forget the key of a service.
    Logout(LogoutArgs),
    /// Repositories of a service: list, add, show, remove, index again.
    #[command(subcommand)]
    Repos(ReposCommand),
    /// Jobs of a service: list, show, watch, cancel, retry.
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// API keys of a service: list, create, rotate, revoke.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// For operators, through DATABASE_URL: the queue of a service, with the jobs of all tenants.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Show each setting, and where it comes from.
    Config(ConfigArgs),
    /// Look at what a deployment needs: settings, database, object store, git, the service from outside, MCP.
    Doctor(DoctorArgs),
    /// Print completions for a shell.
    #[command(after_help = "Examples:\n  kotadb completions bash > /etc/bash_completion.d/kotadb\n  \
                            kotadb completions zsh > ~/.zfunc/_kotadb")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man(ManArgs),
}

/// `kotadb index`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb index\n  kotadb index ~/src/linux --ref v6.1\n\n\
                        The index lies in the git folder of the repository; delete `.git/kotadb` to be rid of it.")]
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
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
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
    /// Branch, tag or commit that was indexed, instead of the working tree; `*` stands for any part of a name.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Search every ref that was indexed.
    #[arg(long, conflicts_with = "reference")]
    pub all_refs: bool,
    /// Search what the settings leave out (`exclude`), too.
    #[arg(long)]
    pub no_exclude: bool,
    /// The index that is asked.
    #[command(flatten)]
    pub local: IndexFlags,
    /// The service that is asked instead.
    #[command(flatten)]
    pub remote: RemoteFlags,
}

/// Where a search goes instead of the index of this machine.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "A service")]
pub struct RemoteFlags {
    /// Ask the service of the settings (`kotadb login`), and all its repositories.
    #[arg(long, conflicts_with_all = ["reference", "all_refs", "repo", "left_out"])]
    pub remote: bool,
    /// Ask the service at this address.
    #[arg(long, value_name = "URL", conflicts_with_all = ["reference", "all_refs", "repo", "left_out"])]
    pub server: Option<String>,
}

impl RemoteFlags {
    /// Whether a service is asked.
    pub fn is_remote(&self) -> bool {
        self.remote || self.server.is_some()
    }
}

/// `kotadb doctor`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb doctor\n  kotadb doctor --server https://code.example\n\n\
                        MCP is asked with KOTADB_API_KEY, or the key that `kotadb login` keeps of that server.\n\
                        Exit codes: 0 all is well, 1 something is wrong.")]
pub struct DoctorArgs {
    /// Address of the service, instead of that of KOTADB_WEBHOOK_BASE_URL.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// One JSON object a thing that was looked at.
    #[arg(long)]
    pub json: bool,
}

/// `kotadb man`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb man | man -l -\n  kotadb man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// Where the pages go: `kotadb.1`, `kotadb-search.1`, and so on.
    pub folder: Option<PathBuf>,
}

/// `kotadb symbols`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kotadb symbols Pool.acquire\n  kotadb symbols index --kind function lang:rust path:core\n\n\
                        Exit codes: 0 found, 1 nothing found, 2 error."
)]
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
    /// Branch, tag or commit that was indexed, instead of HEAD; `*` stands for any part of a name.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Look in what the settings leave out (`exclude`), too.
    #[arg(long)]
    pub no_exclude: bool,
    /// The index that is asked.
    #[command(flatten)]
    pub local: IndexFlags,
}

/// `kotadb up`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb up .\n  kotadb up ~/src/one ~/src/two --port 9000\n\n\
                        It prints address and key, and runs until Ctrl-C; the data stays below KOTADB_DATA_DIR.")]
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

    /// Every command that does something, with the words that lead to it.
    fn commands() -> Vec<(String, clap::Command)> {
        fn below(words: &str, command: &clap::Command, found: &mut Vec<(String, clap::Command)>) {
            let subcommands = command.get_subcommands().filter(|one| one.get_name() != "help");
            if command.get_subcommands().next().is_none() || !command.is_subcommand_required_set() {
                found.push((words.to_owned(), command.clone()));
            }
            subcommands.for_each(|one| below(format!("{words} {}", one.get_name()).trim(), one, found));
        }
        let mut root = Args::command();
        root.build();
        let mut found = Vec::new();
        below("", &root, &mut found);
        found.retain(|(words, _)| !words.is_empty());
        assert!(found.len() > 35, "{}", found.len());
        found
    }

    #[test]
    fn every_command_shows_an_example_of_itself() {
        for (words, command) in commands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("kotadb {words}")), "`kotadb {words} --help` shows no example: {help}");
        }
        let help = Args::command().get_after_help().unwrap().to_string();
        assert!(help.contains("kotadb index"), "{help}");
    }

    #[test]
    fn every_command_that_answers_does_so_in_json() {
        // What is no answer: a protocol, a service that runs, text that a shell or a reader of manuals asks for, settings of others.
        let others = ["mcp", "mcp install", "up", "completions", "man"];
        let without =
            commands().into_iter().filter(|(_, command)| !command.get_arguments().any(|one| one.get_id() == "json"));
        assert_eq!(without.map(|(words, _)| words).collect::<Vec<_>>(), others);
    }

    #[test]
    fn every_example_is_understood() {
        for (words, command) in commands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            for line in help.lines().filter_map(|line| line.trim_start().strip_prefix("kotadb ")) {
                // As far as a shell hands it on: up to a pipe or a redirection.
                let line = line.split([';', '|', '>', '<', '&']).next().unwrap_or_default().trim_end();
                let typed = split(line).into_iter().map(OsString::from);
                let parsed =
                    Args::try_parse_from(options_first(std::iter::once("kotadb".into()).chain(typed).collect()));
                assert!(
                    parsed.is_ok(),
                    "{words}: `{line}`: {}",
                    parsed.err().map(|error| error.to_string()).unwrap_or_default()
                );
            }
        }
    }

    /// Words as a shell makes them of a line with single and double quotes.
    fn split(line: &str) -> Vec<String> {
        let (mut words, mut quote) = (vec![String::new()], None);
        for c in line.chars() {
            match (quote, c) {
                (None, ' ') => words.push(String::new()),
                (None, '\'' | '"') => quote = Some(c),
                (Some(open), _) if c == open => quote = None,
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
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
