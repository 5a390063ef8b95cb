//! `cargo xtask play`: everything built, the server started, the game opened.

use std::ffi::OsString;
use std::process::Command;
use std::thread;

use anyhow::{Result, bail, ensure};

use crate::cargo::{Group, Profile, Workspace};
use crate::display;
use crate::links;
use crate::packages::{self, Purpose};
use crate::process::{Output, POLL, Process, stopping};
use crate::serve;
use crate::server::{self, DEFAULT_ADDRESS, Listener, Server};

/// Builds, starts the server or finds one that runs, and plays until the window is closed.
pub(crate) fn play(workspace: &Workspace, arguments: Vec<OsString>) -> Result<()> {
    let screen = display::is_here();
    let listener = if arguments.is_empty() { server::default_listener() } else { Listener::None };
    match listener {
        Listener::Other => bail!("{}", serve::taken("play")),
        Listener::Pushback => return join_running(workspace, screen),
        Listener::None => {}
    }
    let needed = if screen { &[Purpose::Server, Purpose::Client][..] } else { &[Purpose::Server] };
    packages::ensure(needed, &Output::Terminal)?;
    serve::build_lobby(workspace)?;
    let program = serve::build_server(workspace)?;
    if screen {
        build_client(workspace)?;
    }

    let server = Server::start(&program, &arguments)?;
    println!("== the lobby: {}    (Ctrl-C stops everything)", server.url());
    if screen {
        return play_on(workspace, server);
    }
    println!(
        "no DISPLAY and no WAYLAND_DISPLAY: the game's window stays closed, the server serves"
    );
    serve::run_until_asked(server)
}

fn join_running(workspace: &Workspace, screen: bool) -> Result<()> {
    println!("a Pushback server already runs: http://{DEFAULT_ADDRESS} (this one is used)");
    if !screen {
        println!("no DISPLAY and no WAYLAND_DISPLAY: the game's window stays closed");
        return Ok(());
    }
    packages::ensure(&[Purpose::Client], &Output::Terminal)?;
    build_client(workspace)?;
    let mut client = open_client(workspace, &format!("http://{DEFAULT_ADDRESS}"))?;
    match client.wait(None) {
        Ok(status) if !status.success() => bail!("the game ended with {status}"),
        Err(error) if !stopping() => Err(error),
        _ => Ok(()),
    }
}

/// Opens the game with these arguments and waits for its end.
pub(crate) fn client(workspace: &Workspace, arguments: &[OsString]) -> Result<()> {
    packages::ensure(&[Purpose::Client], &Output::Terminal)?;
    build_client(workspace)?;
    let program = workspace.program(Profile::Dev, "game-client");
    let mut client = Process::spawn("the game", Command::new(program).args(arguments))?;
    let status = client.wait(None)?;
    ensure!(status.success(), "the game ended with {status}");
    Ok(())
}

fn build_client(workspace: &Workspace) -> Result<()> {
    println!("== the native client (the first time 10 to 20 minutes: it brings a game engine)");
    let client = workspace.build_program(Group::Client, Profile::Dev, "game-client")?;
    if let Err(error) = links::register(&client) {
        println!("pushback:// links will not open the game: {error:#}");
    }
    Ok(())
}

fn open_client(workspace: &Workspace, url: &str) -> Result<Process> {
    let program = workspace.program(Profile::Dev, "game-client");
    Process::spawn("the game", Command::new(program).args(["--server", url]))
}

/// Returns when the window is closed, the server ends, or on Ctrl-C.
fn play_on(workspace: &Workspace, mut server: Server) -> Result<()> {
    let mut client = open_client(workspace, &server.url())?;
    loop {
        if stopping() {
            client.stop();
            server.process.stop();
            println!("the game and the server have stopped");
            return Ok(());
        }
        if let Some(status) = client.ended()? {
            server.process.stop();
            println!("the window is closed, so the server has stopped as well");
            println!("to serve without a window: cargo xtask serve");
            if !status.success() {
                bail!("the game ended with {status}: see its messages above");
            }
            return Ok(());
        }
        if let Some(status) = server.process.ended()? {
            client.stop();
            bail!("the server ended by itself ({status}): see its messages above");
        }
        thread::sleep(POLL);
    }
}
