//! A request that keeps silent for longer than most is sent a second time, and the first answer counts (Dean and Barroso,
//! "The Tail at Scale", 2013): of a wave of reads the slowest decides, and one in a hundred takes ten times as long.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::future::{self, Either};
use tokio::time::{Instant, timeout};

/// Second sendings of one search: each costs a request, and few requests are slow.
const MOST: u32 = 6;
/// Answers that are remembered.
const REMEMBERED: usize = 128;
/// The share of answers after which a request counts as slow.
const QUANTILE: f64 = 0.85;
/// What holds until so many answers are known: a bucket that answers half of all requests within 22 ms.
const KNOWN: usize = 32;
const MEDIAN: Duration = Duration::from_millis(22);
const PATIENCE: Duration = Duration::from_millis(38);
/// Less than this is the noise of the machine.
const LEAST_PATIENCE: Duration = Duration::from_millis(5);

/// How long a store takes to begin its answers; of the last ones.
#[derive(Debug, Default)]
pub(super) struct Pace {
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    last: Vec<Duration>,
    next: usize,
}

/// The second sendings of one search.
#[derive(Debug, Default)]
pub struct Hedges {
    sent: AtomicU32,
}

impl Hedges {
    /// How many there were.
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    fn take(&self) -> bool {
        let more = |sent| (sent < MOST).then_some(sent + 1);
        self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

impl Pace {
    fn note(&self, took: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let at = times.next;
        match times.last.get_mut(at) {
            Some(oldest) => *oldest = took,
            None => times.last.push(took),
        }
        times.next = (at + 1) % REMEMBERED;
    }

    /// How long to wait before a request is sent again.
    pub(super) fn patience(&self) -> Duration {
        self.quantile(QUANTILE).map_or(PATIENCE, |patience| patience.max(LEAST_PATIENCE))
    }

    /// In which time half of the answers begin.
    pub(super) fn median(&self) -> Duration {
        self.quantile(0.5).unwrap_or(MEDIAN)
    }

    fn quantile(&self, quantile: f64) -> Option<Duration> {
        let mut last = self.times.lock().unwrap_or_else(PoisonError::into_inner).last.clone();
        let nth = (last.len() as f64 * quantile) as usize;
        (last.len() >= KNOWN).then(|| *last.select_nth_unstable(nth).1)
    }
}

/// The answer to what `send` sends: once, or twice if the first keeps silent and `hedges` has one left. An error counts
/// only if there is no answer. How long it took is noted.
pub(super) async fn hedged<T, E, F>(pace: &Pace, hedges: Option<&Hedges>, send: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let start = Instant::now();
    let answer = match hedges {
        None => send().await,
        Some(hedges) => twice(pace.patience(), hedges, send).await,
    };
    pace.note(start.elapsed());
    answer
}

async fn twice<T, E, F>(patience: Duration, hedges: &Hedges, send: impl Fn() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut first = std::pin::pin!(send());
    if let Ok(answer) = timeout(patience, &mut first).await {
        return answer;
    }
    if !hedges.take() {
        return first.await;
    }
    // The second is polled first: what was taken is sent, even if the first answers just now.
    match future::select(std::pin::pin!(send()), first).await {
        Either::Left((Err(_), other)) => other.await,
        Either::Right((Err(_), other)) => other.await,
        Either::Left((answer, _)) | Either::Right((answer, _)) => answer,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    /// What the first and the second sending do.
    #[derive(Clone, Copy)]
    enum Does {
        Answer,
        Fail,
        /// Answers once the other one was sent.
        Wait,
    }

    /// Which sending was heard, and how many there were.
    async fn ask(hedges: Option<&Hedges>, does: [Does; 2]) -> (Result<u32, u32>, u32) {
        let (sent, second) = (AtomicU32::new(0), Notify::new());
        let send = || {
            let nth = sent.fetch_add(1, Ordering::Relaxed);
            let second = &second;
            async move {
                match does[nth as usize] {
                    Does::Wait => second.notified().await,
                    _ if nth == 1 => second.notify_one(),
                    _ => {}
                }
                if matches!(does[nth as usize], Does::Fail) { Err(nth) } else { Ok(nth) }
            }
        };
        let pace = Pace::default();
        (0..KNOWN).for_each(|_| pace.note(Duration::ZERO));
        let answer = hedged(&pace, hedges, send).await;
        (answer, sent.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn a_slow_request_is_sent_again_and_a_quick_one_is_not() {
        let hedges = Hedges::default();
        assert_eq!(ask(Some(&hedges), [Does::Answer, Does::Answer]).await, (Ok(0), 1));
        assert_eq!(ask(Some(&hedges), [Does::Fail, Does::Answer]).await, (Err(0), 1), "an error is an answer");
        assert_eq!(ask(None, [Does::Answer, Does::Answer]).await, (Ok(0), 1));
        assert_eq!(hedges.sent(), 0);
        assert_eq!(ask(Some(&hedges), [Does::Wait, Does::Fail]).await, (Ok(0), 2), "a failed second decides nothing");
        let (answer, sent) = ask(Some(&hedges), [Does::Wait, Does::Answer]).await;
        assert!(answer.is_ok() && sent == 2);
        assert_eq!(hedges.sent(), 2);
        (2..MOST).for_each(|_| assert!(hedges.take()));
        assert!(!hedges.take(), "a search may send so many");
        assert_eq!(hedges.sent(), MOST);
    }

    #[test]
    fn patience_is_what_most_answers_take() {
        let pace = Pace::default();
        assert_eq!((pace.patience(), pace.median()), (PATIENCE, MEDIAN));
        (1..=100).for_each(|ms| pace.note(Duration::from_millis(ms)));
        assert_eq!((pace.patience(), pace.median()), (Duration::from_millis(86), Duration::from_millis(51)));
        (0..REMEMBERED).for_each(|_| pace.note(Duration::from_millis(1)));
        assert_eq!(pace.patience(), LEAST_PATIENCE, "only the last answers count");
    }
}
