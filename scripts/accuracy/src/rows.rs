//! What was measured: one row a figure.

use serde::Serialize;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Language.
    pub language: String,
    /// Repository.
    pub repository: String,
    /// What was counted: `definitions: precision`, `callers: recall, member`.
    pub metric: String,
    /// The figure.
    pub value: f64,
    /// What it is held against, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether it holds; `None`: nothing was promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds: Option<bool>,
    /// Of a share: how many it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// Of a share: where it lies with 95 % certainty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

impl Row {
    /// A figure without a promise.
    pub fn figure(metric: impl Into<String>, value: f64) -> Self {
        let [language, repository] = [String::new(), String::new()];
        Self { language, repository, metric: metric.into(), value, target: None, holds: None, of: None, interval: None }
    }

    /// A count.
    pub fn count(metric: impl Into<String>, value: usize) -> Self {
        Self::figure(metric, value as f64)
    }

    /// How many of how many, with its interval. Of none it is no figure.
    pub fn share(metric: impl Into<String>, part: usize, of: usize) -> Option<Self> {
        let share = part as f64 / of as f64;
        (of > 0).then(|| Self { of: Some(of), interval: Some(wilson(share, of)), ..Self::figure(metric, share) })
    }

    /// Promised to reach `limit`.
    pub fn at_least(self, limit: f64) -> Self {
        Self { target: Some(format!(">= {limit:.3}")), holds: Some(self.value >= limit), ..self }
    }

    /// Promised not to pass `limit`.
    pub fn at_most(self, limit: f64) -> Self {
        Self { target: Some(format!("<= {limit:.3}")), holds: Some(self.value <= limit), ..self }
    }
}

/// Wilson's interval of a share at 95 %.
fn wilson(share: f64, of: usize) -> [f64; 2] {
    const Z: f64 = 1.96;
    let of = of as f64;
    let middle = share + Z * Z / (2.0 * of);
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
    [middle - half, middle + half].map(|end| (end / (1.0 + Z * Z / of)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_intervals() {
        let row = Row::share("x", 95, 100).unwrap().at_least(0.95);
        let [low, high] = row.interval.unwrap();
        assert!((low - 0.888).abs() < 0.001 && (high - 0.978).abs() < 0.001, "{low} {high}");
        assert_eq!(row.holds, Some(true));
        assert_eq!(Row::share("x", 0, 0), None);
        assert_eq!(Row::figure("x", 0.04).at_most(0.03).holds, Some(false));
    }
}
