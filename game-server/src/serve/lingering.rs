//! Closing a connection whose client still sends, so that the client sees the answer.
//!
//! A socket that is closed with unread bytes resets the connection, and a client that is still sending then finds a
//! broken pipe in place of the answer (RFC 9112 §9.6). So the server ends its own direction first, and reads on for a
//! bounded time and a bounded number of bytes.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// The longest time for which a client is read on.
const TIME_MAX: Duration = Duration::from_secs(10);
/// A client that sends nothing for this long is done.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// The most bytes that are read on.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// The bytes that are read at once.
const READ_BYTES: usize = 8 * 1024;

/// The end of a connection.
pub(super) struct Lingering {
    is_shut: bool,
    until: Instant,
    silence: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl Lingering {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            is_shut: false,
            until: now + TIME_MAX,
            silence: Box::pin(sleep_until(now + SILENCE_MAX)),
            bytes_left: BYTES_MAX,
        }
    }

    /// Ends the server's direction, and reads until the client has ended its own or a bound is reached.
    pub(super) fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        socket: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        if !self.is_shut {
            match Pin::new(&mut *socket).poll_shutdown(context) {
                Poll::Ready(Ok(())) => self.is_shut = true,
                Poll::Ready(Err(_gone)) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        let mut scratch = [0; READ_BYTES];
        while self.bytes_left > 0 {
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut *socket).poll_read(context, &mut read) {
                Poll::Ready(Ok(())) if read.filled().is_empty() => return Poll::Ready(()),
                Poll::Ready(Ok(())) => {
                    self.bytes_left = self.bytes_left.saturating_sub(read.filled().len());
                    let next = self.until.min(Instant::now() + SILENCE_MAX);
                    self.silence.as_mut().reset(next);
                }
                Poll::Ready(Err(_gone)) => return Poll::Ready(()),
                Poll::Pending => return self.silence.as_mut().poll(context),
            }
        }
        Poll::Ready(())
    }
}

/// Closes a connection in this way.
pub(super) async fn linger(mut socket: TcpStream) {
    let mut lingering = Lingering::new();
    poll_fn(|context| lingering.poll(&mut socket, context)).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::linger;

    #[tokio::test]
    async fn a_client_that_still_sends_sees_the_answer_and_then_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut client, (mut server, _)) = (client.unwrap(), accepted.unwrap());
        server.write_all(b"refused").await.unwrap();

        let closing = tokio::spawn(linger(server));
        // More than the buffers of both ends hold: without a reader, this would fail or never end.
        client.write_all(&vec![0; 8 * 1024 * 1024]).await.unwrap();
        client.shutdown().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();

        assert_eq!(answer, b"refused");
        closing.await.unwrap();
    }
}
