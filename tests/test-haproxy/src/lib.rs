//! HAProxy before some nodes, with the configuration that is shipped in `deploy/haproxy.cfg`.
//!
//! A shell script starts HAProxy, waits for the end of its own input and then kills it. The system closes that input when
//! this program ends, in whatever way, so no balancer is left behind. HAProxy gets a socket that listens already: no port is
//! taken twice, and a client that is early waits.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use tempfile::TempDir;

const SHIPPED: &str = include_str!("../../../deploy/haproxy.cfg");
/// The nodes in the shipped file.
const EXAMPLES: [(&str, &str); 3] =
    [("a", "10.0.0.11:7777"), ("b", "10.0.0.12:7777"), ("c", "10.0.0.13:7777")];

/// What the shipped file has beside that needs root, which a developer is not.
const FOR_ROOT: [&str; 2] = ["user haproxy", "group haproxy"];

/// `$0` is the configuration. The script's standard output is the socket that listens, and HAProxy's is the log.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
# Debian keeps it where only root looks.
PATH="$PATH:/usr/sbin"
exec 3>&1 > "$0.log"
haproxy -c -q -f "$0" 2>&1 || { cat "$0.log" >&2; exit 1; }
haproxy -db -f "$0" 2>&1 &
balancer=$!
exec 3>&-
echo started >&2
exec 2>&1
cat > /dev/null
kill -KILL "$balancer" 2> /dev/null
wait "$balancer" 2> /dev/null
"#;

/// A balancer. It ends when it is dropped.
#[derive(Debug)]
pub struct Haproxy {
    folder: TempDir,
    address: SocketAddr,
    running: Option<(Child, ChildStdin)>,
}

impl Haproxy {
    /// Starts a balancer that accepts from this socket, before the nodes of these names and addresses.
    ///
    /// # Panics
    /// When HAProxy is not installed, or its configuration is wrong.
    #[must_use]
    pub fn start(listener: TcpListener, nodes: &[(&str, SocketAddr)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = listener.local_addr().expect("a bound port");
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, configuration(nodes)).expect("a file can be written");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(&file);
        // Not in the group of this program, so that a signal to the group does not end the script before the balancer.
        command.process_group(0).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut script =
            command.stdout(OwnedFd::from(listener)).spawn().expect("a shell that runs");
        // It holds the socket: only HAProxy is to answer.
        drop(command);
        let input = script.stdin.take().expect("a pipe");
        let mut said = String::new();
        let mut output = BufReader::new(script.stderr.take().expect("a pipe"));
        output.read_line(&mut said).expect("a line, or the end of the script");
        if said != "started\n" {
            output.read_to_string(&mut said).ok();
            panic!("HAProxy does not start: {said}");
        }
        Self { folder, address, running: Some((script, input)) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has written: a line for each node that went away or came back.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("haproxy.cfg.log")).unwrap_or_default()
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        if let Some((mut script, input)) = self.running.take() {
            drop(input);
            script.wait().ok();
        }
    }
}

/// The shipped configuration with these nodes, and with the socket of the script instead of a port with TLS.
fn configuration(nodes: &[(&str, SocketAddr)]) -> String {
    let filled = |text: &str, (name, address): &(&str, SocketAddr)| {
        let (example, at) = EXAMPLES[0];
        text.replace(at, &address.to_string())
            .replace(&format!("server {example}"), &format!("server {name}"))
            .replace(&format!("node-{example}/{example}"), &format!("node-{name}/{name}"))
            .replace(&format!("node-{example} "), &format!("node-{name} "))
    };
    let of_each = |text: &str| nodes.iter().map(|node| filled(text, node)).collect::<String>();
    let line = |line: &str| {
        let line = format!("{line}\n");
        match EXAMPLES.iter().position(|(_, at)| line.contains(at)) {
            Some(0) => of_each(&line),
            Some(_) => String::new(),
            None if line.trim_start().starts_with("bind ") => "    bind fd@3\n".to_owned(),
            None if FOR_ROOT.contains(&line.trim()) => String::new(),
            None => line,
        }
    };
    let section = |section: &str| {
        let is_of = |(name, _): &(&str, _)| section.starts_with(&format!("backend node-{name} "));
        match EXAMPLES.iter().position(is_of) {
            Some(0) => of_each(&format!("{section}\n\n")),
            Some(_) => String::new(),
            None => section.lines().map(line).collect::<String>() + "\n",
        }
    };
    SHIPPED.trim_end().split("\n\n").map(section).collect()
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, TcpListener};

    use super::{EXAMPLES, FOR_ROOT, Haproxy, SHIPPED, configuration};

    #[test]
    fn the_shipped_file_has_the_examples_and_the_filled_one_has_the_nodes_alone() {
        for (_, at) in EXAMPLES {
            assert_eq!(SHIPPED.matches(at).count(), 3, "{at}");
        }
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let filled = configuration(&[("a", address(1)), ("eu-2", address(2))]);

        assert!(!filled.contains("10.0.0.") && filled.contains("bind fd@3\n"), "{filled}");
        for line in [
            "    server eu-2 127.0.0.1:2 check\n",
            "    server eu-2-lives 127.0.0.1:2 track node-eu-2/eu-2 backup\n",
            "backend node-eu-2 from node\n    server eu-2 127.0.0.1:2 check\n",
        ] {
            assert!(filled.contains(line), "{line} in {filled}");
        }
        assert!(filled.contains("backend node-a from node\n") && !filled.contains("node-b"));
    }

    #[test]
    fn the_shipped_file_filled_as_it_is_stays_the_same() {
        let nodes = EXAMPLES.map(|(name, at)| (name, at.parse().unwrap()));
        let bind = SHIPPED.lines().find(|line| line.trim_start().starts_with("bind ")).unwrap();
        let filled = configuration(&nodes).replace("    bind fd@3", bind);
        // Lines of one node stand together in the filled file, and the same in another order.
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.trim_end().lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let mut shipped = sorted(SHIPPED);
        shipped.retain(|line| !FOR_ROOT.contains(&line.trim()));
        assert_eq!(sorted(&filled), shipped);
    }

    #[test]
    #[should_panic(expected = "HAProxy does not start")]
    fn a_configuration_that_haproxy_refuses_is_said_at_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        drop(Haproxy::start(listener, &[("two words", address)]));
    }
}
