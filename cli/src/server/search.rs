//! `kotadb search --remote`: the same question, asked of a service and all of its repositories.

use anyhow::ensure;
use kotadb_core::wire::search::{Hit, SearchList, printable};
use serde_json::{Value, json};

use super::args::server_flag;
use super::client::Client;
use crate::args::SearchArgs;
use crate::excluded::Excluded;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// Most lines of a page.
const PAGE: usize = 100;

/// Whether anything was found.
pub async fn search(args: &SearchArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    // The file of a repository is about that one.
    let settings = Settings::of_user(settings, server_flag(args.remote.server.as_deref()))?;
    let most_around = [args.before, args.after].into_iter().flatten().max();
    ensure!(!args.ripgrep.vimgrep, "`--vimgrep` is for the index of this machine: leave it out, or ask with `--json`");
    let excluded = Excluded::of(&settings, args.no_exclude);
    let query = args.ripgrep.query(&args.query, excluded.globs())?;
    let query = if args.files { format!("{query} type:file") } else { query };
    let client = Client::of(&settings)?;
    let mut printed = Printed { screen: Screen::new(&settings, args.json), n: 0 };
    let mut cursor: Option<String> = None;
    loop {
        let room = if args.limit == 0 { PAGE } else { (args.limit - printed.n).min(PAGE) };
        let asked = json!({
            "query": query,
            "limit": if args.count { 1 } else { room },
            "cursor": cursor,
            "context": args.context.or(most_around),
            "count": args.count,
            "facets": args.facets,
            "explain": args.explain,
        });
        let asked: Value =
            asked.as_object().into_iter().flatten().filter(|(_, value)| is_said(value)).map(own).collect();
        let answer: SearchList = client.post("/api/v1/search/code", &asked).await?;
        if args.count {
            return printed.count(&answer, args.json);
        }
        answer.list.items.iter().try_for_each(|hit| printed.hit(hit, args.json))?;
        cursor = answer.list.next_cursor.clone();
        if cursor.is_none() || (args.limit > 0 && printed.n >= args.limit) {
            return printed.finish(&answer, args);
        }
    }
}

/// What the service takes for granted need not be said.
fn is_said(value: &Value) -> bool {
    !value.is_null() && *value != Value::Bool(false)
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

struct Printed {
    screen: Screen,
    n: usize,
}

impl Printed {
    fn hit(&mut self, hit: &Hit, is_json: bool) -> anyhow::Result<()> {
        self.n += 1;
        if is_json {
            return self.screen.json(hit);
        }
        let is_coloured = self.screen.is_coloured();
        let (before, after, number) = match &hit.line {
            Some(line) => (line.before.as_slice(), line.after.as_slice(), line.line),
            None => (&[][..], &[][..], 0),
        };
        let around = |line: u64, text: &String| hit.render_around(line, text.as_bytes(), is_coloured);
        for (line, text) in (number - before.len() as u64..).zip(before) {
            self.screen.painted(&around(line, text))?;
        }
        self.screen.painted(&hit.render(is_coloured))?;
        for (line, text) in (number + 1..).zip(after) {
            self.screen.painted(&around(line, text))?;
        }
        Ok(())
    }

    fn count(mut self, answer: &SearchList, is_json: bool) -> anyhow::Result<bool> {
        let total = answer.list.total.unwrap_or_default();
        match is_json {
            true => self.screen.json(&json!({ "matches": total, "exact": answer.list.total_is_exact }))?,
            false => self.screen.line(&total.to_string())?,
        }
        self.screen.finish()?;
        Ok(total > 0)
    }

    /// The summary has the names of that of a local search.
    fn finish(mut self, answer: &SearchList, args: &SearchArgs) -> anyhow::Result<bool> {
        let index = answer.list.index.clone().unwrap_or_default();
        let more = answer.list.next_cursor.is_some();
        if args.json {
            self.screen.json(&json!({
                "summary": true,
                "matches": answer.list.total.unwrap_or_default().max(self.n as u64),
                "files": index["files"],
                "skipped": index["skipped"],
                "commit": index["commit"],
                "complete": !more && index["complete"] == true,
                "reason": index["reason"],
                "hidden": index["hidden"],
                "notes": answer.list.notes,
                "facets": answer.facets,
                "stats": answer.stats,
            }))?;
        }
        self.screen.finish()?;
        if !args.json {
            if more {
                eprintln!("stopped at {} lines: --limit 0 prints all of them", self.n);
            }
            answer.list.notes.iter().for_each(|note| eprintln!("note: {}", printable(note)));
        }
        Ok(self.n > 0)
    }
}
