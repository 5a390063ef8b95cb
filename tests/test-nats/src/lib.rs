//! A NATS server with JetStream for one test, on a free port of its own, with its data in a temporary folder; or several of
//! them that are one cluster.
//!
//! A shell script starts the server, waits for the end of its own input and then kills it. The system closes that input when
//! this program ends, in whatever way, so no server is left behind. Everything here waits for the server and takes
//! milliseconds: a test calls it without leaving its thread.

mod newer;
mod stream;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use newer::{
    NEWER_VARIABLE, NEWER_VERSION, fetched_newer_server, given_newer_server, newer_server,
};

/// What Debian installs.
const PROGRAM: &str = "nats-server";

/// `$0` is the server's configuration, `$1` its program.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
# Debian keeps the server where only root looks.
PATH="$PATH:/usr/sbin"
"$1" --config "$0" 2> "$0.log" &
server=$!
echo started
cat > /dev/null
kill -KILL "$server" 2> /dev/null
wait "$server" 2> /dev/null
"#;

/// The name of the folder of its data.
const DATA: &str = "data";
/// Time for the server to begin to listen.
const START_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A NATS server. It ends when it is dropped.
#[derive(Debug)]
pub struct Nats {
    folder: TempDir,
    program: PathBuf,
    /// What its configuration has beside what every one has.
    more: String,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    script: Child,
    input: ChildStdin,
}

impl Nats {
    /// Starts a server on a free port, without any data.
    ///
    /// # Panics
    /// When `nats-server` is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// The same with more lines of configuration.
    ///
    /// # Panics
    /// As for [`Nats::start`].
    #[must_use]
    pub fn start_with(configuration: &str) -> Self {
        Self::start_program(Path::new(PROGRAM), configuration)
    }

    fn start_program(program: &Path, configuration: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (program, more) = (program.to_owned(), configuration.to_owned());
        let mut server = Self { folder, program, more, port: 0, running: None };
        server.run();
        server
    }

    /// Starts so many servers, at least two, that are one cluster: what is kept in three replicas survives one of them. They are
    /// of the newer version, because replicas of the older one lose writes.
    ///
    /// # Panics
    /// When [`newer_server`] finds none, or they do not start or do not find each other.
    #[must_use]
    pub fn start_cluster(servers: usize) -> Vec<Self> {
        let program = newer_server().unwrap_or_else(|| {
            panic!(
                "no NATS server {NEWER_VERSION}: `cargo xtask test` fetches it, {NEWER_VARIABLE} names another"
            )
        });
        // All are held until all are known, so that they differ.
        let held: Vec<_> = (0..servers)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"))
            .collect();
        let port = |held: &TcpListener| held.local_addr().expect("a bound port").port();
        let ports: Vec<_> = held.iter().map(port).collect();
        drop(held);
        let routes = ports.iter().map(|port| format!("\"nats://127.0.0.1:{port}\""));
        let routes = routes.collect::<Vec<_>>().join(", ");
        let start = |(number, port): (usize, &u16)| {
            // A client goes to the servers that it was told of, and to no other.
            let name = name(number);
            let more = format!(
                "server_name: {name}\ncluster {{ name: lobby, listen: \"127.0.0.1:{port}\", \
                 no_advertise: true, routes: [{routes}] }}\n"
            );
            Self::start_program(&program, &more)
        };
        let all: Vec<_> = ports.iter().enumerate().map(start).collect();
        let until = Instant::now() + START_WITHIN;
        for server in &all {
            server.until_logged(until, "metadata leader");
        }
        all
    }

    /// Which of these servers, which are one cluster, leads this stream. Waits until one does.
    ///
    /// # Panics
    /// When none does in time.
    #[must_use]
    pub fn leader_of(servers: &[Self], stream: &str) -> usize {
        let until = Instant::now() + START_WITHIN;
        loop {
            for server in servers.iter().filter(|server| server.running.is_some()) {
                let leader = stream::leader(server.port, stream).ok().flatten();
                let number = (0..servers.len()).find(|number| Some(name(*number)) == leader);
                if let Some(number) = number.filter(|number| servers[*number].running.is_some()) {
                    return number;
                }
            }
            assert!(Instant::now() < until, "the stream {stream} has no leader");
            sleep(LOOK_EVERY);
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once. Its data stay.
    pub fn kill(&mut self) {
        if let Some(Running { mut script, input }) = self.running.take() {
            drop(input);
            script.wait().ok();
        }
    }

    /// Starts it again with its data, at the same address.
    ///
    /// # Panics
    /// As for [`Nats::start`].
    pub fn restart(&mut self) {
        self.kill();
        self.run();
    }

    /// Ends it, and starts it again without any data, at the same address.
    ///
    /// # Panics
    /// As for [`Nats::start`].
    pub fn restart_empty(&mut self) {
        self.kill();
        fs::remove_dir_all(self.data()).expect("the data can be removed");
        self.run();
    }

    /// Ends it, and returns its data as they are: see [`Nats::restart_with`].
    ///
    /// # Panics
    /// When they cannot be copied.
    #[must_use]
    pub fn kill_and_copy(&mut self) -> TempDir {
        self.kill();
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_folder(&self.data(), &copy.path().join(DATA));
        copy
    }

    /// Ends it, and starts it again at the same address with these data of before: what came later is lost, as after a loss of power.
    ///
    /// # Panics
    /// As for [`Nats::start`].
    pub fn restart_with(&mut self, copy: &TempDir) {
        self.kill();
        fs::remove_dir_all(self.data()).expect("the data can be removed");
        copy_folder(&copy.path().join(DATA), &self.data());
        self.run();
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    fn run(&mut self) {
        let folder = self.folder.path();
        let ports = folder.join("ports");
        fs::remove_dir_all(&ports).ok();
        fs::create_dir_all(&ports).expect("a folder for the port's number");
        let port = if self.port == 0 { -1 } else { i32::from(self.port) };
        let configuration = format!(
            "listen: \"127.0.0.1:{port}\"\nports_file_dir: \"{}\"\njetstream {{ store_dir: \"{}\" }}\n{}",
            ports.display(),
            self.data().display(),
            self.more,
        );
        let file = folder.join("nats.conf");
        fs::write(&file, configuration).expect("a file can be written");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(&file).arg(&self.program);
        // Not in the group of this program, so that a signal to the group does not end the script before the server.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("a shell that runs");
        let input = script.stdin.take().expect("a pipe");
        let mut line = String::new();
        let output = script.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("a line");
        self.running = Some(Running { script, input });
        self.port = self.listening(&ports);
    }

    /// Waits until the server listens. Returns its port, which it writes to a file of this folder then.
    fn listening(&self, ports: &Path) -> u16 {
        let until = Instant::now() + START_WITHIN;
        loop {
            let files = fs::read_dir(ports).into_iter().flatten().flatten();
            let found = files.map(|file| file.path()).find_map(|file| port_in(&file));
            if let Some(port) = found {
                return port;
            }
            let log = || fs::read_to_string(self.log()).unwrap_or_default();
            assert!(Instant::now() < until, "nats-server does not start: {}", log());
            sleep(LOOK_EVERY);
        }
    }

    fn until_logged(&self, until: Instant, words: &str) {
        loop {
            let log = fs::read_to_string(self.log()).unwrap_or_default();
            if log.contains(words) {
                return;
            }
            assert!(Instant::now() < until, "nats-server does not come so far: {log}");
            sleep(LOOK_EVERY);
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("nats.conf.log")
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status().expect("cp runs");
    assert!(copied.success(), "{} could not be copied", from.display());
}

/// The name of a server in its cluster.
fn name(number: usize) -> String {
    format!("nats-{number}")
}

/// The port in `{"nats":["nats://127.0.0.1:4222"], …}`. `None` while the file is not whole.
fn port_in(file: &Path) -> Option<u16> {
    let text = fs::read_to_string(file).ok()?;
    let (_, from) = text.split_once("nats://127.0.0.1:")?;
    let (port, _) = from.split_once('"')?;
    port.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::Nats;

    // Tests with these words in their name need the newer server. `cargo xtask test` leaves them out where it cannot be had.
    #[test]
    fn three_nats_servers_become_one_cluster() {
        let servers = Nats::start_cluster(3);
        let mut ports: Vec<_> = servers.iter().map(Nats::port).collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 3);
    }
}
