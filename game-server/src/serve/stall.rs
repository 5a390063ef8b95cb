//! Closes a connection whose client does not read.
//!
//! The guard sits below HTTP and WebSocket, so that one rule serves every transport: a write that makes no progress for
//! a given time fails.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use crate::metrics::Counter;

/// A socket whose writes fail when the client does not read. Holds `T` for as long as the socket is open.
pub(crate) struct StallGuard<T> {
    socket: TcpStream,
    limit: Duration,
    /// Counts the sockets that were closed.
    cut: Counter,
    /// The timer of a waiting write.
    waiting: Option<Pin<Box<Sleep>>>,
    with: T,
}

impl<T> StallGuard<T> {
    pub(super) fn new(socket: TcpStream, limit: Duration, cut: Counter, with: T) -> Self {
        Self { socket, limit, cut, waiting: None, with }
    }

    /// The socket without the guard, and the value it held.
    pub(crate) fn into_parts(self) -> (TcpStream, T) {
        (self.socket, self.with)
    }

    fn watch<R>(
        &mut self,
        written: Poll<io::Result<R>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        if waiting.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.cut.add(1);
        tracing::info!(peer = ?self.socket.peer_addr().ok(), "a client that does not read was cut");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: Unpin> AsyncRead for StallGuard<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<T: Unpin> AsyncWrite for StallGuard<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, parts);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
