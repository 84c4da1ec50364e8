//! What ends the pause of a process that waits for jobs: word from Postgres that one can be taken, a call of the
//! [`wake_listener`](crate::wake_listener), or the next look at the table. Words of Postgres come only over a session
//! (`DATABASE_DIRECT_URL`); without one, or while it is broken, looking is enough.

use std::sync::Arc;
use std::time::Duration;

use kotadb_core::db::listen::Listener;
use kotadb_core::telemetry::events;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::warn;

use crate::halt::Halt;

/// Pause before a broken session is opened again.
const RECONNECT: Duration = Duration::from_secs(30);

/// The task that listens; dropped, it ends.
#[derive(Debug)]
pub struct Wakes {
    word: Arc<Notify>,
    task: Option<JoinHandle<()>>,
}

impl Wakes {
    /// Listens at `direct_url`, where there is one.
    pub fn listen(direct_url: Option<&str>) -> Self {
        let word = Arc::new(Notify::new());
        let task = direct_url.map(|url| tokio::spawn(listen_on(url.to_owned(), Arc::clone(&word))));
        Self { word, task }
    }

    /// What ends the pause, for whoever else has word.
    pub fn word(&self) -> Arc<Notify> {
        Arc::clone(&self.word)
    }

    /// Waits for word, at most for `limit`, or until the process has to stop.
    pub async fn pause(&self, limit: Duration, stop: &Halt) {
        tokio::select! {
            () = self.word.notified() => {}
            _reason = stop.wait() => {}
            () = tokio::time::sleep(limit) => {}
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn listen_on(url: String, word: Arc<Notify>) {
    loop {
        match Listener::connect(&url).await {
            Ok(mut listener) => {
                loop {
                    match listener.due_in().await {
                        Ok(wait) => notify_in(wait, &word),
                        Err(error) => break warn!(%error, "{}", events::LISTENER_LOST),
                    }
                }
                // Words may have been missed.
                word.notify_one();
            }
            Err(error) => warn!(%error, "{}", events::LISTENER_LOST),
        }
        tokio::time::sleep(RECONNECT).await;
    }
}

fn notify_in(wait: Duration, word: &Arc<Notify>) {
    if wait.is_zero() {
        return word.notify_one();
    }
    let word = Arc::clone(word);
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        word.notify_one();
    });
}
