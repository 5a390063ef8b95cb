//! Errors that handlers of several routes share, and their refusals.

use std::time::Duration;

use shared::api::ProblemKind;

use super::error::Refuse;
use super::problem::ProblemResponse;
use super::refusal::{BAD_CURSOR, BAD_REQUEST, INTERNAL, NOT_FOUND, Refusal};
use crate::storage::StoreError;
use crate::tickets::InvalidTicket;

/// The detail of a problem when the store fails.
pub(super) const STORE_DETAIL: &str = "The data could not be read or written. Try again later.";
/// The detail when the store is in use by something else.
const BUSY_DETAIL: &str = "The data could not be read or written in time. Try again in a moment.";
/// `Retry-After` when the store is in use by something else.
const BUSY_FOR: Duration = Duration::from_secs(2);
const BUSY: Refusal = Refusal::new(ProblemKind::Busy);

/// The same when its disk is full.
const DISK_FULL_DETAIL: &str =
    "The server's disk is full: nothing can be kept until its operator makes room.";

impl Refuse for StoreError {
    fn refusals() -> Vec<Refusal> {
        vec![INTERNAL, BUSY]
    }

    fn into_problem(self) -> ProblemResponse {
        if self.is_busy() {
            tracing::warn!(error = &self as &dyn std::error::Error, "the store is in use");
            return ProblemResponse::new(BUSY, BUSY_DETAIL).with_wait(BUSY_FOR);
        }
        tracing::error!(error = &self as &dyn std::error::Error, "the store failed");
        let detail = if self.is_disk_full() { DISK_FULL_DETAIL } else { STORE_DETAIL };
        ProblemResponse::new(INTERNAL, detail)
    }
}

const BAD_TICKET: Refusal = Refusal::new(ProblemKind::BadTicket);

/// The request names something that does not exist. Holds the words that complete "There is no such".
#[derive(Debug)]
pub struct NotFound(pub &'static str);

impl Refuse for NotFound {
    fn refusals() -> Vec<Refusal> {
        vec![NOT_FOUND]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(NOT_FOUND, format!("There is no such {}.", self.0))
    }
}

/// The address begins with the name of another node. It is not sent on, so that no request goes in circles.
#[derive(Debug)]
pub struct OtherNode;

impl OtherNode {
    const REFUSAL: Refusal =
        Refusal::new(ProblemKind::Gone).when("the address names a node that this is not");
}

impl Refuse for OtherNode {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail =
            "This address names another node, which is not here. Ask without the node's name.";
        ProblemResponse::new(Self::REFUSAL, detail)
    }
}

/// `?after=` is not a cursor. Holds the sentence that says where cursors come from.
#[derive(Debug)]
pub struct BadCursor(pub &'static str);

impl Refuse for BadCursor {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_CURSOR]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::new(BAD_CURSOR, self.0)
    }
}

/// `If-Match` names only other versions (RFC 9110 §13.1.1).
#[derive(Debug)]
pub struct OtherVersion;

impl OtherVersion {
    const REFUSAL: Refusal =
        BAD_REQUEST.with_status(412).when("`If-Match` names only other versions");
}

impl Refuse for OtherVersion {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "The present version is none of those in If-Match.";
        ProblemResponse::new(Self::REFUSAL, detail)
    }
}

/// A fault of this server: a value does not fit into a header, or a handler panicked.
#[derive(Debug)]
pub struct Fault;

impl Refuse for Fault {
    fn refusals() -> Vec<Refusal> {
        vec![INTERNAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "The request could not be answered. The log says more.";
        ProblemResponse::new(INTERNAL, detail)
    }
}

/// Refusals of one address or player that asks too often. Each holds the time until one more request may pass.
macro_rules! too_often {
    ($($(#[$meta:meta])* $name:ident: $when:literal, $detail:literal;)+) => {
        $(
            $(#[$meta])*
            #[derive(Debug)]
            pub struct $name(pub Duration);

            impl $name {
                const REFUSAL: Refusal = Refusal::new(ProblemKind::TooMany).when($when);
            }

            impl Refuse for $name {
                fn refusals() -> Vec<Refusal> {
                    vec![Self::REFUSAL]
                }

                fn into_problem(self) -> ProblemResponse {
                    ProblemResponse::new(Self::REFUSAL, $detail).with_wait(self.0)
                }
            }
        )+
    };
}

too_often! {
    /// Of `POST /api/session` without a session.
    TooManySessions: "too many new sessions from one address",
        "Too many new sessions from this address. Wait a little.";
    /// Of `POST /api/session` with a session.
    TooManyRenames: "too many new names of one player",
        "Too many new names in a short time. Wait a little.";
    /// Of `POST /api/session/handovers`.
    TooManyDeviceLinks: "too many device-link codes of one player",
        "Too many codes for other devices in a short time. Wait a little.";
    /// Of `POST /api/rooms`.
    TooManyRooms: "too many new rooms from one address",
        "Too many new rooms from this address. Wait a little.";
    /// Of `POST /api/matchmaking`: a match may open a room.
    TooManyMatches: "too many new rooms or requests for matches from one address",
        "Too many requests for matches from this address. Wait a little.";
    /// Of every call that names a room by its code.
    TooManyCodes: "too many codes of no public room from one address",
        "Too many rooms that are not there were looked for from this address. Wait a little.";
    /// Of `POST …/tickets`.
    TooManyTicketRequests: "too many tickets for one address",
        "Too many tickets for this address. Wait a little.";
}

impl Refuse for InvalidTicket {
    fn refusals() -> Vec<Refusal> {
        vec![BAD_TICKET]
    }

    fn into_problem(self) -> ProblemResponse {
        ProblemResponse::of(BAD_TICKET, &self)
    }
}
