//! A line that is typed at the terminal and not shown there: a key.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// Ctrl-C, Ctrl-D, and what erases a letter.
const INTERRUPT: u8 = 3;
const END: u8 = 4;
const ERASE: [u8; 2] = [8, 127];

/// Asks for a line at the terminal, whatever standard input is.
pub fn ask(prompt: &str) -> anyhow::Result<String> {
    let mut terminal =
        OpenOptions::new().read(true).write(true).open("/dev/tty").context("there is no terminal to ask at")?;
    terminal.write_all(prompt.as_bytes())?;
    let hidden = Hidden::begin(&terminal)?;
    let typed = line(&mut terminal);
    drop(hidden);
    terminal.write_all(b"\n")?;
    typed
}

/// A terminal that shows nothing of what is typed; as before when dropped.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn begin(terminal: &File) -> io::Result<Self> {
        let terminal = terminal.try_clone()?;
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        // Letter by letter, and Ctrl-C as one of them: a process that dies of it would leave the terminal as it is.
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _gone = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn line(terminal: &mut impl Read) -> anyhow::Result<String> {
    let mut typed = Vec::new();
    let mut byte = [0];
    while terminal.read(&mut byte)? == 1 {
        match byte[0] {
            b'\n' | b'\r' => break,
            INTERRUPT => bail!("interrupted: nothing was kept"),
            END if typed.is_empty() => break,
            erase if ERASE.contains(&erase) => _ = typed.pop(),
            letter => typed.push(letter),
        }
    }
    String::from_utf8(typed).context("what was typed is no text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_is_corrected_and_given_up() {
        assert_eq!(line(&mut &b"kdX\x7fb\nrest"[..]).unwrap(), "kdb");
        assert_eq!(line(&mut &b"\x04"[..]).unwrap(), "");
        assert!(line(&mut &b"kd\x03"[..]).unwrap_err().to_string().contains("interrupted"));
    }
}
