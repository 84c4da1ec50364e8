//! What the benches of single stages (`core/benches/stages.rs`) measured: rows of criterion's estimates.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::rows::{Row, Rows};

/// `stages`
#[derive(Debug, Args)]
pub struct StagesArgs {
    /// Where criterion keeps its estimates.
    #[arg(long, default_value = "target/criterion")]
    criterion: PathBuf,
}

/// The groups of the benches.
const GROUPS: [&str; 2] = ["write", "read"];

/// Reads the estimates of each stage.
pub fn run(args: &StagesArgs, rows: &mut Rows) -> anyhow::Result<()> {
    let mut out = Vec::new();
    for group in GROUPS {
        let folder = args.criterion.join(group);
        let listed = fs::read_dir(&folder).with_context(|| format!("no estimates in `{}`", folder.display()))?;
        let mut stages: Vec<PathBuf> = listed.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        stages.sort();
        for stage in stages.iter().map(|stage| stage.join("new")).filter(|stage| stage.is_dir()) {
            out.push(row(&stage)?);
        }
    }
    rows.write("stages", &out)
}

/// The throughput of one stage, in the middle of its runs.
fn row(folder: &Path) -> anyhow::Result<Row> {
    let (bench, estimates) = (json(&folder.join("benchmark.json"))?, json(&folder.join("estimates.json"))?);
    let name = bench["full_id"].as_str().context("a bench has a name")?;
    let seconds = estimates["median"]["point_estimate"].as_f64().context("a bench has a median")? / 1e9;
    let throughput = &bench["throughput"];
    let (amount, unit) = match (throughput["Bytes"].as_f64(), throughput["Elements"].as_f64()) {
        (Some(bytes), _) => (bytes, "MB/s"),
        (None, Some(elements)) => (elements, "M/s"),
        (None, None) => anyhow::bail!("`{name}` has no throughput"),
    };
    Ok(Row::ours(&format!("stage {name}"), "throughput", amount / 1e6 / seconds, unit))
}

fn json(file: &Path) -> anyhow::Result<Value> {
    let text = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("`{}` is damaged", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_the_amount_by_the_median() {
        let folder = std::env::temp_dir().join(format!("kotadb-bench-stages-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("benchmark.json", r#"{"full_id":"read/frames","throughput":{"Bytes":50000000}}"#);
        write("estimates.json", r#"{"median":{"point_estimate":100000000.0}}"#);
        let row = row(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!((row.name.as_str(), row.value, row.unit.as_str()), ("stage read/frames", 500.0, "MB/s"));
    }
}
