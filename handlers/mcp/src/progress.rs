//! What a call that takes its time tells meanwhile, where its client asks for that.

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Of what it has to do, so much is done; it only grows.
    pub done: u64,
    /// How much there is, where that is known.
    pub total: Option<u64>,
    /// What it is at.
    pub message: String,
}

/// Where a call tells its steps; by default nobody listens.
#[derive(Clone, Debug, Default)]
pub struct Progress(Option<UnboundedSender<Step>>);

impl Progress {
    /// For somebody who listens.
    pub fn channel() -> (Self, UnboundedReceiver<Step>) {
        let (sender, steps) = unbounded_channel();
        (Self(Some(sender)), steps)
    }

    /// Whether somebody listens: a call may then wait for its end.
    pub fn is_wanted(&self) -> bool {
        self.0.as_ref().is_some_and(|listener| !listener.is_closed())
    }

    /// Tells a step. Who has gone meanwhile is not missed.
    pub fn tell(&self, step: Step) {
        let _gone = self.0.as_ref().map(|listener| listener.send(step));
    }
}
