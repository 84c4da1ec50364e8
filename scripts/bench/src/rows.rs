//! What was measured: one row a figure. Each part of the bench owns a file of rows, which it replaces when it runs again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was done: a query, a build, a push.
    pub name: String,
    /// Who did it: `kotadb`, also `kotadb http` and `kotadb 256 MiB`; `rg`, `csearch`, `zoekt` (carried over).
    pub tool: String,
    /// What was counted: `page_p50`, `all_p50`, `process`, `bytes`.
    pub metric: String,
    /// The figure.
    pub value: f64,
    /// Its unit: `ms`, `MB`, `MiB`, `MB/s`, `ratio`, `count`.
    pub unit: String,
    /// What it is held against, if anything.
    pub target: Option<String>,
    /// Whether it holds; `None`: nothing was promised.
    pub holds: Option<bool>,
    /// How many runs it is of, where it is of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<usize>,
}

impl Row {
    /// A figure of ours without a promise.
    pub fn ours(name: &str, metric: &str, value: f64, unit: &str) -> Self {
        Self::of("kotadb", name, metric, value, unit)
    }

    /// A figure of some tool.
    pub fn of(tool: &str, name: &str, metric: &str, value: f64, unit: &str) -> Self {
        let [name, tool, metric, unit] = [name, tool, metric, unit].map(str::to_owned);
        Self { name, tool, metric, value, unit, target: None, holds: None, runs: None }
    }

    /// Promised not to pass `limit`.
    pub fn at_most(self, limit: f64) -> Self {
        let holds = self.value <= limit;
        Self { target: Some(format!("<= {limit:.4}")), holds: Some(holds), ..self }
    }

    /// Promised to reach `limit`.
    pub fn at_least(self, limit: f64) -> Self {
        let holds = self.value >= limit;
        Self { target: Some(format!(">= {limit:.4}")), holds: Some(holds), ..self }
    }

    /// Promised to be just that.
    pub fn just(self, expected: f64) -> Self {
        Self { target: Some(format!("= {expected:.0}")), holds: Some(self.value == expected), ..self }
    }

    /// Taken from so many runs.
    pub fn of_runs(self, runs: usize) -> Self {
        Self { runs: Some(runs), ..self }
    }

    /// How much of the limit is used: at most 1 where the promise holds. `None`: nothing was promised.
    pub fn share(&self) -> Option<f64> {
        let (sign, limit) = self.target.as_deref()?.split_once(' ')?;
        let limit: f64 = limit.parse().ok()?;
        match sign {
            "<=" => Some(self.value / limit),
            ">=" => Some(limit / self.value),
            _ => None,
        }
    }
}

/// The rows of all parts.
#[derive(Debug)]
pub struct Rows {
    folder: PathBuf,
}

impl Rows {
    /// Rows below `out`.
    pub fn open(out: &Path) -> anyhow::Result<Self> {
        let folder = out.join("rows");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(Self { folder })
    }

    /// Replaces the rows of a part, and prints them.
    pub fn write(&self, part: &str, rows: &[Row]) -> anyhow::Result<()> {
        for row in rows {
            let holds = row.holds.map_or("", |holds| if holds { "holds" } else { "MISSED" });
            let target = row.target.as_deref().unwrap_or_default();
            let runs = row.runs.map_or(String::new(), |runs| format!("{runs} runs"));
            println!(
                "{:<24} {:<8} {:<18} {:>12.3} {:<6} {target:<14} {holds:<6} {runs}",
                row.name, row.tool, row.metric, row.value, row.unit
            );
        }
        fs::write(self.folder.join(format!("{part}.json")), serde_json::to_vec_pretty(rows)?)?;
        Ok(())
    }

    /// The rows of all parts that ran, by part.
    pub fn read_all(&self) -> anyhow::Result<Vec<Row>> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
        files.sort();
        let mut rows = Vec::new();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "json")) {
            let of_part: Vec<Row> =
                serde_json::from_slice(&fs::read(file)?).with_context(|| format!("`{}` is damaged", file.display()))?;
            rows.extend(of_part);
        }
        Ok(rows)
    }
}
