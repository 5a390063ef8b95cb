//! The WebSocket protocol as Autobahn's fuzzing client sees it, on both kinds of sockets of this server: the library's
//! (chat and feeds) and a room's own. Its routes are part of no server.
//!
//! It needs `wstest` of the Python package `autobahntestsuite` (for Python 2.7): on the `PATH`, or named by
//! `PUSHBACK_WSTEST`. `cargo xtask test` leaves this test out, and says so, where there is none.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::Bench;
use crate::http::error::HttpResult;
use crate::http::state::HttpState;
use crate::http::upgrade::{NotUpgradable, Upgrade};
use crate::open_files::OpenFiles;
use crate::room::echo;
use crate::serve::{self, ServeSettings};
use crate::socket::{self, Incoming, RateLimitedReceiver};
use crate::tasks::Tasks;

/// Longer messages than a client of ours may send (those are closed with 1009, which other tests see), and the
/// compression that is not offered.
const CASES_LEFT_OUT: [&str; 11] =
    ["1.1.6", "1.1.7", "1.1.8", "1.2.6", "1.2.7", "1.2.8", "7.1.6", "9.*", "10.*", "12.*", "13.*"];
/// Cases on one socket. Fewer, and the fuzzing client did not do its work.
const CASES: usize = 239;
/// Two runs take a quarter of a minute.
const DEADLINE: Duration = Duration::from_secs(300);

/// What became of one case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    behavior: String,
    behavior_close: String,
}

impl Verdict {
    fn is_good(&self) -> bool {
        // Not strict: right, but later than it could have been. Informational: the protocol leaves it open.
        [&self.behavior, &self.behavior_close]
            .iter()
            .all(|verdict| ["OK", "NON-STRICT", "INFORMATIONAL"].contains(&verdict.as_str()))
    }
}

#[tokio::test]
async fn the_fuzzing_client_finds_nothing_on_either_kind_of_socket() {
    let bench = Bench::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let files = OpenFiles::of_process(&bench.config).unwrap();
    let settings = ServeSettings::new(&bench.config, files);
    let metrics = bench.app.metrics.connections.clone();
    let tasks = bench.app.tasks.clone();
    let routes = Router::new()
        .route("/library", get(through_the_library))
        .route("/room", get(as_rooms_do))
        .with_state(HttpState::from(bench.app.clone()));
    let accepting = tokio::spawn(async move {
        serve::accept(listener, routes.into(), settings, tasks, metrics).await;
    });
    let folder = tempfile::tempdir().unwrap();
    let server = |name: &str| json!({"agent": name, "url": format!("ws://{address}/{name}")});
    let spec = json!({
        "outdir": folder.path(),
        "servers": [server("library"), server("room")],
        "cases": ["*"],
        "exclude-cases": CASES_LEFT_OUT,
        "exclude-agent-cases": {},
    });

    run_the_fuzzing_client(folder.path(), &spec.to_string()).await;

    bench.app.tasks.stop();
    accepting.await.unwrap();
    bench.stop().await;
    // It ends well whatever it has found.
    assert_good(&fs::read_to_string(folder.path().join("index.json")).unwrap());
}

async fn run_the_fuzzing_client(folder: &Path, spec: &str) {
    let path = folder.join("spec.json");
    fs::write(&path, spec).unwrap();
    let program = env::var_os("PUSHBACK_WSTEST").unwrap_or_else(|| "wstest".into());
    let mut command = Command::new(program);
    command.args(["--mode", "fuzzingclient", "--spec"]).arg(&path).current_dir(folder);
    command.stdout(fs::File::create(folder.join("log")).unwrap()).kill_on_drop(true);
    let mut client = command.spawn().expect("wstest, of the Python package autobahntestsuite");
    let ended = tokio::time::timeout(DEADLINE, client.wait()).await;
    let status = ended.expect("wstest ends in time").unwrap();
    assert!(status.success(), "wstest: {status}");
}

fn assert_good(report: &str) {
    let agents: BTreeMap<String, BTreeMap<String, Verdict>> = serde_json::from_str(report).unwrap();
    assert_eq!(agents.keys().collect::<Vec<_>>(), ["library", "room"]);
    for (agent, cases) in agents {
        let bad: Vec<_> = cases.iter().filter(|(_, verdict)| !verdict.is_good()).collect();
        assert!(bad.is_empty(), "{agent}: {bad:#?}");
        assert_eq!(cases.len(), CASES, "{agent}");
    }
}

async fn through_the_library(upgrade: Upgrade) -> Response {
    upgrade.run(async |mut socket: WebSocket| {
        let mut receiver = RateLimitedReceiver::new();
        let end = loop {
            let answer = match receiver.receive(&mut socket).await {
                Incoming::Text(text) => Message::Text(text),
                Incoming::Binary(bytes) => Message::Binary(bytes),
                Incoming::Ping | Incoming::Pong => continue,
                Incoming::Ended(end) => break end,
            };
            if socket.send(answer).await.is_err() {
                return;
            }
        };
        socket::close(socket, end).await;
    })
}

async fn as_rooms_do(
    State(tasks): State<Tasks>,
    upgrade: Upgrade,
) -> HttpResult<Response, NotUpgradable> {
    Ok(upgrade.detach(move |socket| tasks.spawn("echo", echo(socket)))?)
}
