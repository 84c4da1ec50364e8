//! Prints every breach of the house rules, one a line, and fails if there is any.

use std::process::ExitCode;

use kotadb_tidy::{RULES, Workspace};

fn main() -> anyhow::Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut n_faults = 0;
    for rule in RULES {
        for fault in (rule.check)(&workspace) {
            println!("{fault} [{}]", rule.name);
            n_faults += 1;
        }
    }
    println!("tidy: {} rules, {} files, {n_faults} faults", RULES.len(), workspace.sources.len());
    Ok(if n_faults == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
