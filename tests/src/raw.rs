//! HTTP by hand: for requests that no library sends, and for slow readers.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::Answer;
use crate::wait::within;

/// The longest head that is read.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Connects, with `TCP_NODELAY`.
///
/// # Panics
/// When the server does not listen.
pub async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    stream.set_nodelay(true).expect("a socket takes the option");
    stream
}

/// Connects with a small receive buffer, so that the server soon notices a reader that stops.
///
/// # Panics
/// When the server does not listen.
pub async fn connect_narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_recv_buffer_size(4 * 1024).expect("a socket takes the option");
    socket.connect(address).await.expect("the server listens")
}

/// Sends these bytes over a new connection and reads the answer.
///
/// # Panics
/// When no answer comes, or it is not HTTP.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut stream = connect(address).await;
    // A server may answer before it has read everything. Then sending fails, and the answer still counts.
    stream.write_all(request.as_ref()).await.ok();
    within("an answer", read_answer(&mut stream)).await.expect("an HTTP answer")
}

/// Reads one answer; its body to `Content-Length` or, without one, to the end of the connection.
///
/// # Errors
/// When the connection ends first, or the answer is not HTTP.
pub async fn read_answer(stream: &mut TcpStream) -> Result<Answer> {
    let (status, headers, mut body) = read_head(stream).await?;
    let length =
        headers.get("content-length").map(|v| v.to_str()?.parse::<usize>().context("length"));
    match length.transpose()? {
        Some(length) => {
            while body.len() < length {
                if stream.read_buf(&mut body).await? == 0 {
                    bail!("the body ends after {} of {length} bytes", body.len());
                }
            }
        }
        None if status.is_informational() || status == StatusCode::NO_CONTENT => {}
        None => while stream.read_buf(&mut body).await? > 0 {},
    }
    Ok(Answer { status, headers, body: Bytes::from(body) })
}

/// Reads a head, and the part of the body that came with it.
///
/// # Errors
/// When the connection ends first, or the answer is not HTTP.
pub async fn read_head(stream: &mut TcpStream) -> Result<(StatusCode, HeaderMap, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if bytes.len() > HEAD_BYTES_MAX {
            bail!("the head does not end");
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            bail!("the connection ended before an answer");
        }
    };
    let body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes).context("the head is text")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("a status line")?;
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').context("a header has a colon")?;
        headers.append(
            HeaderName::try_from(name).context("a header's name")?,
            HeaderValue::try_from(value.trim()).context("a header's value")?,
        );
    }
    Ok((status.parse().context("a status")?, headers, body))
}

/// A WebSocket handshake as in RFC 6455, with more header lines (each ended by `\r\n`).
#[must_use]
pub fn handshake(address: SocketAddr, path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}
