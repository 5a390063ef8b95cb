//! The events of a feed with the time at which the kernel received each (`SO_TIMESTAMPNS`, socket(7)): what the load generator
//! itself has to do meanwhile is nothing that a reader would feel.

use std::io::{self, IoSliceMut};
use std::os::fd::AsRawFd as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use nix::cmsg_space;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader, Interest, Lines,
    ReadBuf,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::feed::Transport;
use crate::site::Site;

/// What an envelope says of its time.
#[derive(Debug, Deserialize)]
struct Dated {
    at_ms: u64,
}

/// A subscription to a feed.
pub(in crate::swarm) struct Arrivals {
    events: Events,
    received_us: Arc<AtomicU64>,
}

enum Events {
    Sse(Lines<BufReader<Stamped>>),
    Socket(Box<WebSocketStream<Stamped>>),
}

impl Arrivals {
    /// Subscribes by server-sent events or by WebSocket.
    ///
    /// # Errors
    /// When the server does not listen or refuses, or for another transport.
    pub(in crate::swarm) async fn open(
        site: &Site,
        feed: &str,
        transport: Transport,
    ) -> Result<Self> {
        let (mut stamped, received_us) = Stamped::new(site.tcp().await?)?;
        let (address, path) = (site.address(), format!("/api/feeds/{feed}"));
        let events = match transport {
            Transport::Sse => {
                let head = format!(
                    "GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n"
                );
                stamped.write_all(head.as_bytes()).await.context("asking")?;
                Events::Sse(BufReader::new(stamped).lines())
            }
            Transport::WebSocket => {
                let opened = client_async(format!("ws://{address}{path}"), stamped).await;
                Events::Socket(Box::new(opened.context("the handshake")?.0))
            }
            other => bail!("events by {} do not arrive by themselves", other.name()),
        };
        Ok(Self { events, received_us })
    }

    /// How old the next event was when it arrived, in microseconds: server and reader have one clock, and each event carries its
    /// time in milliseconds.
    ///
    /// # Errors
    /// When the subscription ends.
    pub(super) async fn next_age_us(&mut self) -> Result<u64> {
        let (Dated { at_ms }, received_us) = self.next().await?;
        Ok(received_us.saturating_sub(at_ms * 1_000))
    }

    /// The next envelope, and when it arrived, in microseconds since 1970.
    ///
    /// # Errors
    /// When the subscription ends, or the envelope is no `T`.
    pub(in crate::swarm) async fn next<T: DeserializeOwned>(&mut self) -> Result<(T, u64)> {
        let envelope = match &mut self.events {
            Events::Sse(lines) => loop {
                let line = lines.next_line().await?.context("the stream ended")?;
                if let Some(data) = line.strip_prefix("data: ") {
                    break serde_json::from_str(data)?;
                }
            },
            Events::Socket(socket) => loop {
                match socket.next().await.context("the WebSocket ended")?? {
                    Message::Text(text) => break serde_json::from_str(&text)?,
                    Message::Close(frame) => bail!("closed: {frame:?}"),
                    // Reading answers pings.
                    _ => {}
                }
            },
        };
        Ok((envelope, self.received_us.load(Ordering::Relaxed)))
    }
}

/// A connection that notes when the bytes that were read last were received.
struct Stamped {
    stream: TcpStream,
    /// Microseconds since 1970.
    received_us: Arc<AtomicU64>,
}

impl Stamped {
    fn new(stream: TcpStream) -> Result<(Self, Arc<AtomicU64>)> {
        setsockopt(&stream, sockopt::ReceiveTimestampns, &true).context("SO_TIMESTAMPNS")?;
        let received_us = Arc::<AtomicU64>::default();
        Ok((Self { stream, received_us: received_us.clone() }, received_us))
    }

    fn receive(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut control = cmsg_space!(TimeSpec);
        let mut pieces = [IoSliceMut::new(into)];
        let flags = MsgFlags::empty();
        let received =
            recvmsg::<()>(self.stream.as_raw_fd(), &mut pieces, Some(&mut control), flags)?;
        for message in received.cmsgs()? {
            if let ControlMessageOwned::ScmTimestampns(at) = message {
                let us = at.tv_sec() * 1_000_000 + at.tv_nsec() / 1_000;
                self.received_us.store(us.unsigned_abs(), Ordering::Relaxed);
            }
        }
        Ok(received.bytes)
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            let into = buffer.initialize_unfilled();
            match self.stream.try_io(Interest::READABLE, || self.receive(into)) {
                Ok(length) => {
                    buffer.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
