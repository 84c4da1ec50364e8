//! A question at the terminal that is answered by yes or no.

use std::io::{self, IsTerminal, Write, stderr, stdin};

/// Whether whoever sits at the terminal says yes; `None`: nobody sits there.
pub fn is_agreed(question: &str) -> io::Result<Option<bool>> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Ok(None);
    }
    eprint!("{question} [y/N] ");
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")))
}
