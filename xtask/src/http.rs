//! One HTTP/1.1 request to a program on this machine: all that xtask asks of a network.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A program that is ready answers a question within this.
const GET_LIMIT: Duration = Duration::from_secs(5);
/// A browser may take long over its first page.
const POST_LIMIT: Duration = Duration::from_secs(60);
/// A screenshot of a large window, as base64, is below this.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status code.
    pub(crate) status: u16,
    /// The body, decoded from chunks.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("reading an answer as JSON")
    }
}

/// `GET http://ADDRESS/path`.
pub(crate) fn get(address: &str, path: &str) -> Result<Answer> {
    request(address, "GET", path, None)
}

/// `POST` with a JSON body.
pub(crate) fn post(address: &str, path: &str, body: &Value) -> Result<Answer> {
    request(address, "POST", path, Some(body))
}

fn request(address: &str, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{kind}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let limit = if method == "GET" { GET_LIMIT } else { POST_LIMIT };
    exchange(address, &request, limit).with_context(|| format!("{method} http://{address}{path}"))
}

fn exchange(address: &str, request: &str, limit: Duration) -> Result<Answer> {
    let socket = address.to_socket_addrs()?.next().context("an address")?;
    let mut stream = TcpStream::connect_timeout(&socket, CONNECT_LIMIT)?;
    stream.set_read_timeout(Some(limit))?;
    stream.write_all(request.as_bytes())?;
    read_answer(stream)
}

fn read_answer(stream: impl Read) -> Result<Answer> {
    let mut reader = BufReader::new(stream);
    let first = read_line(&mut reader)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.with_context(|| format!("not an answer in HTTP: {first:?}"))?;

    let (mut length, mut chunked) = (None, false);
    loop {
        let line = read_line(&mut reader)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.trim().parse::<u64>()?),
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let body =
        if chunked { read_chunks(&mut reader)? } else { read_exactly_or_all(&mut reader, length)? };
    Ok(Answer { status, body })
}

fn read_exactly_or_all(reader: &mut impl Read, length: Option<u64>) -> Result<Vec<u8>> {
    let expected = length.unwrap_or(BODY_BYTES_MAX);
    ensure!(expected <= BODY_BYTES_MAX, "an answer of {expected} bytes");
    let mut body = Vec::new();
    reader.take(expected).read_to_end(&mut body)?;
    ensure!(length.is_none_or(|length| body.len() as u64 == length), "the answer was cut off");
    Ok(body)
}

fn read_chunks(reader: &mut BufReader<impl Read>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = read_line(reader)?;
        let size = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)?;
        ensure!(body.len() as u64 + size <= BODY_BYTES_MAX, "an answer without end");
        if size == 0 {
            return Ok(body);
        }
        body.extend(read_exactly_or_all(reader, Some(size))?);
        read_line(reader)?;
    }
}

fn read_line(reader: &mut BufReader<impl Read>) -> Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        bail!("the connection was closed");
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_known_length_is_read() {
        let text = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}and more";

        let answer = read_answer(text.as_bytes()).expect("it is an answer");

        assert_eq!((answer.status, answer.body.as_slice()), (404, b"{}".as_slice()));
    }

    #[test]
    fn an_answer_in_chunks_is_joined() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n2;x=y\r\n,2\r\n1\r\n]\r\n0\r\n\r\n";

        let answer = read_answer(text.as_bytes()).expect("it is an answer");

        assert_eq!(answer.body, b"[1,2]");
    }

    #[test]
    fn a_cut_answer_is_an_error() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nonly this";

        assert!(read_answer(text.as_bytes()).is_err());
    }
}
