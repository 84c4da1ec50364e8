//! What the time of one push went to: moments of the job's steps by the clock of this machine, which the database shares.

use std::fmt;
use std::time::Duration;

use crate::rows::Row;
use crate::samples::median;

/// The steps of a push, in the order in which it passes them. The router answers the delivery while the indexer is called.
const NAMES: [&str; 8] = ["claimed", "listed", "fetched", "built", "uploaded", "published", "searchable", "done"];

/// One push.
#[derive(Clone, Debug)]
pub struct Push {
    /// From the sending of the webhook to its answer.
    pub ack: Duration,
    /// From there to the first answer that has the word.
    pub searchable: Duration,
    /// Milliseconds from the sending to each of [`NAMES`], where it was passed.
    pub passed: Vec<Option<f64>>,
}

/// How long each step took, in milliseconds.
#[derive(Clone, Debug)]
pub struct Stages(Vec<(&'static str, f64)>);

impl Push {
    /// `steps`: name and milliseconds since 1970 of each step of the job; `sent`: of the webhook.
    pub fn new(sent: f64, (ack, searchable): (Duration, Duration), steps: &[(String, f64)]) -> Self {
        let of = |name: &str| {
            let passed = steps.iter().rev().find(|(step, _)| step == name).map(|(_, at)| at - sent);
            if name == "searchable" { Some(searchable.as_secs_f64() * 1e3) } else { passed }
        };
        Self { ack, searchable, passed: NAMES.iter().map(|name| of(name)).collect() }
    }

    /// How long each step took.
    pub fn stages(&self) -> Stages {
        let mut stages = vec![("ack", self.ack.as_secs_f64() * 1e3)];
        let mut before = 0.0;
        for (name, at) in NAMES.iter().zip(&self.passed).filter(|(name, _)| **name != "done") {
            let Some(at) = at else { continue };
            stages.push((name, at - before));
            before = *at;
        }
        Stages(stages)
    }

    /// Its steps as rows.
    pub fn rows(&self, name: &str, prefix: &str) -> Vec<Row> {
        self.stages().rows(name, prefix)
    }
}

impl Stages {
    /// The median of each step.
    pub fn medians(pushes: &[Push]) -> Self {
        let all: Vec<Self> = pushes.iter().map(Push::stages).collect();
        let names = std::iter::once("ack").chain(NAMES);
        let of = |name: &str| -> Vec<f64> {
            all.iter().flat_map(|stages| &stages.0).filter(|(step, _)| *step == name).map(|(_, ms)| *ms).collect()
        };
        Self(
            names
                .map(|name| (name, of(name)))
                .filter(|(_, all)| !all.is_empty())
                .map(|(n, all)| (n, median(all)))
                .collect(),
        )
    }

    /// One row a step.
    pub fn rows(&self, name: &str, prefix: &str) -> Vec<Row> {
        let row = |(step, ms): &(&str, f64)| Row::ours(name, &format!("{prefix}{step}"), *ms, "ms");
        self.0.iter().map(row).collect()
    }
}

impl fmt::Display for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5.0} ms:", self.searchable.as_secs_f64() * 1e3)?;
        self.stages().0.iter().try_for_each(|(name, ms)| write!(f, " {name} {ms:.0}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_counts_from_the_one_before() {
        let steps = [("claimed", 1100.0), ("published", 1600.0), ("done", 1700.0)].map(|(n, at)| (n.to_owned(), at));
        let push = Push::new(100.0, (Duration::from_millis(20), Duration::from_millis(1550)), &steps);
        assert_eq!(push.stages().0, [("ack", 20.0), ("claimed", 1000.0), ("published", 500.0), ("searchable", 50.0)]);
        assert_eq!(Stages::medians(&[push.clone(), push]).0[1], ("claimed", 1000.0));
    }
}
