//! Opens the connection of a WebSocket: to the server itself, or through a proxy.

use std::io::{Error, ErrorKind, Result};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::{proxies, trust};

/// The longest answer of a proxy to `CONNECT`.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// What a WebSocket is spoken over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A connection to the host and the port of `url`. TLS with the server, if there is any, is not part of it.
pub(super) async fn dial(url: &Url, nodelay: bool) -> Result<Box<dyn Io>> {
    let (host, port) = destination(url)?;
    match proxies::proxy_for(url) {
        None => Ok(Box::new(connect(&host, port, nodelay).await?)),
        Some(proxy) => through(proxy, &host, port, nodelay).await.map_err(|error| {
            let proxy = proxy.host_str().unwrap_or("?");
            Error::new(error.kind(), format!("the proxy {proxy}: {error}"))
        }),
    }
}

fn destination(url: &Url) -> Result<(String, u16)> {
    let host = url.host_str().ok_or(ErrorKind::InvalidInput)?;
    let port = url.port_or_known_default().ok_or(ErrorKind::InvalidInput)?;
    Ok((host.to_owned(), port))
}

/// An IPv6 address has brackets in a URL, and none here.
fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

async fn connect(host: &str, port: u16, nodelay: bool) -> Result<TcpStream> {
    let stream = TcpStream::connect((bare(host), port)).await?;
    // A small message is not held back.
    stream.set_nodelay(nodelay)?;
    Ok(stream)
}

async fn through(proxy: &Url, host: &str, port: u16, nodelay: bool) -> Result<Box<dyn Io>> {
    let usual = match proxy.scheme() {
        "https" => 443,
        "http" => 80,
        _ => 1080,
    };
    let at = proxy.host_str().ok_or(ErrorKind::InvalidInput)?;
    let mut stream = connect(at, proxy.port().unwrap_or(usual), nodelay).await?;
    match proxy.scheme() {
        "http" => {
            tunnel(&mut stream, proxy, host, port).await?;
            Ok(Box::new(stream))
        }
        "https" => {
            let name = ServerName::try_from(bare(at).to_owned())
                .map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
            let mut secure = TlsConnector::from(trust::tls()).connect(name, stream).await?;
            tunnel(&mut secure, proxy, host, port).await?;
            Ok(Box::new(secure))
        }
        _ => {
            socks5(&mut stream, proxy, host, port).await?;
            Ok(Box::new(stream))
        }
    }
}

fn credentials(proxy: &Url) -> Option<(Vec<u8>, Vec<u8>)> {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let name = decoded(proxy.username());
    (!name.is_empty()).then(|| (name, decoded(proxy.password().unwrap_or_default())))
}

/// `CONNECT` (RFC 9110 §9.3.6).
async fn tunnel<S: Io>(stream: &mut S, proxy: &Url, host: &str, port: u16) -> Result<()> {
    let authorization = credentials(proxy).map(|(name, password)| {
        let pair = [name, b":".to_vec(), password].concat();
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(pair))
    });
    let authorization = authorization.unwrap_or_default();
    let head =
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{authorization}\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == HEAD_BYTES_MAX {
            return Err(Error::new(ErrorKind::InvalidData, "its answer is too long"));
        }
        answer.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    match line.split(' ').nth(1) {
        Some(status) if line.starts_with("HTTP/1.") && status.starts_with('2') => Ok(()),
        Some("407") => {
            Err(Error::new(ErrorKind::PermissionDenied, "it wants a name and a password"))
        }
        _ => Err(Error::new(ErrorKind::ConnectionRefused, format!("it answers {line:?}"))),
    }
}

/// SOCKS 5 (RFC 1928) with a name and a password where there are any (RFC 1929). The proxy looks the host up.
async fn socks5<S: Io>(stream: &mut S, proxy: &Url, host: &str, port: u16) -> Result<()> {
    let refused = |text: &str| Error::new(ErrorKind::ConnectionRefused, text.to_owned());
    let credentials = credentials(proxy);
    let methods: &[u8] = if credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    stream.write_all(methods).await?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).await?;
    match (answer, credentials) {
        ([5, 0], _) => {}
        ([5, 2], Some((name, password))) => {
            let length =
                |text: &[u8]| u8::try_from(text.len()).map_err(|_long| refused("a long name"));
            let mut request = vec![1, length(&name)?];
            request.extend(&name);
            request.push(length(&password)?);
            request.extend(&password);
            stream.write_all(&request).await?;
            stream.read_exact(&mut answer).await?;
            if answer[1] != 0 {
                return Err(refused("it refuses the name and the password"));
            }
        }
        _ => return Err(refused("it wants another way to sign in")),
    }
    let name = bare(host);
    let length = u8::try_from(name.len()).map_err(|_long| refused("a long host"))?;
    let mut request = vec![5, 1, 0, 3, length];
    request.extend(name.as_bytes());
    request.extend(port.to_be_bytes());
    stream.write_all(&request).await?;
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    if head[1] != 0 {
        return Err(refused(&format!("it cannot reach the server (code {})", head[1])));
    }
    let address_bytes = match head[3] {
        1 => 4,
        4 => 16,
        _ => usize::from(stream.read_u8().await?),
    };
    stream.read_exact(&mut vec![0; address_bytes + 2]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use url::Url;

    use super::{socks5, tunnel};

    fn proxy(text: &str) -> Url {
        text.parse().expect("an address")
    }

    /// Speaks to a proxy that gives these answers. Returns what it received.
    async fn connect(address: &str, answers: &[&[u8]]) -> (std::io::Result<()>, Vec<u8>) {
        let (mut client, mut server) = duplex(16 * 1024);
        let answer: Vec<u8> = answers.concat();
        server.write_all(&answer).await.expect("a pipe");
        let proxy = proxy(address);
        let result = if address.starts_with("http") {
            tunnel(&mut client, &proxy, "h", 7777).await
        } else {
            socks5(&mut client, &proxy, "h", 7777).await
        };
        drop(client);
        let mut received = Vec::new();
        server.read_to_end(&mut received).await.expect("a pipe");
        (result, received)
    }

    #[tokio::test]
    async fn a_tunnel_names_the_server_and_who_asks() {
        let ok: &[u8] = b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n";
        let (result, received) = connect("http://ada:p%40ss@p:3128", &[ok]).await;

        assert!(result.is_ok());
        let received = String::from_utf8(received).expect("text");
        assert!(received.starts_with("CONNECT h:7777 HTTP/1.1\r\nHost: h:7777\r\n"), "{received}");
        // The pair `ada:p@ss`.
        assert!(received.contains("Proxy-Authorization: Basic YWRhOnBAc3M=\r\n\r\n"), "{received}");
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_named_with_its_reason() {
        let denied: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
        let error = connect("http://p", &[denied]).await.0.expect_err("refused");
        assert!(error.to_string().contains("name and a password"), "{error}");
        let error =
            connect("http://p", &[b"HTTP/1.0 403 No\r\n\r\n"]).await.0.expect_err("refused");
        assert!(error.to_string().contains("403"), "{error}");
        let endless = [b'x'; 9_000];
        assert!(connect("http://p", &[&endless]).await.0.is_err());
        assert!(connect("socks5://p", &[&[5, 255]]).await.0.is_err());
    }

    #[tokio::test]
    async fn socks_looks_the_host_up_itself() {
        let answers: [&[u8]; 3] = [&[5, 2], &[1, 0], &[5, 0, 0, 1, 1, 2, 3, 4, 0, 80]];

        let (result, received) = connect("socks5h://ada:pw@p", &answers).await;

        assert!(result.is_ok(), "{result:?}");
        let mut expected = vec![5, 2, 0, 2, 1, 3];
        expected.extend(b"ada\x02pw\x05\x01\x00\x03\x01h\x1e\x61");
        assert_eq!(received, expected);
    }
}
