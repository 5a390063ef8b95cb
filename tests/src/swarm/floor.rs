//! The floor: a bare epoll loop that does the reads and writes of a server and nothing else.
//!
//! No HTTP, no WebSocket, no world. Its cost is that of the kernel for moving such messages; the cost of a server above it
//! is the server's own.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::load::{INPUT_MESSAGE_BYTES, ROOM_OF};

/// The interval of snapshots.
const SNAPSHOT_INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);

/// Epoll waits whole milliseconds.
const ALMOST_A_MILLISECOND: Duration = Duration::from_nanos(999_999);

/// Accepts `players` connections, then writes `bytes` to each thirty times a second, room by room, and reads.
/// Ends when a player leaves.
///
/// # Errors
/// When the system refuses.
pub fn serve(listener: &TcpListener, players: usize, bytes: usize) -> Result<()> {
    let mut sockets = Vec::with_capacity(players);
    let epoll = Epoll::new(EpollCreateFlags::empty()).context("making an epoll")?;
    while sockets.len() < players {
        let (socket, _) = listener.accept().context("accepting")?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        let event = EpollEvent::new(EpollFlags::EPOLLIN, sockets.len() as u64);
        epoll.add(&socket, event).context("adding a socket")?;
        sockets.push(socket);
    }
    run(&epoll, &mut sockets, &vec![0x5a; bytes])
}

fn run(epoll: &Epoll, sockets: &mut [TcpStream], snapshot: &[u8]) -> Result<()> {
    let rooms = u32::try_from(sockets.len().div_ceil(ROOM_OF)).context("few rooms")?;
    let step = SNAPSHOT_INTERVAL / rooms;
    let mut events = [EpollEvent::empty(); 256];
    let mut buffer = [0; 16 * INPUT_MESSAGE_BYTES];
    let (mut next, mut room) = (Instant::now() + step, 0);
    loop {
        // Rounded up to what epoll can wait: a timeout of zero would spin until the moment has come.
        let left = next.saturating_duration_since(Instant::now()) + ALMOST_A_MILLISECOND;
        let timeout = EpollTimeout::try_from(left).unwrap_or(EpollTimeout::ZERO);
        let ready = match epoll.wait(&mut events, timeout) {
            Ok(ready) => ready,
            Err(nix::errno::Errno::EINTR) => 0,
            Err(error) => return Err(error).context("waiting"),
        };
        for event in &events[..ready] {
            let socket = &mut sockets[usize::try_from(event.data()).context("a place")?];
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return Ok(()),
            }
        }
        while next <= Instant::now() {
            let first = room * ROOM_OF;
            let last = (first + ROOM_OF).min(sockets.len());
            for socket in &mut sockets[first..last] {
                if socket.write_all(snapshot).is_err() {
                    return Ok(());
                }
            }
            room = (room + 1) % rooms as usize;
            next += step;
        }
    }
}
