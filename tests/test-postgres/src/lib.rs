//! A PostgreSQL server for the tests of one program, in a temporary folder. It listens on a socket in it, and for proxies on a
//! free port of loopback.
//!
//! The first test that needs it starts it; later ones get other databases in it. A test that kills the server has one of its
//! own. A shell script starts the server, waits for the end of its own input and then stops it. The system closes that input
//! when this program ends, in whatever way, so no server and no folder is left behind. A cluster that Debian's package has
//! set up is neither used nor touched.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::{User, geteuid};

/// Debian keeps the server's programs here, by version, and not on the `PATH`.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";

/// `$0` is the folder with the programs. Prints the folder of the server's socket and its port once it accepts connections.
/// Then it does what each line of the input says, and prints a line when that is done. The data need not survive the machine,
/// so nothing waits for the disk. Each node of each story holds a dozen connections.
const SCRIPT: &str = r#"
set -eu
trap '' INT TERM HUP
cd /
folder=$(mktemp --directory --tmpdir pushback-postgres.XXXXXX)
trap 'rm -rf "$folder"' EXIT
failed() { cat "$folder/log" >&2; exit 1; }
"$0/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 --locale C --no-sync \
    > "$folder/log" 2>&1 || failed
start() {
    "$0/pg_ctl" start --wait --silent --pgdata "$folder/data" --log "$folder/log" --options "-c port=$1 \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c fsync=off -c max_connections=400" \
        2>> "$folder/log"
}
# Another program may have one of them. Connections of this machine begin at higher ones.
for port in $(shuf --input-range 10000-30000 --head-count 5) none; do
    test "$port" != none || failed
    if start "$port"; then break; fi
done
echo "$folder $port"
stop() { "$0/pg_ctl" stop --wait --silent --mode immediate --pgdata "$folder/data" > /dev/null 2>> "$folder/log"; }
while read -r word; do
    case "$word" in
        kill) stop || failed ;;
        start) start "$port" || failed ;;
    esac
    echo "done"
done
# It may be killed already.
stop || true
"#;

/// A server. It ends when it is dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    socket: PathBuf,
    port: u16,
    databases: AtomicU32,
    script: Child,
    /// `None` only while it is dropped.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// The address of a database that is empty and like no other, in the one server of this program.
///
/// # Panics
/// When PostgreSQL's server is not installed, or does not start.
#[must_use]
pub fn empty_database() -> String {
    server().empty_database()
}

/// Where the one server of this program listens, for a proxy.
///
/// # Panics
/// When PostgreSQL's server is not installed, or does not start.
#[must_use]
pub fn address() -> SocketAddr {
    server().address()
}

/// The same database as it is reached at another address, such as a proxy's.
///
/// # Panics
/// When it is no address of [`empty_database`].
#[must_use]
pub fn database_at(database: &str, address: SocketAddr) -> String {
    let path = database.split('?').next().expect("a text has a first part");
    let name = path.rsplit('/').next().expect("a text has a last part");
    format!("postgres://postgres@{address}/{name}")
}

fn server() -> &'static Postgres {
    // Never dropped: the script's input closes at the end of the program.
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(Postgres::start)
}

impl Postgres {
    /// The address of a database that is empty and like no other.
    ///
    /// # Panics
    /// When the server makes none.
    #[must_use]
    pub fn empty_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(self.programs.join("createdb"));
        command.arg("--host").arg(&self.socket).args(["--port", &self.port.to_string()]);
        command.args(["--username", "postgres", "--template", "template0", &name]);
        let status = command.status().expect("PostgreSQL's programs run");
        assert!(status.success(), "no database was made: see the message above");
        let (port, socket) = (self.port, self.socket.display());
        format!("postgres://postgres@localhost:{port}/{name}?host={socket}")
    }

    /// Starts a server.
    ///
    /// # Panics
    /// When PostgreSQL's server is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut command = as_other_user_than_root();
        let programs = programs();
        command.args(["sh", "-c", SCRIPT]).arg(&programs);
        // Not in the group of this program, so that a signal to the group does not end the script before the server.
        let mut script = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell that runs");
        let mut line = String::new();
        let mut output = BufReader::new(script.stdout.take().expect("a pipe"));
        output.read_line(&mut line).expect("a line, or the end of the script");
        let (socket, port) = line
            .trim_end()
            .rsplit_once(' ')
            .expect("PostgreSQL did not start: see its messages above");
        let port = port.parse().expect("the number of a port");
        let (socket, databases) = (socket.into(), AtomicU32::new(0));
        let input = script.stdin.take();
        Self { programs, socket, port, databases, script, input, output }
    }

    /// Where it listens on loopback, for a proxy.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends it at once, as a crash does: its connections break, and what is committed stays.
    ///
    /// # Panics
    /// When it runs no more.
    pub fn kill(&mut self) {
        self.order("kill");
    }

    /// Starts it again with its data, at the same address. Returns when it accepts connections.
    ///
    /// # Panics
    /// When it runs, or does not start.
    pub fn restart(&mut self) {
        self.order("start");
    }

    fn order(&mut self, word: &str) {
        let input = self.input.as_mut().expect("it is not being dropped");
        writeln!(input, "{word}").expect("the script reads its input");
        let mut answer = String::new();
        self.output.read_line(&mut answer).expect("a line, or the end of the script");
        assert_eq!(answer, "done\n", "{word}: see PostgreSQL's messages above");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.input.take());
        self.script.wait().ok();
    }
}

/// The beginning of a command. PostgreSQL refuses to run as root.
fn as_other_user_than_root() -> Command {
    if !geteuid().is_root() {
        return Command::new("env");
    }
    let known = |name| User::from_name(name).ok().flatten();
    let user = ["postgres", "nobody"].into_iter().find_map(known).expect("a user that is not root");
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
    command.args(["--clear-groups", "--"]);
    command
}

/// The folder with `initdb` and `pg_ctl`.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir(DEBIAN_FOLDER).into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(versions.map(|version| version.path().join("bin")))
        .find(|folder| is_whole(folder))
        .expect("PostgreSQL's server is needed for this test: install Debian's package postgresql")
}

fn is_whole(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres", "createdb"]
        .iter()
        .all(|program| folder.join(program).is_file())
}
