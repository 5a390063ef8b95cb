//! The socket under a game connection: read and written by its room, when the room's tick has come.
//!
//! It is taken out of the runtime's hands. Nothing waits for it and no arriving packet wakes anybody: a
//! room looks at its sockets once a tick, because an input matters at its tick and not before. That saves
//! the wake-up, the task switch and the second read that only says "would block" for every message, which
//! cost more than reading it (measured: `cargo xtask bench players`). For the same reason the system calls are not the C
//! library's, which makes of each a point at which a thread can be cancelled, at the price of two atomic operations.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, TcpStream};

use bytes::Bytes;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;

use crate::connections::ConnectionPermit;

/// The kernel takes no more than so many bytes that it cannot send yet. A snapshot has some twenty: what
/// waits longer waits with the room, as a place in its stream, and not as old news in a queue.
const UNSENT_BYTES_MAX: u32 = 2 * 1024;
/// Read from a socket in one turn. Two input messages of a player come to some forty bytes; of a client that
/// sends more, the kernel, whose buffer is bounded, keeps the rest for the next turn.
pub(super) const READ_BYTES: usize = 2 * 1024;

/// One socket.
pub struct Wire {
    socket: TcpStream,
    /// What came right behind the handshake.
    early: Box<[u8]>,
    /// What the kernel did not take. Nothing is added by a room while something is here, so it is at most what one
    /// turn sends.
    unsent: Vec<u8>,
    /// Counts the connection for as long as the socket is open.
    _permit: ConnectionPermit,
}

impl Wire {
    /// Takes a socket from the runtime.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new(
        socket: tokio::net::TcpStream,
        early: Bytes,
        permit: ConnectionPermit,
        has_unsent_limit: bool,
    ) -> io::Result<Self> {
        let socket = socket.into_std()?; // Stays non-blocking.
        if has_unsent_limit {
            SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
        }
        let early = early.as_ref().into();
        Ok(Self { socket, early, unsent: Vec::new(), _permit: permit })
    }

    /// Reads once. Nothing when nothing is there.
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
        match recv(&self.socket, &mut *scratch, RecvFlags::empty()) {
            Ok((_, 0)) => Err(ErrorKind::UnexpectedEof.into()),
            Ok((_, read)) => Ok(Some(&mut scratch[..read])),
            Err(error) => would_wait(error.into()).map(|()| None),
        }
    }

    /// Whether the kernel has not taken everything.
    pub(super) fn is_stalled(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Bytes that the kernel has not taken.
    pub(super) fn unsent(&self) -> usize {
        self.unsent.len()
    }

    /// Sends frames with one write, behind what still waits. What the kernel does not take waits too.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn send(&mut self, frames: &[Bytes]) -> io::Result<()> {
        if let ([frame], false) = (frames, self.is_stalled()) {
            let taken = self.write(frame)?;
            self.unsent.extend_from_slice(&frame[taken..]);
            return Ok(());
        }
        frames.iter().for_each(|frame| self.unsent.extend_from_slice(frame));
        self.flush()
    }

    /// Sends what still waits.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.is_stalled() {
            let mut unsent = core::mem::take(&mut self.unsent);
            let taken = self.write(&unsent)?;
            unsent.drain(..taken);
            self.unsent = unsent;
        }
        Ok(())
    }

    /// Tells the client that nothing more comes.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(super) fn end_sending(&self) -> io::Result<()> {
        self.socket.shutdown(Shutdown::Write)
    }

    /// How many bytes the kernel took.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A connection that is gone is an error here, and no signal.
        match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
            Ok(taken) => Ok(taken),
            Err(error) => would_wait(error.into()).map(|()| 0),
        }
    }
}

/// Lets pass what is no error: only that the kernel has nothing, or takes nothing, at this moment.
fn would_wait(error: io::Error) -> io::Result<()> {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
        _ => Err(error),
    }
}
