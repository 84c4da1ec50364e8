//! The faults, by their numbers. Each module has one function, which sets up, disturbs, settles and looks.

mod bucket;
mod clock;
mod cold_start;
mod duplicates;
mod exhausted;
mod killed;
mod moving;
mod needs;
mod outside;
mod partition;
mod poison;
mod postgres_away;
mod slow_postgres;
mod soak;
mod storm;
mod terminated;
mod zombie;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::reader::Reader;

use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// The debounce of a push, and a little.
const DUE: Duration = Duration::from_millis(1200);

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    number: u32,
    name: &'static str,
}

/// All of them, in order.
const ALL: &[Fault] = &[
    Fault { number: 1, name: "killed indexers" },
    Fault { number: 2, name: "zombies" },
    Fault { number: 3, name: "terminated" },
    Fault { number: 4, name: "postgres away" },
    Fault { number: 5, name: "postgres slow" },
    Fault { number: 6, name: "object store" },
    Fault { number: 7, name: "duplicates" },
    Fault { number: 8, name: "push storm" },
    Fault { number: 9, name: "poison" },
    Fault { number: 10, name: "exhausted" },
    Fault { number: 11, name: "clock skew" },
    Fault { number: 12, name: "outside away" },
    Fault { number: 13, name: "moving repositories" },
    Fault { number: 17, name: "partition" },
    Fault { number: 18, name: "cold start" },
    Fault { number: 19, name: "soak" },
];

impl Fault {
    /// Those of these numbers; none: all.
    pub fn chosen(numbers: &[u32]) -> anyhow::Result<Vec<Self>> {
        if numbers.is_empty() {
            return Ok(ALL.to_vec());
        }
        let find = |number: &u32| {
            let found = ALL.iter().copied().find(|fault| fault.number == *number);
            found.with_context(|| {
                format!(
                    "there is no fault {number}: choose from {:?}",
                    ALL.iter().map(|fault| fault.number).collect::<Vec<_>>()
                )
            })
        };
        numbers.iter().map(find).collect()
    }

    /// Number and name.
    pub fn label(self) -> String {
        format!("{} {}", self.number, self.name)
    }

    /// Whether its figures are times or sizes that others would spoil.
    pub fn is_timed(self) -> bool {
        matches!(self.number, 4 | 18 | 19)
    }

    /// Tries it.
    pub async fn run(self, plan: &Plan, findings: &mut Findings) -> anyhow::Result<()> {
        match self.number {
            1 => killed::run(plan, findings).await,
            2 => zombie::run(plan, findings).await,
            3 => terminated::run(plan, findings).await,
            4 => postgres_away::run(plan, findings).await,
            5 => slow_postgres::run(plan, findings).await,
            6 => bucket::run(plan, findings).await,
            7 => duplicates::run(plan, findings).await,
            8 => storm::run(plan, findings).await,
            9 => poison::run(plan, findings).await,
            10 => exhausted::run(plan, findings).await,
            11 => clock::run(plan, findings).await,
            12 => outside::run(plan, findings).await,
            13 => moving::run(plan, findings).await,
            17 => partition::run(plan, findings).await,
            18 => cold_start::run(plan, findings).await,
            19 => soak::run(plan, findings).await,
            number => anyhow::bail!("fault {number} has no module"),
        }
    }
}

/// A stage with one tenant, one repository that is indexed, and a reader of it.
async fn one_tenant(plan: &Plan, lease: Duration, name: &str) -> anyhow::Result<(Arc<Stage>, Registered, Reader)> {
    let stage = Stage::start(plan, lease).await?;
    let tenant = stage.tenant("one").await?;
    let one = stage.register(&tenant, name).await?;
    stage.drain().await?;
    let reader = Reader::start(vec![(tenant, vec![name.to_owned()])]);
    Ok((stage, one, reader))
}
