//! Looking for a match: a ticket and a long-poll that is sent again until the match is there.

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
        let answer = tokio::select! {
            answer = next(&api, mode, ticket.as_ref()) => answer,
            _ = &mut cancelled => break,
        };
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
                () = sleep(backoff.next()) => {}
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
