//! `cargo xtask shots DIR`: pictures of everything that a player sees.
//!
//! One server with a fresh data folder, the client on a screen in memory, and the lobby in a browser
//! without a window. The pictures of the README are made so.

use std::ffi::OsString;
use std::fs;
use std::path::{self, Path};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::cargo::{Group, Profile, Workspace};
use crate::display::VirtualScreen;
use crate::http;
use crate::packages::{self, Purpose};
use crate::process::{self, Output, POLL, stopping};
use crate::serve;
use crate::server::Server;

mod browser;

use browser::Browser;

/// Width and height of a page's pictures: a phone, a laptop, a large screen.
const PAGE_SIZES: [(u32, u32); 3] = [(360, 800), (1280, 800), (1920, 1080)];
const SCREEN_WIDTH: u32 = 1920;
const SCREEN_HEIGHT: u32 = 1080;
/// The client plays a whole round before it sees the summary, drawn by the processor.
const CLIENT_LIMIT: Duration = Duration::from_secs(10 * 60);
/// A round lasts three minutes; the first replay is there when one has ended.
const REPLAY_LIMIT: Duration = Duration::from_secs(5 * 60);

/// Builds what is needed and writes the pictures into `folder`.
pub(crate) fn shots(workspace: &Workspace, folder: &Path) -> Result<()> {
    packages::ensure(&[Purpose::Server, Purpose::Client, Purpose::Screens], &Output::Terminal)?;
    serve::build_lobby(workspace)?;
    let program = serve::build_server(workspace)?;
    println!("== the native client (the first time 10 to 20 minutes)");
    let client = workspace.build_program(Group::Client, Profile::Dev, "game-client")?;

    let folder = path::absolute(folder).context("the folder for the pictures")?;
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let data = tempfile::tempdir().context("making a data folder")?;
    let arguments: [OsString; 4] =
        ["--listen".into(), "127.0.0.1:0".into(), "--data-dir".into(), data.path().into()];
    let server = Server::start(&program, &arguments, true)?;

    println!("== the client's screens");
    photograph_client(&client, &server, &folder)?;
    println!("== the lobby's pages");
    photograph_lobby(&server, &folder)
}

fn photograph_client(client: &Path, server: &Server, folder: &Path) -> Result<()> {
    let settings = tempfile::tempdir().context("making a folder for settings")?;
    let screen = VirtualScreen::start(SCREEN_WIDTH, SCREEN_HEIGHT)?;
    let mut command = Command::new(client);
    command
        .args(["--server", &server.url(), "--name", "Ada", "--autopilot", "--shots"])
        .arg(folder)
        .env("XDG_CONFIG_HOME", settings.path());
    screen.apply(&mut command);
    let (status, _) =
        process::run("the client", &mut command, &Output::Terminal, Some(CLIENT_LIMIT))?;
    ensure!(status.success(), "the client ended with {status}");
    Ok(())
}

fn photograph_lobby(server: &Server, folder: &Path) -> Result<()> {
    let room = first_id(&server.address, "/api/rooms", "rooms")?;
    let replay = first_id(&server.address, "/api/replays", "replays")?;
    let player = {
        let ladder = http::get(&server.address, "/api/feeds/scoreboard")?.json()?;
        let id = ladder["snapshot"]["rows"][0]["player"].as_str().context("an empty ladder")?;
        id.to_owned()
    };
    let pages = [
        ("home", "/".to_owned()),
        // On a phone each is a tab of its own.
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
    let browser = Browser::start()?;
    for (width, height) in PAGE_SIZES {
        browser.resize(width, height)?;
        for (name, path) in &pages {
            let picture = browser.photograph(&format!("{}{path}", server.url()))?;
            let file = folder.join(format!("lobby-{name}-{width}.png"));
            fs::write(&file, picture).with_context(|| format!("writing {}", file.display()))?;
            println!("{}", file.display());
        }
    }
    Ok(())
}

/// The id of the first element of a list in the API, once it has one.
fn first_id(address: &str, path: &str, key: &str) -> Result<String> {
    let started = Instant::now();
    while started.elapsed() < REPLAY_LIMIT && !stopping() {
        let list = http::get(address, path)?.json()?;
        match &list[key][0]["id"] {
            Value::String(id) => return Ok(id.clone()),
            Value::Number(id) => return Ok(id.to_string()),
            _ => thread::sleep(POLL),
        }
    }
    bail!("the server has nothing at {path}")
}
