//! The socket of a game connection: its room reads and writes it during the room's tick.
//!
//! The socket is detached from the runtime. No task waits for it and no arriving packet wakes a task: a room
//! looks at its sockets once a tick, because an input matters at its tick and not before. This saves the
//! wake-up, the task switch and the second read that only returns "would block" for every message, which
//! together cost more than reading it (measured: `cargo xtask bench players`). For the same reason the system
//! calls do not go through the C library, which makes each a point at which a thread can be cancelled, at the
//! price of two atomic operations.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};

use bytes::Bytes;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;

use crate::connections::ConnectionPermit;

/// The kernel accepts no more bytes than this that it cannot send yet. A snapshot has some twenty bytes, so
/// what is older waits in the room, as a cursor into its stream, and not as stale data in a queue.
const UNSENT_BYTES_MAX: u32 = 2 * 1024;
/// The most bytes read from a socket in one tick. Two input messages of a player are some forty bytes. When a
/// client sends more, the rest stays in the kernel's bounded buffer until the next tick.
pub(in crate::room) const READ_BYTES: usize = 2 * 1024;

/// One TCP socket.
pub struct Socket {
    tcp: TcpStream,
    /// Bytes that arrived together with the handshake and were not read yet.
    early: Box<[u8]>,
    /// Bytes that the kernel did not accept. A room adds nothing while there are any, so they are at most what
    /// one tick sends.
    unsent: Vec<u8>,
    /// Counts the connection for as long as the socket is open.
    _permit: ConnectionPermit,
}

impl Socket {
    /// Detaches a socket from the runtime. `early` are bytes that were read behind the handshake. Without an unsent limit,
    /// the kernel accepts all bytes that have room in its buffer.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn new(
        socket: tokio::net::TcpStream,
        early: Bytes,
        permit: ConnectionPermit,
        has_unsent_limit: bool,
    ) -> io::Result<Self> {
        let tcp = socket.into_std()?; // Stays non-blocking.
        if has_unsent_limit {
            SockRef::from(&tcp).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        }
        let early = early.as_ref().into();
        Ok(Self { tcp, early, unsent: Vec::new(), _permit: permit })
    }

    /// Reads once. `None` when nothing has arrived.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn read<'a>(&mut self, scratch: &'a mut [u8]) -> io::Result<Option<&'a mut [u8]>> {
        if !self.early.is_empty() {
            let early = core::mem::take(&mut self.early);
            let (now, later) = early.split_at(early.len().min(scratch.len()));
            scratch[..now.len()].copy_from_slice(now);
            self.early = later.into();
            return Ok(Some(&mut scratch[..now.len()]));
        }
        match recv(&self.tcp, &mut *scratch, RecvFlags::empty()) {
            Ok((_, 0)) => Err(ErrorKind::UnexpectedEof.into()),
            Ok((_, read)) => Ok(Some(&mut scratch[..read])),
            Err(error) => ignore_would_block(error.into()).map(|()| None),
        }
    }

    /// Whether the kernel has not accepted everything.
    pub(super) fn is_stalled(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// How many bytes the kernel has not accepted.
    pub(super) fn unsent_bytes(&self) -> usize {
        self.unsent.len()
    }

    /// Sends frames with one write, behind earlier bytes that still wait. Bytes that the kernel does not accept
    /// wait as well.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn send(&mut self, frames: &[Bytes]) -> io::Result<()> {
        if let ([frame], false) = (frames, self.is_stalled()) {
            let accepted = self.write(frame)?;
            self.unsent.extend_from_slice(&frame[accepted..]);
            return Ok(());
        }
        frames.iter().for_each(|frame| self.unsent.extend_from_slice(frame));
        self.flush()
    }

    /// Sends the bytes that still wait.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.is_stalled() {
            let mut unsent = core::mem::take(&mut self.unsent);
            let accepted = self.write(&unsent)?;
            unsent.drain(..accepted);
            self.unsent = unsent;
        }
        Ok(())
    }

    /// Tells the client that no more bytes follow.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn shut_down_sending(&self) -> io::Result<()> {
        self.tcp.shutdown(Shutdown::Write)
    }

    /// Returns how many bytes the kernel accepted.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Without this flag, writing to a closed connection raises a signal.
        match send(&self.tcp, bytes, SendFlags::NOSIGNAL) {
            Ok(accepted) => Ok(accepted),
            Err(error) => ignore_would_block(error.into()).map(|()| 0),
        }
    }
}

/// That the kernel has nothing to read, or accepts nothing now, is no error.
fn ignore_would_block(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}
