//! Servers for stories: one inside the test, and the real program for stories of a crash and a restart.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use game_server::Config;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::process::{Program, built};
use crate::site::Site;
use crate::wait::{DEADLINE, eventually, within};

/// Length of a round in stories, in seconds.
pub const ROUND_SECONDS: u32 = 6;

/// The settings of a server for stories: an empty data folder, short rounds, no bot room.
fn story_config(data: &Path) -> Config {
    Config {
        data_dir: data.to_owned(),
        sessions_per_minute: 100_000,
        connections_per_address_max: 2_000,
        bots: false,
        rooms_per_minute: 100_000,
        bots_fill_after: Duration::from_millis(400),
        round_seconds: Some(ROUND_SECONDS),
        summary_seconds: 1,
        ..Config::default()
    }
}

/// A server in this process. It dereferences to its [`Site`].
#[derive(Debug)]
pub struct TestServer {
    site: Site,
    shutdown: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    data: TempDir,
}

impl TestServer {
    /// Starts a server.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a server with changed settings.
    ///
    /// # Panics
    /// When there is no free port, or no data folder can be made.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut config = story_config(data.path());
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let site = Site::at(listener.local_addr().expect("a bound port"));
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(game_server::run(listener, config, shutdown.clone()));
        let server = Self { site, shutdown, running: Some(running), data };
        assert_eq!(within("readiness", server.get("/readyz")).await.status, 200);
        server
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Begins a graceful stop.
    pub fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// Stops gracefully. Returns how long that took.
    ///
    /// # Panics
    /// When the server fails.
    pub async fn stop(&mut self) -> Duration {
        let began = Instant::now();
        self.begin_stop();
        if let Some(running) = self.running.take() {
            let ended = within("the end of the server", running).await;
            ended.expect("the server does not panic").expect("the server ends well");
        }
        began.elapsed()
    }
}

impl Deref for TestServer {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// The real program. It can be killed, and restarted at the same address with the same data.
#[derive(Debug)]
pub struct ServerProcess {
    site: Site,
    program: Program,
    arguments: Vec<String>,
    data: TempDir,
}

impl ServerProcess {
    /// Starts the server without a bot room. The length of a round is in seconds.
    pub async fn start(round_seconds: u32) -> Self {
        let rounds = format!("--round-seconds={round_seconds}");
        Self::start_with(&[&rounds, "--bots=false"]).await
    }

    /// Starts the server with these flags, and with the short waits of stories.
    ///
    /// # Panics
    /// When no data folder can be made, or the server is not ready in time.
    pub async fn start_with(flags: &[&str]) -> Self {
        let hasty =
            ["--sessions-per-minute=100000", "--bots-fill-after-ms=400", "--summary-seconds=2"];
        Self::start_as_hosted(&[flags, &hasty].concat()).await
    }

    /// Starts the server with these flags. All other settings are the server's defaults.
    ///
    /// # Panics
    /// When no data folder can be made, or the server is not ready in time.
    pub async fn start_as_hosted(flags: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let arguments: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let (program, site) = launch("127.0.0.1:0", &arguments, data.path()).await;
        Self { site, program, arguments, data }
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.program.id()
    }

    /// Kills the server, which then cannot clean up.
    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Stops the server gracefully. Returns how long that took.
    ///
    /// # Panics
    /// When the server ends with an error.
    pub async fn stop(&mut self) -> Duration {
        let began = Instant::now();
        self.program.signal(Signal::SIGTERM);
        let status = self.program.end().await;
        assert!(status.success(), "the server ended with {status}");
        began.elapsed()
    }

    /// Starts the server again at the same address.
    pub async fn restart(&mut self) {
        let listen = self.site.address().to_string();
        (self.program, _) = launch(&listen, &self.arguments, self.data.path()).await;
    }
}

impl Deref for ServerProcess {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

async fn launch(listen: &str, arguments: &[String], data: &Path) -> (Program, Site) {
    let port_file = data.join("address");
    // Otherwise the file of an earlier start would be read.
    fs::remove_file(&port_file).ok();
    let mut command = Command::new(built("PUSHBACK_SERVER_BIN", "game-server"));
    command.args(["--listen", listen, "--log", "warn"]);
    command.arg("--port-file").arg(&port_file).arg("--data-dir").arg(data.join("data"));
    command.args(arguments).stdout(std::process::Stdio::null());
    let mut program = Program::start("game-server", &mut command);
    let address: SocketAddr = eventually(DEADLINE, "the server's address", async || {
        assert!(program.ended().is_none(), "the server ended at once: its log says why");
        fs::read_to_string(&port_file).ok()?.parse().ok()
    })
    .await;
    let site = Site::at(address);
    assert_eq!(within("readiness", site.get("/readyz")).await.status, 200);
    (program, site)
}
