//! The search for a match: a ticket, and a long-poll that is sent again until there is a match.

use std::pin::pin;
use std::time::Duration;

use shared::api::ProblemKind;
use shared::api::{MatchState, MatchTicket};
use shared::sim::Mode;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::api::{Api, CallError};
use super::backoff::Backoff;
use super::error::UserError;
use super::events::{EventSender, MatchmakingEvent};

/// Searches until there is a match, or until the other end of `cancelled` is dropped. Then the ticket is given back.
pub(super) async fn find_match(
    api: Api,
    mode: Mode,
    events: EventSender,
    mut cancelled: oneshot::Receiver<()>,
) {
    let mut ticket: Option<MatchTicket> = None;
    let mut backoff = Backoff::default();
    loop {
        let mut retry_after = Duration::ZERO;
        let (answer, is_cancelled) = {
            let mut asking = pin!(next(&api, mode, ticket.as_ref()));
            tokio::select! {
                answer = &mut asking => (answer, false),
                _ = &mut cancelled => match &ticket {
                    Some(_) => break,
                    // The ticket is on its way, and only with the ticket can it be given back.
                    None => (asking.await, true),
                },
            }
        };
        if is_cancelled {
            ticket = answer.ok().flatten();
            break;
        }
        let event = match answer {
            Ok(Some(newer)) => {
                backoff.reset();
                let state = newer.state.clone();
                ticket = Some(newer);
                MatchmakingEvent::Changed(state)
            }
            Ok(None) => continue,
            Err(error) => {
                // After a restart the server does not know the ticket: get another. One that has ended is not replaced:
                // the same player ended it elsewhere, and two programs would end each other's searches for ever.
                let is_forgotten = error.kind() == Some(ProblemKind::NotFound);
                if is_forgotten || error.kind() == Some(ProblemKind::Gone) {
                    ticket = None;
                }
                retry_after = error.retry_after();
                let is_transient = is_forgotten || error.is_transient();
                let error = UserError { is_transient, ..error.user_error() };
                MatchmakingEvent::Interrupted(error)
            }
        };
        let (done, pause) = match &event {
            MatchmakingEvent::Changed(MatchState::Matched { .. }) => (true, false),
            MatchmakingEvent::Changed(MatchState::Waiting { .. }) => (false, false),
            MatchmakingEvent::Interrupted(error) => (!error.is_transient, true),
        };
        if !events.send(event).await || done {
            return;
        }
        if pause {
            tokio::select! {
                () = sleep(backoff.next().max(retry_after)) => {}
                _ = &mut cancelled => break,
            }
        }
    }
    if let Some(ticket) = ticket {
        // Nothing waits for the answer. When the call is lost, the ticket expires on the server.
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

    use super::find_match;
    use crate::net::api::Api;
    use crate::net::events::EventSender;

    const SOON: Duration = Duration::from_secs(5);

    /// Answers one call once `may` allows it: with a ticket, or for a long-poll with nothing.
    async fn serve(
        mut stream: TcpStream,
        received: mpsc::Sender<String>,
        mut may: watch::Receiver<bool>,
    ) {
        let mut bytes = [0; 2_048];
        let length = stream.read(&mut bytes).await.expect("a call");
        let head = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        received.send(method.clone()).await.expect("a story");
        may.wait_for(|may| *may).await.expect("a story");
        if method == "GET" {
            return std::future::pending().await;
        }
        let state = MatchState::Waiting {
            waited_s: 0,
            window: 100,
            in_queue: 1,
            bots_in_s: 10,
            full: false,
        };
        let ticket = MatchTicket { ticket: "t".to_owned(), version: 1, state };
        let body = serde_json::to_string(&ticket).expect("plain data");
        let head =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", body.len());
        drop(stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await);
    }

    /// Searches until the server has received `until`, then cancels. Returns the next call that the server receives.
    async fn cancel_after(until: &str) -> Option<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (calls, mut received) = mpsc::channel(8);
        let (gate, may) = watch::channel(until != "POST");
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, calls.clone(), may.clone()));
            }
        });
        let (events, _game) = EventSender::channel(8);
        let (cancel, cancelled) = oneshot::channel();
        let api = Api::new(&format!("http://{address}")).expect("an address");
        tokio::spawn(find_match(api, Mode::Duel, events, cancelled));
        while received.recv().await.expect("a call") != until {}

        drop(cancel);
        // Everything runs on this thread: the search notices before this goes on.
        tokio::task::yield_now().await;
        gate.send_replace(true);
        timeout(SOON, received.recv()).await.expect("soon")
    }

    #[tokio::test]
    async fn a_cancelled_search_gives_its_ticket_back() {
        assert_eq!(cancel_after("GET").await.as_deref(), Some("DELETE"));
    }

    #[tokio::test]
    async fn a_search_that_is_cancelled_before_its_ticket_arrives_gives_it_back() {
        assert_eq!(cancel_after("POST").await.as_deref(), Some("DELETE"));
    }
}
