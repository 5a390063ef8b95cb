//! Pictures of everything that a player sees: the client's screens and the lobby's pages.
//!
//! One server with a fresh data folder, the client on a screen in memory, and the lobby in a browser
//! without a window. `cargo xtask shots DIR` builds the programs and starts this one.

#![allow(clippy::print_stdout, reason = "a program that says what it wrote")]

use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use tests::browser::{Browser, PAGE_DEADLINE};
use tests::process::{Program, built};
use tests::screen::Screen;
use tests::{ServerProcess, Site, eventually};

/// Width and height of the page in pixels: a phone, a laptop, a large screen.
const PAGE_SIZES: [(u32, u32); 3] = [(360, 800), (1280, 800), (1920, 1080)];
/// Width and height of the client's screen in pixels.
const SCREEN_SIZE: (u32, u32) = (1920, 1080);
/// The client plays a whole round, drawn by the processor, before it sees the summary.
const CLIENT_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// A round lasts three minutes, and the first replay is listed when a round has ended.
const REPLAY_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// A page shows live data. It gets this time to fetch the data and to draw.
const SETTLE: Duration = Duration::from_secs(4);

/// Writes pictures of the client's screens and the lobby's pages.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The folder for the pictures. It is made when it does not exist.
    folder: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let folder =
        path::absolute(Arguments::parse().folder).context("the folder for the pictures")?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let server = ServerProcess::start_as_hosted(&[]).await;

    println!("== the client's screens");
    photograph_client(&server, &folder).await?;
    println!("== the lobby's pages");
    photograph_lobby(&server, &folder).await
}

/// The client writes its pictures itself, and ends when it has them all.
async fn photograph_client(site: &Site, folder: &Path) -> Result<()> {
    let settings = tempfile::tempdir().context("making a folder for settings")?;
    let screen = Screen::start(SCREEN_SIZE.0, SCREEN_SIZE.1);
    let mut command = Command::new(built("PUSHBACK_CLIENT_BIN", "game-client"));
    command.args(["--server", &site.url(""), "--name", "Ada", "--autopilot", "--shots"]);
    command.arg(folder).env("XDG_CONFIG_HOME", settings.path());
    screen.equip(&mut command);
    let status = Program::start("game-client", &mut command).end_within(CLIENT_DEADLINE).await;
    ensure!(status.success(), "the client ended with {status}");
    Ok(())
}

async fn photograph_lobby(site: &Site, folder: &Path) -> Result<()> {
    let room = site.rooms().await.rooms.first().context("no room is listed")?.id;
    let replay = eventually(REPLAY_DEADLINE, "a replay", async || {
        site.replays().await.replays.first().map(|replay| replay.id)
    })
    .await;
    let player = site.scoreboard().await.rows.first().context("the ladder is empty")?.player;
    let pages = [
        ("home", "/".to_owned()),
        // On a phone each of these is a tab.
        ("scores", "/#scores".to_owned()),
        ("chat", "/#chat".to_owned()),
        ("latest", "/#replays".to_owned()),
        ("replays", "/replays".to_owned()),
        ("replay", format!("/replays/{replay}")),
        ("watch", format!("/rooms/{room}/watch")),
        ("invite", format!("/r/{room}")),
        ("player", format!("/players/{player}")),
        ("determinism", "/determinism".to_owned()),
        ("nothing-there", "/nothing/there".to_owned()),
    ];
    let browser = Browser::start().await;
    for (width, height) in PAGE_SIZES {
        browser.resize(width, height).await;
        for (name, path) in &pages {
            browser.open_within(PAGE_DEADLINE, &site.url(path)).await;
            tokio::time::sleep(SETTLE).await;
            let file = folder.join(format!("lobby-{name}-{width}.png"));
            browser.photograph(&file).await;
            println!("{}", file.display());
        }
    }
    Ok(())
}
