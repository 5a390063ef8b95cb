//! Asking a server for the one that leads a stream. Spoken by hand: it is one line each way.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The name of the server that leads this stream, as the server at this port knows it. `None` while there is none.
pub(crate) fn leader(port: u16, stream: &str) -> io::Result<Option<String>> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    let request = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false}}\r\nSUB answer 1\r\n\
         PUB $JS.API.STREAM.INFO.{stream} answer 0\r\n\r\n"
    );
    connection.write_all(request.as_bytes())?;
    let mut lines = BufReader::new(connection).lines();
    // The answer's head, and then the answer in one line.
    for line in lines.by_ref() {
        if line?.starts_with("MSG answer ") {
            break;
        }
    }
    let answer = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    Ok(leader_in(&answer))
}

/// The leader in `{…,"cluster":{"name":"lobby","leader":"nats-1",…},…}`.
fn leader_in(answer: &str) -> Option<String> {
    let (_, from) = answer.split_once("\"leader\":\"")?;
    let (name, _) = from.split_once('"')?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::leader_in;

    #[test]
    fn the_leader_is_read_from_an_answer() {
        let answer = r#"{"config":{"name":"a"},"cluster":{"name":"lobby","leader":"nats-1"}}"#;
        assert_eq!(leader_in(answer).as_deref(), Some("nats-1"));
        assert_eq!(leader_in(r#"{"error":{"code":404}}"#), None);
    }
}
