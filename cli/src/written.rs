//! What is written of the command itself: completions for a shell, manual pages.

use std::fs;
use std::io::{Write, stdout};

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::{Args, ManArgs};

/// Prints what a shell needs to complete our words.
pub fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "kotadb", &mut text);
    Ok(stdout().write_all(&text)?)
}

/// Prints the manual page, or writes those of all commands into a folder.
pub fn man(args: &ManArgs) -> anyhow::Result<()> {
    let mut command = Args::command();
    command.build();
    let Some(folder) = &args.folder else {
        return Ok(stdout().write_all(&page(&command)?)?);
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let subcommands = command.get_subcommands().filter(|one| one.get_name() != "help");
    for one in subcommands.cloned().chain([command.clone()]) {
        let name = if one.get_name() == "kotadb" { "kotadb".to_owned() } else { format!("kotadb-{}", one.get_name()) };
        let path = folder.join(format!("{name}.1"));
        fs::write(&path, page(&one.name(name))?).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    Ok(text)
}
