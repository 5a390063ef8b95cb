//! The program: arguments, logging, the port, signals.

mod flags;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{fs, process};

use anyhow::Context as _;
use clap::Parser as _;
use game_server::log::{LogWriter, log_panics};
use nix::libc::SIGXFSZ;
use tikv_jemallocator::Jemalloc;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use flags::{Flags, LogFormat};

/// The exit code of an interrupted program: 128 + SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// Threads for work that may wait for a disk. Replays are read and written in small pieces, so that a few are enough;
/// each keeps memory of its own. When all are busy, the next piece waits.
const DISK_THREADS_MAX: usize = 8;

/// Time for the last lines of the log, when standard error takes them slowly or not at all.
const LOG_WITHIN: Duration = Duration::from_millis(500);
/// Time for work on the disk that goes on when the server has stopped.
const DISK_WITHIN: Duration = Duration::from_millis(500);

/// Ticks allocate and free small objects for weeks, on any thread: jemalloc is quicker here than the system's allocator and
/// fragments less. The C code in this program uses it, too (see `Cargo.toml`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    let flags = Flags::parse();
    let mut log = match start_logging(&flags) {
        Ok(log) => log,
        Err(error) => {
            // A closed standard error changes nothing about the exit code.
            writeln!(io::stderr(), "Error: {error:#}").ok();
            return ExitCode::FAILURE;
        }
    };
    let ended = run(flags);
    if let Err(error) = &ended {
        // Whatever the filter of the log says. Writing to the log does not fail.
        log.write_all(format!("Error: {}\n", in_one_line(error)).as_bytes()).ok();
    }
    log.flush_within(LOG_WITHIN);
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(DISK_THREADS_MAX)
        .build()
        .context("starting the runtime")?;
    let ended = runtime.block_on(serve(flags));
    // A thread that still waits for a disk must not keep the process alive.
    runtime.shutdown_timeout(DISK_WITHIN);
    ended
}

/// An error with its causes, but for those whose words the one before them has already.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.dedup_by(|cause, before| before.contains(&*cause));
    causes.join(": ")
}

async fn serve(flags: Flags) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;
    // A write past the limit of file sizes is then an error, as on a full disk, and does not end the process.
    let _not_fatal = signal(SignalKind::from_raw(SIGXFSZ)).context("catching SIGXFSZ")?;
    if !game_server::HAS_LOBBY {
        tracing::warn!("this server was built without the lobby; `cargo xtask serve` builds both");
    }
    let listener = TcpListener::bind(&flags.listen)
        .await
        .with_context(|| format!("listening on {}", flags.listen))?;
    let address = listener.local_addr().context("asking for the port")?;

    announce(address, flags.port_file.as_deref())?;
    game_server::run(listener, flags.into_config(), shutdown).await
}

/// Logs go to standard error; standard output holds the address alone.
fn start_logging(flags: &Flags) -> anyhow::Result<LogWriter> {
    let filter = EnvFilter::try_new(&flags.log).context("reading the log filter")?;
    let log = LogWriter::to_standard_error().context("starting the log")?;
    let writer = log.clone();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || writer.clone())
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match flags.log_format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    log_panics();
    Ok(log)
}

fn announce(address: SocketAddr, port_file: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = port_file {
        // Renamed when complete: a program that waits for the file must not read half of it.
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, address.to_string())
            .and_then(|()| fs::rename(&unfinished, path))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    // The address is in the log, too: a closed standard output is no reason not to serve.
    if let Err(error) = writeln!(io::stdout(), "listening on http://{address}") {
        tracing::warn!(%error, "the address could not be written to standard output");
    }
    tracing::info!("listening on http://{address}");
    Ok(())
}

/// The first SIGINT or SIGTERM drains, if that is wanted, and stops gracefully, the second ends the program at once.
fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt()).context("catching SIGINT")?;
    let mut terminations = signal(SignalKind::terminate()).context("catching SIGTERM")?;
    // Lives as long as the process: a second signal counts while the server drains or stops.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if shutdown.is_cancelled() {
                process::exit(EXIT_INTERRUPTED);
            }
            tracing::info!("asked to stop");
            shutdown.cancel();
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::in_one_line;

    #[test]
    fn no_cause_is_told_twice() {
        let error = anyhow!("404: no such bucket")
            .context("the store failed: 404: no such bucket")
            .context("opening the bucket")
            .context("starting");
        let line = in_one_line(&error);
        assert_eq!(line, "starting: opening the bucket: the store failed: 404: no such bucket");
    }
}
