//! The faults, by their numbers. Each module has one function, which sets up, disturbs, settles and looks.

mod bucket;
mod checkpoint;
mod children;
mod clock;
mod cold_start;
mod duplicates;
mod exhausted;
mod github;
mod isolation;
mod isolation_requests;
mod killed;
mod killed_children;
mod lambda;
mod memory;
mod moving;
mod outside;
mod partition;
mod poison;
mod postgres_away;
mod rotation;
mod rotation_master;
mod slow_postgres;
mod soak;
mod storm;
mod suspended;
mod terminated;
mod tokens;
mod upstream;
mod wakes;
mod zombie;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::reader::Reader;
use crate::report::Findings;
use crate::stage::{Plan, Registered, Stage};

/// The debounce of a push, and a little.
const DUE: Duration = Duration::from_millis(1200);

/// One fault, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    number: u32,
    name: &'static str,
}

/// All of them, in order.
const ALL: &[Fault] = &[
    Fault { number: 1, name: "killed indexers" },
    Fault { number: 1, name: "killed children" },
    Fault { number: 2, name: "zombies" },
    Fault { number: 3, name: "terminated" },
    Fault { number: 3, name: "checkpoints" },
    Fault { number: 4, name: "postgres away" },
    Fault { number: 5, name: "postgres slow" },
    Fault { number: 6, name: "object store" },
    Fault { number: 7, name: "duplicates" },
    Fault { number: 8, name: "push storm" },
    Fault { number: 9, name: "poison" },
    Fault { number: 9, name: "children" },
    Fault { number: 9, name: "memory" },
    Fault { number: 9, name: "suspension" },
    Fault { number: 10, name: "exhausted" },
    Fault { number: 11, name: "clock skew" },
    Fault { number: 11, name: "tokens" },
    Fault { number: 12, name: "git away" },
    Fault { number: 12, name: "wakes" },
    Fault { number: 12, name: "tick alone" },
    Fault { number: 12, name: "github away" },
    Fault { number: 13, name: "moving branches" },
    Fault { number: 13, name: "moving upstream" },
    Fault { number: 15, name: "rotation" },
    Fault { number: 16, name: "isolation" },
    Fault { number: 17, name: "partition" },
    Fault { number: 18, name: "cold start" },
    Fault { number: 19, name: "soak" },
    Fault { number: 20, name: "lambda" },
];

impl Fault {
    /// Those of these numbers or names; none: all.
    pub fn chosen(words: &[String]) -> anyhow::Result<Vec<Self>> {
        if words.is_empty() {
            return Ok(ALL.to_vec());
        }
        let mut chosen = Vec::new();
        for word in words {
            let before = chosen.len();
            chosen.extend(ALL.iter().copied().filter(|fault| fault.number.to_string() == *word || fault.name == word));
            anyhow::ensure!(
                chosen.len() > before,
                "there is no fault `{word}`: choose from {:?}",
                ALL.iter().map(|fault| fault.label()).collect::<Vec<_>>()
            );
        }
        Ok(chosen)
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
        match self.name {
            "killed indexers" => killed::run(plan, findings).await,
            "killed children" => killed_children::run(plan, findings).await,
            "zombies" => zombie::run(plan, findings).await,
            "terminated" => terminated::run(plan, findings).await,
            "checkpoints" => checkpoint::run(plan, findings).await,
            "postgres away" => postgres_away::run(plan, findings).await,
            "postgres slow" => slow_postgres::run(plan, findings).await,
            "object store" => bucket::run(plan, findings).await,
            "duplicates" => duplicates::run(plan, findings).await,
            "push storm" => storm::run(plan, findings).await,
            "poison" => poison::run(plan, findings).await,
            "children" => children::run(plan, findings).await,
            "memory" => memory::run(plan, findings).await,
            "suspension" => suspended::run(plan, findings).await,
            "exhausted" => exhausted::run(plan, findings).await,
            "clock skew" => clock::run(plan, findings).await,
            "tokens" => tokens::run(plan, findings).await,
            "git away" => outside::run(plan, findings).await,
            "wakes" => wakes::run(plan, findings).await,
            "tick alone" => wakes::run_tick_alone(plan, findings).await,
            "github away" => github::run(plan, findings).await,
            "moving branches" => moving::run(plan, findings).await,
            "moving upstream" => upstream::run(plan, findings).await,
            "rotation" => rotation::run(plan, findings).await,
            "isolation" => isolation::run(plan, findings).await,
            "partition" => partition::run(plan, findings).await,
            "cold start" => cold_start::run(plan, findings).await,
            "soak" => soak::run(plan, findings).await,
            "lambda" => lambda::run(plan, findings).await,
            name => anyhow::bail!("fault `{name}` has no module"),
        }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
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
