//! From a change of text to the symbols that it touches: unified diffs, as `git diff` writes them, and lines to symbols.

use std::ops::Range;

use crate::graph::error::GraphError;
use crate::graph::view::{NodeId, View};

/// What a diff does to a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Path before; `None`: the file is new.
    pub before: Option<String>,
    /// Path after; `None`: the file goes.
    pub after: Option<String>,
    /// Lines of the text before that go or are replaced, from 1, the end excluded. Where lines are only added: the line before
    /// and the line after.
    pub lines: Vec<Range<u32>>,
}

/// A symbol that a change touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Changed {
    /// The innermost symbol, or the file where no symbol is.
    pub node: NodeId,
    /// Its signature is touched, not only its body.
    pub signature: bool,
}

/// Reads a unified diff. An error says what is wrong with which line.
pub fn parse_diff(diff: &str) -> Result<Vec<Change>, String> {
    let mut changes: Vec<Change> = Vec::new();
    let mut hunk = Hunk::default();
    for (nth, line) in diff.lines().enumerate() {
        let fault = |what: &str| format!("line {} of the diff {what}", nth + 1);
        if hunk.wants() {
            hunk.take(line).ok_or_else(|| fault("is neither ` `, `+` nor `-` text of a hunk"))?;
            if !hunk.wants() {
                let change = changes.last_mut().ok_or_else(|| fault("belongs to no file"))?;
                change.lines.append(&mut hunk.lines);
            }
        } else if let Some(path) = line.strip_prefix("--- ") {
            changes.push(Change { before: path_of(path), ..Change::default() });
        } else if let Some(path) = line.strip_prefix("+++ ") {
            let change = changes.last_mut().ok_or_else(|| fault("names a new file without the old one"))?;
            change.after = path_of(path);
        } else if line.starts_with("@@ ") {
            hunk = Hunk::open(line).ok_or_else(|| fault("is no head of a hunk (`@@ -1,2 +1,3 @@`)"))?;
        } else if let Some(path) = line.strip_prefix("rename from ") {
            // A file that only moves has no `---`.
            changes.push(Change { before: Some(path.into()), ..Change::default() });
        } else if let (Some(path), Some(change)) = (line.strip_prefix("rename to "), changes.last_mut()) {
            change.after = Some(path.into());
        }
    }
    if hunk.wants() {
        return Err("the diff ends within a hunk".into());
    }
    changes.dedup_by(|later, earlier| {
        let same = later.before == earlier.before && earlier.lines.is_empty();
        if same {
            std::mem::swap(later, earlier);
        }
        same
    });
    Ok(changes)
}

/// The innermost symbols of a file that some bytes of it touch.
pub fn changed(view: &View, file: u32, bytes: &[Range<u32>]) -> Result<Vec<Changed>, GraphError> {
    let nodes = View::all(view.nodes_of(file), |id| Ok((id, view.node(id)?)))?;
    let meets = |a: &Range<u32>, start: u32, end: u32| a.start < end && start < a.end;
    let mut found = Vec::new();
    for part in bytes {
        let symbols = nodes.iter().filter(|(_, node)| node.symbol.is_some());
        let met: Vec<_> = symbols.filter(|(_, node)| meets(part, node.range.start, node.range.end)).collect();
        for (id, node) in &met {
            // One that holds another that is met, and nothing of the change beside it, is not itself touched.
            let inner = met.iter().find(|(other, inner)| {
                let within = node.range.start <= inner.range.start && inner.range.end <= node.range.end;
                other != id
                    && within
                    && inner.range != node.range
                    && inner.range.start <= part.start
                    && part.end <= inner.range.end
            });
            if inner.is_none() {
                let signature = meets(part, node.signature.start, node.signature.end);
                found.push(Changed { node: *id, signature });
            }
        }
        if met.is_empty() {
            found.extend(view.file_node(file).map(|node| Changed { node, signature: false }));
        }
    }
    found.sort_by_key(|one| (one.node, std::cmp::Reverse(one.signature)));
    found.dedup_by_key(|one| one.node);
    Ok(found)
}

#[derive(Default)]
struct Hunk {
    old: u32,
    new: u32,
    line: u32,
    lines: Vec<Range<u32>>,
    /// What the lines just before did.
    run: Run,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Run {
    #[default]
    Stays,
    Added,
    Removed,
}

impl Hunk {
    fn open(head: &str) -> Option<Self> {
        let (old, rest) = head.strip_prefix("@@ -")?.split_once(" +")?;
        let (new, _) = rest.split_once(" @@")?;
        let numbers = |text: &str| match text.split_once(',') {
            Some((start, len)) => Some((start.parse().ok()?, len.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        };
        let ((line, old), (_, new)): ((u32, u32), (u32, u32)) = (numbers(old)?, numbers(new)?);
        // Of a hunk without old lines the number is that of the line before.
        Some(Self { old, new, line: if old == 0 { line.checked_add(1)? } else { line }, ..Self::default() })
    }

    fn wants(&self) -> bool {
        self.old > 0 || self.new > 0
    }

    fn take(&mut self, line: &str) -> Option<()> {
        match line.as_bytes().first() {
            Some(b'-') => {
                self.old = self.old.checked_sub(1)?;
                self.remove()?;
            }
            Some(b'+') => {
                self.new = self.new.checked_sub(1)?;
                // What is added beside removed lines replaces those.
                if self.run == Run::Stays {
                    self.lines.push(self.line.saturating_sub(1).max(1)..self.line.saturating_add(1));
                    self.run = Run::Added;
                }
            }
            Some(b' ') | None => {
                (self.old, self.new) = (self.old.checked_sub(1)?, self.new.checked_sub(1)?);
                self.line = self.line.checked_add(1)?;
                self.run = Run::Stays;
            }
            Some(b'\\') => {}
            _ => return None,
        }
        Some(())
    }

    fn remove(&mut self) -> Option<()> {
        let end = self.line.checked_add(1)?;
        match (self.run, self.lines.last_mut()) {
            (Run::Removed, Some(last)) => last.end = end,
            (Run::Added, Some(last)) => *last = self.line..end,
            _ => self.lines.push(self.line..end),
        }
        (self.line, self.run) = (end, Run::Removed);
        Some(())
    }
}

/// A path of a `---` or `+++` line, without git's prefix and without a date.
fn path_of(text: &str) -> Option<String> {
    let path = text.split('\t').next().unwrap_or(text).trim_end();
    let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
    (path != "/dev/null").then(|| path.to_owned())
}
