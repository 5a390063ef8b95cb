//! The program: arguments, logging, the port, signals.

mod flags;

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::{fs, process};

use anyhow::Context as _;
use clap::Parser as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
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

/// Ticks allocate and free small objects for weeks, on any thread: jemalloc is quicker here than the system's allocator and
/// fragments less. The C code in this program uses it, too (see `Cargo.toml`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<()> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(DISK_THREADS_MAX)
        .build()
        .context("starting the runtime")?;
    runtime.block_on(serve())
}

async fn serve() -> anyhow::Result<()> {
    let flags = Flags::parse();
    start_logging(&flags)?;
    raise_file_limit();
    if !game_server::HAS_LOBBY {
        tracing::warn!("this server was built without the lobby; `cargo xtask serve` builds both");
    }
    let listener = TcpListener::bind(&flags.listen)
        .await
        .with_context(|| format!("listening on {}", flags.listen))?;
    let address = listener.local_addr().context("asking for the port")?;
    let shutdown = CancellationToken::new();
    stop_on_signals(shutdown.clone())?;

    announce(address, flags.port_file.as_deref())?;
    game_server::run(listener, flags.into_config(), shutdown).await
}

/// Raises the limit of open files to what the system allows: each connection is one, and shells often start with 1,024.
fn raise_file_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is: connections may be refused");
    }
}

/// Logs go to standard error; standard output holds the address alone.
fn start_logging(flags: &Flags) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&flags.log).context("reading the log filter")?;
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match flags.log_format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
    Ok(())
}

fn announce(address: SocketAddr, port_file: Option<&Path>) -> anyhow::Result<()> {
    if let Some(path) = port_file {
        // Renamed when complete: a program that waits for the file must not read half of it.
        let unfinished = path.with_extension("unfinished");
        fs::write(&unfinished, address.to_string())
            .and_then(|()| fs::rename(&unfinished, path))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    writeln!(io::stdout(), "listening on http://{address}").context("writing the address")
}

/// The first SIGINT or SIGTERM stops gracefully, the second at once.
fn stop_on_signals(shutdown: CancellationToken) -> anyhow::Result<()> {
    let mut interrupts = signal(SignalKind::interrupt()).context("catching SIGINT")?;
    let mut terminations = signal(SignalKind::terminate()).context("catching SIGTERM")?;
    // Lives as long as the process: a second signal counts while the server stops.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            if shutdown.is_cancelled() {
                process::exit(EXIT_INTERRUPTED);
            }
            tracing::info!("stopping");
            shutdown.cancel();
        }
    });
    Ok(())
}
