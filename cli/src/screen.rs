//! Where answers go: standard output, or a pager where a person reads more than the terminal shows at once. What files hold is
//! shown, never obeyed: a terminal gets no control character that is not ours.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write, stdout};
use std::process::{Child, ChildStdin, Command, Stdio};

use anstream::AutoStream;
use clap::ColorChoice;
use kotadb_core::wire::search::printable;
use rustix::termios::tcgetwinsize;
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use crate::settings::Settings;

/// Rows that the prompt and what was typed take of a terminal.
const OTHER_ROWS: usize = 2;

/// Standard output as a command sees it.
pub struct Screen {
    target: Target,
    is_coloured: bool,
}

enum Target {
    /// It may all fit: held back until that is known.
    Held(Held),
    Pager(Child, BufWriter<ChildStdin>),
    Out(BufWriter<Stdout>),
}

struct Held {
    bytes: Vec<u8>,
    pager: String,
    /// Rows and columns of the terminal.
    rows: usize,
    columns: usize,
    taken: usize,
}

impl Screen {
    /// Nothing is printed yet. `is_json`: a program reads.
    pub fn new(settings: &Settings, is_json: bool) -> Self {
        let size = tcgetwinsize(stdout()).ok().filter(|_| !is_json && stdout().is_terminal());
        let target = match (settings.pager(), size) {
            (Some(pager), Some(size)) if size.ws_row > 0 && size.ws_col > 0 => Target::Held(Held {
                bytes: Vec::new(),
                pager: pager.to_owned(),
                rows: usize::from(size.ws_row).saturating_sub(OTHER_ROWS),
                columns: size.ws_col.into(),
                taken: 0,
            }),
            _ => Target::Out(BufWriter::new(stdout())),
        };
        Self { target, is_coloured: is_coloured(settings.color()) && !is_json }
    }

    /// The same without a pager, for what is told bit by bit.
    pub fn direct(settings: &Settings, is_json: bool) -> Self {
        Self { target: Target::Out(BufWriter::new(stdout())), is_coloured: is_coloured(settings.color()) && !is_json }
    }

    /// Whether to colour what is printed.
    pub fn is_coloured(&self) -> bool {
        self.is_coloured
    }

    /// Prints a line of plain text.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.painted(&printable(text))
    }

    /// Prints a line in which the only control characters are our own colours.
    pub fn painted(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())?;
        self.write_all(b"\n")
    }

    /// Prints a value as JSON on one line.
    pub fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(self.painted(&json_text(value)?)?)
    }

    /// Prints what is held back, and waits until the reader is done.
    pub fn finish(mut self) -> anyhow::Result<()> {
        Ok(self.end()?)
    }

    /// It does not fit: a pager shows it from the beginning.
    fn release(&mut self) -> io::Result<()> {
        let out = Target::Out(BufWriter::new(stdout()));
        let Target::Held(held) = std::mem::replace(&mut self.target, out) else { return Ok(()) };
        if let Some((child, input)) = start(&held.pager) {
            self.target = Target::Pager(child, BufWriter::new(input));
        }
        self.write_all(&held.bytes)
    }

    fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.target, Target::Out(BufWriter::new(stdout()))) {
            Target::Out(mut out) => out.flush(),
            Target::Held(held) => {
                let mut out = stdout().lock();
                out.write_all(&held.bytes)?;
                out.flush()
            }
            Target::Pager(mut child, mut input) => {
                let written = input.flush();
                // It ends when there is no more to read and its reader has had enough.
                drop(input);
                child.wait()?;
                written
            }
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Target::Held(held) = &mut self.target {
            if held.fits(bytes) {
                held.bytes.extend_from_slice(bytes);
                return Ok(bytes.len());
            }
            self.release()?;
        }
        match &mut self.target {
            Target::Out(out) => out.write(bytes),
            Target::Pager(_, input) => input.write(bytes),
            Target::Held(_) => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Out(out) => out.flush(),
            Target::Pager(_, input) => input.flush(),
            Target::Held(_) => Ok(()),
        }
    }
}

/// A command that breaks off leaves no pager behind which reads the terminal together with the shell.
impl Drop for Screen {
    fn drop(&mut self) {
        let _told_already = self.end();
    }
}

impl Held {
    /// Whether there is room for this, too.
    fn fits(&mut self, bytes: &[u8]) -> bool {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.taken += line.len() / self.columns + usize::from(line.ends_with(b"\n"));
        }
        self.taken <= self.rows
    }
}

/// As was asked; else where a terminal reads, unless the environment says no (`NO_COLOR`).
fn is_coloured(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => AutoStream::choice(&stdout()) != anstream::ColorChoice::Never,
    }
}

/// JSON that may stand on a terminal: what it leaves as it is beside the first 32 control characters is written as an escape,
/// too. Such characters only occur inside its texts.
pub fn json_text(value: &impl Serialize) -> serde_json::Result<String> {
    let text = serde_json::to_string(value)?;
    if !text.contains(char::is_control) {
        return Ok(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c.is_control() { shown.push_str(&format!("\\u{:04x}", u32::from(c))) } else { shown.push(c) }
    }
    Ok(shown)
}

/// Starts a pager; `None`: it cannot be started, and all goes to the terminal.
fn start(pager: &str) -> Option<(Child, ChildStdin)> {
    let mut words = pager.split_whitespace();
    let program = words.next()?;
    let mut words: Vec<&str> = words.collect();
    // Alone it would show colours as codes, and stay for what fits.
    if words.is_empty() && (program == "less" || program.ends_with("/less")) {
        words.push("-FRX");
    }
    // Before it starts: a child does not inherit that a signal is handled.
    stay_at_ctrl_c();
    match Command::new(program).args(words).stdin(Stdio::piped()).spawn() {
        Ok(mut child) => child.stdin.take().map(|input| (child, input)),
        Err(error) => {
            eprintln!("note: the pager `{program}` does not start ({error}): set `KOTADB_PAGER`");
            None
        }
    }
}

/// Ctrl-C is for the pager, which stays; a command that died of it would leave the terminal to two readers. It ends when the pager
/// reads no more. Whoever handles a signal once does so as long as the process lives.
fn stay_at_ctrl_c() {
    let handled = std::thread::spawn(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let _entered = runtime.enter();
        signal(SignalKind::interrupt()).map(drop)
    });
    let _as_before = handled.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_control_character() {
        let text = json_text(&["a\u{9b}31m\u{7f}\u{1b}[2J\n", "ü"]).unwrap();
        assert_eq!(text, "[\"a\\u009b31m\\u007f\\u001b[2J\\n\",\"ü\"]");
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, ["a\u{9b}31m\u{7f}\u{1b}[2J\n", "ü"]);
    }

    #[test]
    fn rows_are_counted_as_a_terminal_folds_them() {
        let mut held = Held { bytes: Vec::new(), pager: String::new(), rows: 3, columns: 10, taken: 0 };
        assert!(held.fits(b"one\n") && held.fits(b"012345678901234\n"), "1 and 2");
        assert!(!held.fits(b"two\n"));
    }
}
