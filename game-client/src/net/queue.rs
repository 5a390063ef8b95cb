//! Looking for a match: a ticket and a long-poll that is sent again until the match is there.

use std::pin::pin;
use std::time::Duration;

use shared::api::ProblemKind;
use shared::api::{MatchState, MatchTicket};
use shared::sim::Mode;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::api::{Api, CallError};
use super::backoff::Backoff;
use super::{Report, Trouble};

/// Looks until there is a match or `cancelled` is heard of; then the ticket is given back.
pub(super) async fn look_for_match(
    api: Api,
    mode: Mode,
    reports: mpsc::Sender<Report>,
    mut cancelled: oneshot::Receiver<()>,
) {
    let mut ticket: Option<MatchTicket> = None;
    let mut backoff = Backoff::default();
    loop {
        let mut patience = Duration::ZERO;
        let (answer, is_cancelled) = {
            let mut asking = pin!(next(&api, mode, ticket.as_ref()));
            tokio::select! {
                answer = &mut asking => (answer, false),
                _ = &mut cancelled => match &ticket {
                    Some(_) => break,
                    // It is on its way, and only who has it can give it back.
                    None => (asking.await, true),
                },
            }
        };
        if is_cancelled {
            ticket = answer.ok().flatten();
            break;
        }
        let report = match answer {
            Ok(Some(newer)) => {
                backoff.reset();
                let state = newer.state.clone();
                ticket = Some(newer);
                Report::Queue(state)
            }
            Ok(None) => continue,
            Err(error) => {
                let gone = matches!(error.kind(), Some(ProblemKind::Gone | ProblemKind::NotFound));
                if gone {
                    // The server has forgotten the ticket (a restart, say): take another.
                    ticket = None;
                }
                patience = error.pause();
                let trouble = Trouble { may_pass: gone || error.may_pass(), ..error.trouble() };
                Report::QueueTrouble(trouble)
            }
        };
        let (done, pause) = match &report {
            Report::Queue(MatchState::Matched { .. }) => (true, false),
            Report::QueueTrouble(trouble) => (!trouble.may_pass, true),
            _ => (false, false),
        };
        if reports.send(report).await.is_err() || done {
            return;
        }
        if pause {
            tokio::select! {
                () = sleep(backoff.next().max(patience)) => {}
                _ = &mut cancelled => break,
            }
        }
    }
    if let Some(ticket) = ticket {
        // Nobody waits for it; when it is lost, the server lets the ticket expire.
        drop(api.leave_queue(&ticket.ticket).await);
    }
}

async fn next(
    api: &Api,
    mode: Mode,
    ticket: Option<&MatchTicket>,
) -> Result<Option<MatchTicket>, CallError> {
    match ticket {
        Some(ticket) => api.queue_after(ticket).await,
        None => api.queue(mode).await.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::api::{MatchState, MatchTicket};
    use shared::sim::Mode;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{mpsc, oneshot, watch};
    use tokio::time::timeout;

    use super::look_for_match;
    use crate::net::api::Api;

    const SOON: Duration = Duration::from_secs(5);

    /// Answers one call once it may: a ticket to who asks for one, nothing for long to who waits.
    async fn serve(
        mut stream: TcpStream,
        heard: mpsc::Sender<String>,
        mut may: watch::Receiver<bool>,
    ) {
        let mut bytes = [0; 2_048];
        let length = stream.read(&mut bytes).await.expect("a call");
        let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        heard.send(method.clone()).await.expect("a story");
        may.wait_for(|may| *may).await.expect("a story");
        if method == "GET" {
            return std::future::pending().await;
        }
        let state = MatchState::Waiting { waited_s: 0, window: 100, in_queue: 1, bots_in_s: 10 };
        let ticket = MatchTicket { ticket: "t".to_owned(), version: 1, state };
        let body = serde_json::to_string(&ticket).expect("plain data");
        let head =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
        drop(stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await);
    }

    /// Looks for a match until it hears `until`, then calls it off. What the server hears after that.
    async fn call_off_after(until: &str) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (ears, mut heard) = mpsc::channel(8);
        let (gate, may) = watch::channel(until != "POST");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, ears.clone(), may.clone()));
            }
        });
        let (reports, _game) = mpsc::channel(8);
        let (cancel, cancelled) = oneshot::channel();
        let api = Api::new(&format!("http://{address}")).expect("an address");
        tokio::spawn(look_for_match(api, Mode::Duel, reports, cancelled));
        while heard.recv().await.expect("a call") != until {}

        drop(cancel);
        // Everything runs on this thread: the search hears of it before this goes on.
        tokio::task::yield_now().await;
        gate.send_replace(true);
        timeout(SOON, heard.recv()).await.expect("soon")
    }

    #[tokio::test]
    async fn a_search_that_is_called_off_gives_its_ticket_back() {
        assert_eq!(call_off_after("GET").await.as_deref(), Some("DELETE"));
    }

    #[tokio::test]
    async fn even_when_the_ticket_was_still_on_its_way() {
        assert_eq!(call_off_after("POST").await.as_deref(), Some("DELETE"));
    }
}
