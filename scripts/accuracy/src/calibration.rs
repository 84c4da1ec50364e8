//! Does a confidence mean what it says? Of edges that claim 90 %, nine in ten should be right.

use kotadb_core::graph::Confidence;

use crate::rows::Row;

/// Bins of a tenth each.
const BINS: usize = 10;

/// Judged edges by claimed confidence.
#[derive(Debug, Default)]
pub struct Calibration {
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    n: usize,
    right: usize,
    claimed: f64,
}

impl Calibration {
    /// Adds one edge.
    pub fn add(&mut self, confidence: Confidence, is_right: bool) {
        let claimed = f64::from(confidence.0) / 100.0;
        let bin = &mut self.bins[((claimed * BINS as f64) as usize).min(BINS - 1)];
        bin.n += 1;
        bin.right += usize::from(is_right);
        bin.claimed += claimed;
    }

    /// Expected calibration error: the distance of what is claimed from what is right, bin by bin, weighed by its edges.
    fn error(&self) -> Option<f64> {
        let n: usize = self.bins.iter().map(|bin| bin.n).sum();
        let distances = self.bins.iter().map(|bin| (bin.claimed - bin.right as f64).abs());
        (n > 0).then(|| distances.sum::<f64>() / n as f64)
    }

    /// The error, and of each bin what was right.
    pub fn rows(&self) -> Vec<Row> {
        let error = self.error().map(|error| Row::figure("edges: calibration error", error).at_most(0.03));
        let bins = self.bins.iter().enumerate().filter_map(|(number, bin)| {
            let claimed = bin.claimed / bin.n as f64;
            Row::share(format!("edges: right, claimed 0.{number}… ({claimed:.2})"), bin.right, bin.n)
        });
        error.into_iter().chain(bins).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_weighed_by_edges() {
        let mut calibration = Calibration::default();
        for number in 0..10 {
            calibration.add(Confidence(90), number < 9);
            calibration.add(Confidence(100), number < 9);
            calibration.add(Confidence(30), number < 5);
        }
        // Bin 9: 19 claimed, 18 right; bin 3: 3 claimed, 5 right; of 30.
        let error = calibration.error().unwrap();
        assert!((error - (1.0 + 2.0) / 30.0).abs() < 1e-9, "{error}");
        assert_eq!(Calibration::default().error(), None);
    }
}
