//! The floor: a bare epoll loop that does a server's reads and writes, and nothing else.
//!
//! Every connection gets thirty writes of a snapshot's size a second and answers each with an input's size.
//! Rooms write at moments of their own, spread over the interval, as rooms of a server do. What a server costs
//! above this is what its protocol, its rules and its runtime cost.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::players::Plan;

/// Writes a second.
const WRITES_HZ: u32 = 30;
const LISTENER: Token = Token(usize::MAX);

/// How much is written and read.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sizes {
    /// Bytes to each client thirty times a second, framing included.
    #[arg(long, default_value_t = 64)]
    pub(crate) down: usize,
    /// Bytes from each client thirty times a second, framing included.
    #[arg(long, default_value_t = 20)]
    pub(crate) up: usize,
}

#[derive(Debug, Args)]
pub(crate) struct FloorFlags {
    #[command(flatten)]
    sizes: Sizes,
    /// Clients that are written to at the same moment.
    #[arg(long, default_value_t = 16)]
    rooms_of: usize,
    /// Write the bound address into this file.
    #[arg(long)]
    port_file: PathBuf,
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    clients: Vec<TcpStream>,
    snapshot: Vec<u8>,
    rooms_of: usize,
    input: [u8; 2048],
}

/// Serves until it is ended.
pub(crate) fn serve(flags: &FloorFlags) -> Result<()> {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().context("an address")?)?;
    let poll = Poll::new().context("epoll")?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let address = listener.local_addr()?.to_string();
    let unfinished = flags.port_file.with_extension("unfinished");
    fs::write(&unfinished, address).context("writing the address")?;
    fs::rename(unfinished, &flags.port_file).context("writing the address")?;
    let snapshot = vec![0; flags.sizes.down];
    let (clients, rooms_of) = (Vec::new(), flags.rooms_of.max(1));
    Floor { poll, listener, clients, snapshot, rooms_of, input: [0; 2048] }.run()
}

impl Floor {
    fn run(&mut self) -> Result<()> {
        let interval = Duration::from_secs(1) / WRITES_HZ;
        let mut events = Events::with_capacity(1024);
        let began = Instant::now();
        // Moments are numbered: room `i` of `n` writes at every moment that is `i` modulo `n`.
        let mut moment: u64 = 0;
        loop {
            let rooms = self.clients.len().div_ceil(self.rooms_of).max(1);
            let step = interval / u32::try_from(rooms).unwrap_or(1);
            let elapsed = began.elapsed();
            let due = u64::try_from(elapsed.as_nanos() / step.as_nanos().max(1)).unwrap_or(0);
            if moment < due.saturating_sub(rooms as u64) {
                // The number of rooms changed, or there was a stall: go on from here.
                moment = due;
            }
            while moment < due {
                moment += 1;
                self.write_room(usize::try_from(moment % rooms as u64).unwrap_or(0));
            }
            let next = step * u32::try_from(moment + 1).unwrap_or(u32::MAX);
            let wait = next.saturating_sub(began.elapsed());
            // A wait of less than a millisecond would be rounded up; it is let pass by what comes in.
            self.poll.poll(&mut events, Some(wait)).or_else(|error| match error.kind() {
                ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            })?;
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(client) => self.read(client),
                }
            }
        }
    }

    fn accept(&mut self) -> Result<()> {
        while let Ok((mut client, _)) = self.listener.accept() {
            client.set_nodelay(true).context("setting TCP_NODELAY")?;
            let token = Token(self.clients.len());
            self.poll.registry().register(&mut client, token, Interest::READABLE)?;
            self.clients.push(client);
        }
        Ok(())
    }

    fn read(&mut self, client: usize) {
        let Some(stream) = self.clients.get_mut(client) else { return };
        // Until less comes than there is room for: then nothing is left.
        while matches!(stream.read(&mut self.input), Ok(length) if length == self.input.len()) {}
    }

    fn write_room(&mut self, room: usize) {
        let from = room * self.rooms_of;
        for client in self.clients.iter_mut().skip(from).take(self.rooms_of) {
            // A client that is gone is not the floor's concern.
            client.write(&self.snapshot).ok();
        }
    }
}

/// Clients of the floor.
pub(crate) struct FloorPlaying {
    clients: JoinSet<()>,
    seconds: u64,
}

/// Connects everybody.
pub(crate) async fn join(plan: &Plan, sizes: Sizes) -> Result<FloorPlaying> {
    let mut clients = JoinSet::new();
    for _ in 0..plan.count {
        let mut stream = tokio::net::TcpStream::connect(plan.server).await.context("connecting")?;
        stream.set_nodelay(true).context("setting TCP_NODELAY")?;
        clients.spawn(async move {
            let (mut down, up) = (vec![0; sizes.down], vec![0; sizes.up]);
            while stream.read_exact(&mut down).await.is_ok() && stream.write_all(&up).await.is_ok()
            {
            }
        });
    }
    Ok(FloorPlaying { clients, seconds: plan.seconds })
}

impl FloorPlaying {
    /// Answers for the planned time.
    pub(crate) async fn finish(mut self) {
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        self.clients.shutdown().await;
    }
}
