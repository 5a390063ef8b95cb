//! The rows of the queue, and what a client is shown of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use shared::api::MatchState;
use shared::id::{PlayerId, RoomId};
use shared::sim::Mode;

use super::queue::window;
use crate::client_address::ClientAddress;
use crate::clock::now_ms;
use crate::cluster::table::{Expect, Row, Table, WriteError};
use crate::node::NodeName;
use crate::room::RESERVATION_KEPT;
use crate::token::random_token;

/// Earlier tickets of a player whose end is remembered.
const EARLIER_MAX: usize = 4;
/// Attempts to change a row that others change at the same time.
pub(super) const ATTEMPTS: usize = 8;
/// A version has this many bits for the time that was waited, below those for the changes of the state …
const WAITED_BITS: u32 = 20;
/// … in this unit. More than one state a unit is shown to nobody.
const WAITED_UNIT: Duration = Duration::from_millis(250);

/// The newest request of a player for a match. Its key in the table is the player's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRow {
    /// Its name.
    pub(super) ticket: String,
    pub(super) mode: Mode,
    pub(super) rating: i32,
    /// A room that is opened for it may count for this address.
    pub(super) address: ClientAddress,
    /// When it was made, by the wall clock of the node that took it.
    pub(super) since_ms: u64,
    /// Counts the times that a node has noted that it is still asked for.
    pub(super) asked: u64,
    /// Counts the changes between waiting and matched.
    pub(super) changes: u64,
    pub(super) state: TicketState,
    /// Earlier ones of the player, the newest first.
    #[serde(default)]
    pub(super) earlier: Vec<(String, TicketEnd)>,
}

/// What became of a request so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(super) enum TicketState {
    /// It waits.
    Waiting {
        /// No room could be opened for it, and none has a free seat.
        full: bool,
        /// It had a seat that is lost, and no request has come for it since. Its player may have gone on in another way, so that
        /// nobody is matched with it before one does.
        #[serde(default)]
        unasked: bool,
    },
    /// A seat is reserved.
    Matched(Seat),
    /// It has ended. The row stays for a while, to say why.
    Ended { why: TicketEnd },
}

/// A reserved seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seat {
    pub(super) room: RoomId,
    /// Where the room is.
    pub(super) node: NodeName,
    /// The room was there, whatever the ratings.
    pub(super) full: bool,
    /// The end of the reservation, in milliseconds since 1970.
    pub(super) until_ms: u64,
    /// The tickets that are matched with each other.
    pub(super) group: Vec<String>,
}

/// Why a ticket ended. The same player may search in several windows and programs: each of them is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TicketEnd {
    /// The player cancelled it.
    #[error("it was cancelled, maybe in another window")]
    Cancelled,
    /// The player made another request.
    #[error("you began another search, maybe in another window")]
    Replaced,
    /// Nothing asked for it for a minute.
    #[error("no window asked for it for a minute")]
    Abandoned,
    /// The seat that it led to is no longer reserved.
    #[error("the seat that was found is no longer kept")]
    SeatGone,
}

impl Seat {
    /// One that is reserved from now on.
    pub(super) fn new(room: RoomId, node: NodeName, full: bool, group: Vec<String>) -> Self {
        let kept_ms = u64::try_from(RESERVATION_KEPT.as_millis()).unwrap_or_default();
        Self { room, node, full, until_ms: now_ms() + kept_ms, group }
    }
}

impl TicketRow {
    /// A new request. `before` is the row that it replaces.
    pub(super) fn new(
        mode: Mode,
        rating: i32,
        address: ClientAddress,
        before: Option<&Self>,
    ) -> Self {
        Self {
            ticket: random_token(),
            mode,
            rating,
            address,
            since_ms: now_ms(),
            asked: 0,
            changes: 0,
            state: TicketState::Waiting { full: false, unasked: false },
            earlier: before.map(Self::past).unwrap_or_default(),
        }
    }

    /// This ticket and those before, when there is another one.
    fn past(&self) -> Vec<(String, TicketEnd)> {
        let why = self.end_of(&self.ticket).unwrap_or(TicketEnd::Replaced);
        let newest = (self.ticket.clone(), why);
        [newest].into_iter().chain(self.earlier.iter().cloned()).take(EARLIER_MAX).collect()
    }

    pub(super) fn is_live(&self) -> bool {
        !matches!(self.state, TicketState::Ended { .. })
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, TicketState::Waiting { .. })
    }

    /// Whether it waits for a request before it can be matched again.
    pub(super) fn is_unasked(&self) -> bool {
        matches!(self.state, TicketState::Waiting { unasked: true, .. })
    }

    pub(super) fn can_be_matched(&self) -> bool {
        self.is_waiting() && !self.is_unasked()
    }

    pub(super) fn seat(&self) -> Option<&Seat> {
        match &self.state {
            TicketState::Matched(seat) => Some(seat),
            TicketState::Waiting { .. } | TicketState::Ended { .. } => None,
        }
    }

    /// Whether the ticket of this name is or was the player's.
    pub(super) fn knows(&self, ticket: &str) -> bool {
        self.ticket == ticket || self.end_of(ticket).is_some()
    }

    /// Why the ticket of this name has ended.
    pub(super) fn end_of(&self, ticket: &str) -> Option<TicketEnd> {
        match self.state {
            TicketState::Ended { why } if self.ticket == ticket => Some(why),
            _ => self.earlier.iter().find(|(name, _)| name == ticket).map(|(_, why)| *why),
        }
    }

    /// The same, still asked for.
    pub(super) fn asked_for(&self) -> Self {
        let state = match &self.state {
            TicketState::Waiting { full, .. } => {
                TicketState::Waiting { full: *full, unasked: false }
            }
            state @ (TicketState::Matched(_) | TicketState::Ended { .. }) => state.clone(),
        };
        Self { asked: self.asked + 1, state, ..self.clone() }
    }

    /// The same with a seat.
    pub(super) fn matched(&self, seat: Seat) -> Self {
        let (changes, state) = (self.changes + 1, TicketState::Matched(seat));
        Self { changes, state, ..self.clone() }
    }

    /// The same without its seat. It has waited all the time, and its player has a minute from now on to ask for it.
    pub(super) fn set_back(&self) -> Self {
        let state = TicketState::Waiting { full: false, unasked: true };
        Self { asked: self.asked + 1, changes: self.changes + 1, state, ..self.clone() }
    }

    /// The same, but it says whether everything is full.
    pub(super) fn with_full(&self, full: bool) -> Self {
        let state = TicketState::Waiting { full, unasked: self.is_unasked() };
        Self { state, ..self.clone() }
    }

    /// The same at its end.
    pub(super) fn ended(&self, why: TicketEnd) -> Self {
        Self { state: TicketState::Ended { why }, ..self.clone() }
    }

    /// What a client is shown after a wait, beside so many others. An ended one is shown to nobody.
    pub(super) fn shown(
        &self,
        waited: Duration,
        in_queue: usize,
        bots_fill_after: Duration,
    ) -> MatchState {
        if let Some(Seat { room, full, until_ms, .. }) = self.seat() {
            return MatchState::Matched { room: *room, full: *full, until_ms: Some(*until_ms) };
        }
        let bots_in = bots_fill_after.saturating_sub(waited);
        MatchState::Waiting {
            waited_s: u32::try_from(waited.as_secs()).unwrap_or(u32::MAX),
            window: window(waited),
            in_queue: u32::try_from(in_queue).unwrap_or(u32::MAX),
            bots_in_s: u32::try_from(bots_in.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX),
            full: matches!(self.state, TicketState::Waiting { full: true, .. }),
        }
    }

    /// The version of what is shown after a wait. It follows from what all nodes know, so that it grows for a client that goes
    /// from one to another.
    pub(super) fn version(&self, waited: Duration) -> u64 {
        const WAITED_MAX: u128 = (1 << WAITED_BITS) - 2;
        let units = (waited.as_millis() / WAITED_UNIT.as_millis()).min(WAITED_MAX);
        (self.changes << WAITED_BITS) + 1 + u64::try_from(units).unwrap_or_default()
    }
}

/// The table of the queue.
pub type Queue = Arc<dyn Table<TicketRow>>;

/// A ticket as a node has seen it.
pub(super) type SeenTicket = Arc<Row<TicketRow>>;

/// What became of a change.
#[derive(Debug)]
pub(super) enum Changed {
    /// It is made.
    Done,
    /// The row is no longer as the change needs it.
    Refused(Option<SeenTicket>),
    /// It is not known whether it was made.
    Away,
}

/// Changes a ticket by compare-and-set, where `change` allows it: it is asked again when the row is another one than was
/// `seen`.
pub(super) async fn change(
    queue: &dyn Table<TicketRow>,
    player: PlayerId,
    seen: SeenTicket,
    change: impl Fn(&TicketRow) -> Option<TicketRow> + Send,
) -> Changed {
    let key = player.to_string();
    let mut row = seen;
    for _ in 0..ATTEMPTS {
        let Some(changed) = change(&row.value) else { return Changed::Refused(Some(row)) };
        match queue.put(&key, changed, Expect::Revision(row.revision)).await {
            Ok(_) => return Changed::Done,
            Err(WriteError::Away(_)) => return Changed::Away,
            Err(WriteError::Conflict) => {}
        }
        row = match queue.read(&key).await {
            Ok(Some(row)) => row,
            Ok(None) => return Changed::Refused(None),
            Err(_) => return Changed::Away,
        };
    }
    Changed::Away
}

/// When a ticket was made, on the clock of this node. Where it came to know it at once, that is now; else the wall clocks of two
/// nodes say it.
pub(super) fn since(row: &TicketRow, is_new: bool, now: Instant) -> Instant {
    let waited = Duration::from_millis(now_ms().saturating_sub(row.since_ms));
    if is_new { now } else { now.checked_sub(waited).unwrap_or(now) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::id::RoomId;
    use shared::sim::Mode;

    use super::{EARLIER_MAX, Seat, TicketEnd, TicketRow};
    use crate::client_address::ClientAddress;

    fn ticket(before: Option<&TicketRow>) -> TicketRow {
        TicketRow::new(Mode::Duel, 1_500, ClientAddress([192, 0, 2, 1].into()), before)
    }

    #[test]
    fn versions_grow_with_the_wait_and_with_every_change() {
        let (ticket, hour) = (ticket(None), Duration::from_secs(3_600));
        assert_eq!(ticket.version(Duration::ZERO), 1);
        assert!(ticket.version(hour) > ticket.version(hour - Duration::from_secs(1)));

        let seat = Seat::new(RoomId::from_bits(1), "a".parse().unwrap(), false, vec![]);
        let matched = ticket.matched(seat);
        // The clock of another node is a year ahead.
        assert!(matched.version(Duration::ZERO) > ticket.version(hour * 24 * 365));
        assert!(matched.set_back().version(Duration::ZERO) > matched.version(hour));
    }

    #[test]
    fn a_ticket_without_its_seat_is_matched_again_after_a_request_for_it() {
        let seat = Seat::new(RoomId::from_bits(1), "a".parse().unwrap(), false, vec![]);
        let lost = ticket(None).matched(seat).set_back();
        assert!(lost.is_waiting() && !lost.can_be_matched());
        assert!(!lost.with_full(true).can_be_matched(), "that is no request");
        assert!(lost.asked_for().can_be_matched());

        // A node of an earlier build has written it.
        let waiting: super::TicketState =
            serde_json::from_str(r#"{"is":"waiting","full":true}"#).unwrap();
        assert_eq!(waiting, super::TicketState::Waiting { full: true, unasked: false });
    }

    #[test]
    fn a_row_remembers_why_the_last_tickets_of_its_player_ended() {
        let first = ticket(None);
        let second = ticket(Some(&first)).ended(TicketEnd::Cancelled);
        let third = ticket(Some(&second));

        assert_eq!(third.end_of(&first.ticket), Some(TicketEnd::Replaced));
        assert_eq!(third.end_of(&second.ticket), Some(TicketEnd::Cancelled));
        assert_eq!(third.end_of(&third.ticket), None);
        assert!(third.is_live() && third.knows(&third.ticket) && !third.knows("another"));
        let many = (0..9).fold(third, |before, _| ticket(Some(&before)));
        assert_eq!(many.earlier.len(), EARLIER_MAX);
        let json = serde_json::to_string(&many).unwrap();
        assert_eq!(serde_json::from_str::<TicketRow>(&json).unwrap(), many);
    }
}
