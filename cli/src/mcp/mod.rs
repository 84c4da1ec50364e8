//! `kotadb mcp`: the tools for agents over standard input and output, on the index of this machine or, as a bridge, on a service;
//! and `kotadb mcp install`, which tells a client how to start it.

pub mod args;
mod bridge;
mod install;
mod local;
mod seen;

use anyhow::Context;
use kotadb_mcp::McpServer;
use tokio::runtime::Builder;

use self::args::{McpArgs, McpCommand};
use self::local::LocalGround;

/// Serves until the client closes our input.
pub fn run(args: &McpArgs) -> anyhow::Result<bool> {
    match &args.command {
        Some(McpCommand::Install(install)) => install::run(install).map(|()| true),
        None => {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            // It has a runtime of its own, which must not end on this one.
            let ground = LocalGround::new(args.repo.clone())?;
            let served = runtime.block_on(serve(args, ground.clone()));
            // Nobody waits for an index that is being made.
            runtime.shutdown_background();
            served.map(|()| true)
        }
    }
}

async fn serve(args: &McpArgs, ground: LocalGround) -> anyhow::Result<()> {
    if let Some(url) = &args.url {
        return bridge::run(url, kotadb_core::config::api_key(), args.toolset.as_deref()).await;
    }
    let toolset = args.toolset()?;
    // The first answer need not wait for all of it.
    let warming = ground.clone();
    tokio::spawn(async move { warming.warm().await });
    let transport = (tokio::io::stdin(), tokio::io::stdout());
    let server = rmcp::serve_server(McpServer::new(ground, toolset), transport).await;
    let server = server.context("the client did not begin as the protocol says")?;
    server.waiting().await.context("the server broke off")?;
    Ok(())
}
