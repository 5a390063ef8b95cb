//! Servers for stories: one inside the test, and the real program for stories of a crash and a restart.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
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

/// The short waits of stories.
const HASTY: [&str; 6] = [
    "--sessions-per-minute=100000",
    "--codes-per-minute=100000",
    "--rooms-per-guest-max=1000",
    "--rooms-per-address-max=1000",
    "--bots-fill-after-ms=400",
    "--summary-seconds=2",
];
/// What a server's folder holds: its data, and its address.
const DATA: &str = "data";
const PORT_FILE: &str = "address";

/// The settings of a server for stories: an empty data folder, short rounds, no bot room.
fn story_config(data: &Path) -> Config {
    Config {
        data_dir: data.to_owned(),
        sessions_per_minute: 100_000,
        connections_per_address_max: 2_000,
        bots: false,
        rooms_per_minute: 100_000,
        rooms_per_guest_max: 1_000,
        rooms_per_address_max: 1_000,
        codes_per_minute: 100_000,
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
        eventually(DEADLINE, "readiness", async || {
            let has_ended = server.running.as_ref().is_some_and(JoinHandle::is_finished);
            assert!(!has_ended, "the server ended at once");
            server.is_ready().await.then_some(())
        })
        .await;
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
    /// The shell script that starts the server. `None`: no shell.
    script: Option<String>,
    data: TempDir,
}

impl ServerProcess {
    /// Starts the server without a bot room. The length of a round is in seconds.
    pub async fn start(round_seconds: u32) -> Self {
        let rounds = format!("--round-seconds={round_seconds}");
        Self::start_with(&[&rounds, "--bots=false"]).await
    }

    /// Starts the server with these flags, and with the short waits of stories where they name no others.
    ///
    /// # Panics
    /// When no data folder can be made, or the server is not ready in time.
    pub async fn start_with(flags: &[&str]) -> Self {
        Self::start_as_hosted(&[flags, &unset(&HASTY, flags)].concat()).await
    }

    /// Starts the server with these flags. All other settings are the server's defaults.
    ///
    /// # Panics
    /// When no data folder can be made, or the server is not ready in time.
    pub async fn start_as_hosted(flags: &[&str]) -> Self {
        Self::start_by(None, Stdio::inherit(), flags).await
    }

    /// Starts the server by a shell script, which runs it with `exec "$0" "$@"` in its own world: with limits, or with another
    /// file system at the data folder `$DATA`. Its log goes to `log`. It has the short waits of stories.
    pub async fn start_in(script: &str, log: Stdio, flags: &[&str]) -> Self {
        Self::start_by(Some(script.to_owned()), log, &[flags, &HASTY].concat()).await
    }

    async fn start_by(script: Option<String>, log: Stdio, flags: &[&str]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let arguments: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut command = command("127.0.0.1:0", &arguments, script.as_deref(), data.path());
        let (mut program, site) = launch(command.stderr(log), data.path()).await;
        until_ready(&mut program, &site).await;
        Self { site, program, arguments, script, data }
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
        self.begin_stop();
        let status = self.program.end().await;
        assert!(status.success(), "the server ended with {status}");
        began.elapsed()
    }

    /// Sends SIGTERM: the server drains, if it is to, and stops. A second one ends it at once.
    pub fn begin_stop(&self) {
        self.program.signal(Signal::SIGTERM);
    }

    /// Waits for the end of the server. Returns its exit code; `None` when a signal killed it.
    pub async fn exit_code(&mut self) -> Option<i32> {
        self.program.end().await.code()
    }

    /// Starts the server again at the same address.
    pub async fn restart(&mut self) {
        self.begin_restart().await;
        until_ready(&mut self.program, &self.site).await;
    }

    /// The same with other flags. It keeps the short waits of stories.
    pub async fn restart_with(&mut self, flags: &[&str]) {
        self.arguments = [flags, &HASTY].concat().iter().map(|flag| (*flag).to_owned()).collect();
        self.restart().await;
    }

    /// Starts the server again at the same address, and waits until it listens, not until it is ready.
    pub async fn begin_restart(&mut self) {
        let listen = self.site.address().to_string();
        let script = self.script.as_deref();
        let mut command = command(&listen, &self.arguments, script, self.data.path());
        (self.program, _) = launch(&mut command, self.data.path()).await;
    }

    /// The data folder as the server sees it, in whatever file system.
    #[must_use]
    pub fn data_as_it_sees(&self) -> PathBuf {
        let inside =
            self.data.path().strip_prefix("/").expect("a temporary folder has a whole path");
        PathBuf::from(format!("/proc/{}/root", self.id())).join(inside).join(DATA)
    }
}

impl Deref for ServerProcess {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// Those of the defaults that the flags do not name.
pub(crate) fn unset<'a>(defaults: &[&'a str], flags: &[&str]) -> Vec<&'a str> {
    let name = |flag: &str| flag.split('=').next().unwrap_or_default().to_owned();
    let is_set = |flag: &str| flags.iter().any(|other| name(other) == name(flag));
    defaults.iter().copied().filter(|flag| !is_set(flag)).collect()
}

/// The command of a server with these flags.
fn command(listen: &str, arguments: &[String], script: Option<&str>, data: &Path) -> Command {
    let server = built("PUSHBACK_SERVER_BIN", "game-server");
    let mut command = match script {
        None => Command::new(server),
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).arg(server).env("DATA", data.join(DATA));
            shell
        }
    };
    command.args(["--listen", listen]).arg("--port-file").arg(data.join(PORT_FILE));
    command.arg("--data-dir").arg(data.join(DATA)).args(arguments).stdout(Stdio::null());
    if !arguments.iter().any(|flag| flag.starts_with("--log=")) {
        command.arg("--log=warn");
    }
    command
}

/// Starts a server and waits until it listens.
async fn launch(command: &mut Command, data: &Path) -> (Program, Site) {
    let port_file = data.join(PORT_FILE);
    // Otherwise the file of an earlier start would be read.
    fs::remove_file(&port_file).ok();
    let mut program = Program::start("game-server", command);
    let address: SocketAddr = eventually(DEADLINE, "the server's address", async || {
        assert!(program.ended().is_none(), "the server ended at once: its log says why");
        fs::read_to_string(&port_file).ok()?.parse().ok()
    })
    .await;
    (program, Site::at(address))
}

async fn until_ready(program: &mut Program, site: &Site) {
    eventually(DEADLINE, "readiness", async || {
        assert!(program.ended().is_none(), "the server ended at once: its log says why");
        site.is_ready().await.then_some(())
    })
    .await;
}

/// How a server ended that was not to start.
#[derive(Debug)]
pub struct RefusedStart {
    /// The exit code.
    pub code: Option<i32>,
    /// Everything that it wrote to standard error.
    pub log: String,
    /// Whether it made the data folder.
    pub has_data: bool,
}

/// Starts the server by a script as [`ServerProcess::start_in`] does, and waits for its end.
///
/// # Panics
/// When no data folder can be made, or the program cannot be started.
pub async fn refused_start(script: &str, flags: &[&str]) -> RefusedStart {
    let data = tempfile::tempdir().expect("a temporary folder");
    let arguments: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let mut command = command("127.0.0.1:0", &arguments, Some(script), data.path());
    let log = data.path().join("log");
    command.stderr(fs::File::create(&log).expect("a file for the log"));
    let status = Program::start("game-server", &mut command).end().await;
    let log = fs::read_to_string(log).expect("the log is text");
    RefusedStart { code: status.code(), log, has_data: data.path().join(DATA).exists() }
}
