//! The socket under HTTP: watches the heads of requests, and lets the client see a refusal before it closes.
//!
//! A request's head may take a bounded time from its first byte on, and a bounded number of bytes. The library that
//! parses heads knows one timer for both the pause before a request and its head, and answers a head that is too long
//! without a word. So both are watched here, below it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::exchange::Exchanges;
use super::head_refusal::{self, HEAD_BYTES_MAX, HeadRefused};
use super::lingering::Lingering;

use super::stall::StallGuard;

/// A client's socket. Holds `T` for as long as it is open.
pub(crate) struct ClientSocket<T> {
    socket: StallGuard<T>,
    exchanges: Exchanges,
    head_timeout: Duration,
    head: Head,
    closing: Option<Box<Closing>>,
}

/// The head that is on its way.
#[derive(Default)]
struct Head {
    /// The exchanges that had begun before it.
    after: u32,
    /// What has arrived of it.
    bytes: usize,
    /// The client reads pages: it is a browser.
    wants_page: bool,
    /// Runs while more of it is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

/// The end of a connection: a refusal on its way, and then what the client still sends.
struct Closing {
    answer: Vec<u8>,
    written: usize,
    lingering: Lingering,
}

impl<T> ClientSocket<T> {
    pub(super) fn new(socket: StallGuard<T>, exchanges: Exchanges, head_timeout: Duration) -> Self {
        Self { socket, exchanges, head_timeout, head: Head::default(), closing: None }
    }

    /// The socket without its guards, and the value it held.
    pub(crate) fn into_parts(self) -> (TcpStream, T) {
        self.socket.into_parts()
    }
}

impl<T: Unpin> ClientSocket<T> {
    /// Reads a part of a head.
    fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.head.after != self.exchanges.begun() {
            self.head = Head { after: self.exchanges.begun(), ..Head::default() };
        }
        if self.head.bytes > HEAD_BYTES_MAX {
            let why = HeadRefused::TooLong { wants_page: self.head.wants_page };
            return self.refuse(why, context);
        }
        match self.poll_part(context, buffer) {
            Poll::Ready(read) => Poll::Ready(read),
            Poll::Pending if self.head.bytes == 0 => Poll::Pending,
            Poll::Pending => {
                let limit = self.head_timeout;
                let timer = self.head.timer.get_or_insert_with(|| Box::pin(sleep(limit)));
                ready!(timer.as_mut().poll(context));
                self.refuse(HeadRefused::Late, context)
            }
        }
    }

    /// Reads what is here, and at most one byte more than a head may have.
    fn poll_part(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = HEAD_BYTES_MAX + 1 - self.head.bytes;
        let before = buffer.filled().len();
        if buffer.remaining() <= most {
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
            ready!(Pin::new(&mut self.socket).poll_read(context, &mut part))?;
            let read = part.filled().len();
            buffer.advance(read);
        }
        let part = &buffer.filled()[before..];
        self.head.bytes += part.len();
        // Most heads arrive as a whole, and are not looked at.
        if !self.head.wants_page && !part.ends_with(b"\r\n\r\n") {
            self.head.wants_page = part.windows(9).any(|window| window == b"text/html");
        }
        Poll::Ready(Ok(()))
    }

    /// Answers in place of HTTP, which then sees the end of the connection.
    fn refuse(&mut self, why: HeadRefused, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = head_refusal::answer_to(why).into_bytes();
        self.closing = Some(Box::new(Closing { answer, written: 0, lingering: Lingering::new() }));
        self.poll_closing(context)
    }

    fn poll_closing(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(closing) = &mut self.closing else { return Poll::Ready(Ok(())) };
        while closing.written < closing.answer.len() {
            let rest = &closing.answer[closing.written..];
            match ready!(Pin::new(&mut self.socket).poll_write(context, rest)) {
                Ok(written) if written > 0 => closing.written += written,
                Ok(_) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
        closing.lingering.poll(&mut self.socket, context).map(Ok)
    }
}

impl<T: Unpin> AsyncRead for ClientSocket<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.closing.is_some() {
            return self.poll_closing(context);
        }
        if self.exchanges.is_running() {
            return Pin::new(&mut self.socket).poll_read(context, buffer);
        }
        self.poll_head(context, buffer)
    }
}

impl<T: Unpin> AsyncWrite for ClientSocket<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// Closes at once after whole requests, and lingers when the client may still send: after a body that was left
    /// unread, and in the middle of a head.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let is_in_head = self.head.after == self.exchanges.begun() && self.head.bytes > 0;
        let still_sends = self.exchanges.has_unread_body() || is_in_head;
        if self.closing.is_none() && !still_sends {
            return Pin::new(&mut self.socket).poll_shutdown(context);
        }
        self.closing.get_or_insert_with(|| {
            Box::new(Closing { answer: Vec::new(), written: 0, lingering: Lingering::new() })
        });
        self.poll_closing(context)
    }
}
