//! Times of one thing done again and again.

use std::time::{Duration, Instant};

/// Sorted times.
#[derive(Debug)]
pub struct Samples(Vec<Duration>);

/// How often and how long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Runs that are not counted.
    pub warm_up: usize,
    /// Runs at least.
    pub least: usize,
    /// Runs at most.
    pub most: usize,
    /// No further run begins after this.
    pub patience: Duration,
}

impl Samples {
    /// Times `work`.
    pub fn take<E>(effort: Effort, mut work: impl FnMut() -> Result<(), E>) -> Result<Self, E> {
        for _ in 0..effort.warm_up {
            work()?;
        }
        let begin = Instant::now();
        let mut times = Vec::new();
        while times.len() < effort.least || (times.len() < effort.most && begin.elapsed() < effort.patience) {
            let start = Instant::now();
            work()?;
            times.push(start.elapsed());
        }
        Ok(Self::of(times))
    }

    /// Times that were taken elsewhere; at least one.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Number of runs.
    pub fn runs(&self) -> usize {
        self.0.len()
    }

    /// The time that the share `quantile` of all runs does not pass, in milliseconds; the nearest rank above.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let rank = (self.0.len() as f64 * quantile).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1].as_secs_f64() * 1e3
    }
}

/// The middle value of a list that is not empty.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

/// The geometric mean of positive values.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / values.len() as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_nearest_ranks() {
        let samples = Samples((1..=100).map(Duration::from_millis).collect());
        assert_eq!(
            [0.0, 0.5, 0.99, 1.0].map(|quantile| samples.quantile_ms(quantile).round()),
            [1.0, 50.0, 99.0, 100.0]
        );
    }

    #[test]
    fn means() {
        assert_eq!((median(vec![3.0, 1.0, 2.0]), median(vec![4.0, 1.0])), (2.0, 2.5));
        assert!((geometric_mean(&[1.0, 100.0]) - 10.0).abs() < 1e-9);
    }
}
