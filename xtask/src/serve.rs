//! `cargo xtask serve`: the server with the lobby inside, until Ctrl-C.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cargo::{Group, Profile, Workspace};
use crate::lobby;
use crate::packages::{self, Purpose};
use crate::process::{Output, stopping};
use crate::server::{self, DEFAULT_ADDRESS, Listener, Server};

/// Builds the lobby and the server, and serves until Ctrl-C.
pub(crate) fn serve(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    if arguments.is_empty() {
        match server::default_listener() {
            Listener::None => {}
            Listener::Pushback => bail!("a Pushback server already runs: http://{DEFAULT_ADDRESS}"),
            Listener::Other => bail!("{}", taken("serve")),
        }
    }
    packages::ensure(&[Purpose::Server], &Output::Terminal)?;
    build_lobby(workspace)?;
    let program = build_server(workspace)?;
    let server = Server::start(&program, arguments)?;
    println!("the lobby: {}    (Ctrl-C stops it)", server.url());
    run_until_asked(server)
}

/// Builds the lobby and says how large it became.
pub(crate) fn build_lobby(workspace: &Workspace) -> Result<()> {
    println!("== the lobby, for browsers (the first time some minutes)");
    let bundle = lobby::build(workspace, &Output::Terminal)?;
    println!(
        "the lobby: {} KB of WebAssembly, {} KB on its way to a browser",
        bundle.wasm_bytes / 1000,
        bundle.wasm_brotli_bytes / 1000
    );
    Ok(())
}

/// Builds the server for playing. The lobby must have been built.
pub(crate) fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    println!("== the server (the first time 5 to 10 minutes)");
    workspace.build_program(Group::Server, Profile::Dev, "game-server")
}

/// Waits until Ctrl-C and stops the server, or until it ends by itself, which is an error.
pub(crate) fn run_until_asked(mut server: Server) -> Result<()> {
    match server.process.wait(None) {
        Err(_) if stopping() => {
            println!("the server has stopped");
            Ok(())
        }
        Err(error) => Err(error),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("the server ended by itself ({status}): see its messages above"),
    }
}

/// What to do when the default address is not free for `cargo xtask TASK`.
pub(crate) fn taken(task: &str) -> String {
    format!(
        "another program listens on {DEFAULT_ADDRESS}: stop it, or choose another port with \
         `cargo xtask {task} -- --listen 127.0.0.1:7778`"
    )
}
