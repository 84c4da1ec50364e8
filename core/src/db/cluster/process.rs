//! A child process with a thread of its own that started it and waits for it. The kernel is asked to stop the child when that
//! thread ends, and the thread ends before the child only when the whole program does, SIGKILL included.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a process may take to obey.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A child process.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    watcher: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts a command that [`super::Account::command`] made.
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        let (tell, told) = mpsc::channel();
        let watcher = thread::Builder::new().name("child".to_owned()).spawn(move || watch(command, &tell))?;
        let id = told.recv().map_err(io::Error::other)??;
        Ok(Self { id, watcher: Some(watcher) })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.watcher.as_ref().is_some_and(|watcher| !watcher.is_finished())
    }

    /// Sends a signal (`INT`, `TERM`) and waits; after 30 s it is killed.
    pub(crate) fn stop(&mut self, signal: &str) -> io::Result<()> {
        self.send(signal)?;
        let asked = Instant::now();
        while self.is_running() && asked.elapsed() < STOP_LIMIT {
            thread::sleep(Duration::from_millis(5));
        }
        self.send("KILL")?;
        self.watcher.take().map_or(Ok(()), |watcher| watcher.join().map_err(|_| io::Error::other("watcher panicked")))
    }

    fn send(&self, signal: &str) -> io::Result<()> {
        if !self.is_running() {
            return Ok(());
        }
        // It may end between the question and the signal, so the exit code says nothing.
        Command::new("kill").args(["-s", signal, &self.id.to_string()]).stderr(Stdio::null()).status().map(|_| ())
    }
}

fn watch(mut command: Command, tell: &mpsc::Sender<io::Result<u32>>) {
    // In a group of its own: Ctrl-C in a terminal goes to the whole group, and would end the child before those that
    // still need it.
    match command.process_group(0).spawn() {
        Err(error) => drop(tell.send(Err(error))),
        Ok(mut child) => {
            drop(tell.send(Ok(Child::id(&child))));
            drop(child.wait());
        }
    }
}
