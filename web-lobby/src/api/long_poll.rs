//! Quick play: a request for a match, followed by long-polling until there is a seat.
//!
//! The request survives every disconnect and a reload of the tab, because its ticket is stored. Cancelling is a
//! `DELETE`.
//!
//! A seat that was found is kept for a while. The page knows until when, asks again when the visitor comes back to it, and
//! never offers a seat that has gone.
//!
//! Each search has a number. The answer to an older search changes nothing, and its ticket is given back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{MatchRequest, MatchState, MatchTicket, ProblemKind, RoomDetails};
use shared::id::RoomId;
use shared::sim::Mode;

use super::session::Identity;
use super::transport::Status;
use super::visibility::PageVisible;
use super::{ApiError, attention, clock, delete, get, long_poll, notify, post, retry, storage};

/// How long the server may hold the request before it answers that nothing has changed, in seconds.
const WAIT_S: u32 = 15;
/// How often the page asks whether the visitor still plays in the room that was found, in milliseconds.
const SEATED_CHECK_MS: u32 = 30_000;

/// How often the end of an offer is looked for, in milliseconds.
const OFFER_STEP_MS: u32 = 500;
/// What is said of an offer that has run out.
const SEAT_GONE: &str =
    "The seat that was found was kept for half a minute and has gone. Quick play finds another.";

/// The state of the search for a match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Search {
    /// No search.
    #[default]
    Off,
    /// The request is on its way.
    Asking,
    /// In the queue.
    Waiting {
        /// When the search began, in milliseconds since 1970.
        since_ms: u64,
        /// How far the ratings of opponents may differ from one's own.
        window: u32,
        /// People in the queue.
        in_queue: u32,
        /// When bots will fill the seats, in milliseconds since 1970.
        bots_at_ms: u64,
    },
    /// A seat was found.
    Matched {
        /// The room.
        room: RoomId,
        /// Until when it is kept, in milliseconds since 1970. `None` once the visitor has taken it.
        until_ms: Option<u64>,
    },
    /// The search failed, with the reason.
    Failed(String),
}

impl Search {
    /// What follows when the visitor has no seat in the room that was found: they have played and left, or the room has
    /// ended, or they never took the seat.
    fn after_seat(&self) -> Self {
        let was_taken = matches!(self, Self::Matched { until_ms: None, .. });
        if was_taken { Self::Off } else { Self::Failed(SEAT_GONE.to_owned()) }
    }
}

/// Quick play, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickPlay {
    /// The state of the search.
    pub(crate) search: RwSignal<Search>,
    /// The state of the long-poll.
    pub(crate) status: RwSignal<Status>,
    /// The chosen mode.
    pub(crate) mode: RwSignal<Mode>,
    /// The server opens no more rooms: the search waits for a seat, or has found one, in a room that was there.
    pub(crate) full: RwSignal<bool>,
    identity: Identity,
    /// The ticket of the current search.
    ticket: StoredValue<Option<String>>,
    /// The newest search.
    newest: StoredValue<SearchNumber>,
}

/// Counts the searches of a page, and the ends of them.
type SearchNumber = u32;

impl QuickPlay {
    /// Sets it up, and resumes a search that a reload interrupted.
    pub(crate) fn provide() {
        let kept_mode = storage::get(storage::MODE);
        let mode = Mode::ALL.into_iter().find(|mode| kept_mode.as_deref() == Some(mode.title()));
        let play = Self {
            search: RwSignal::new(Search::Off),
            status: RwSignal::new(Status::Idle),
            mode: RwSignal::new(mode.unwrap_or(Mode::Brawl)),
            full: RwSignal::new(false),
            identity: Identity::expect(),
            ticket: StoredValue::new(None),
            newest: StoredValue::new(0),
        };
        provide_context(play);
        if let Some(ticket) = storage::get(storage::MATCH) {
            play.resume(ticket);
        }
        let PageVisible(visible) = PageVisible::expect();
        Effect::new(move |was_visible: Option<bool>| {
            let is_visible = visible.get();
            if is_visible && was_visible == Some(false) {
                play.check_offer();
            }
            is_visible
        });
    }

    /// The visitor is back: an offer may have run out while nobody looked.
    fn check_offer(self) {
        let is_offer =
            self.search.with_untracked(|search| matches!(search, Search::Matched { .. }));
        if let Some(ticket) = self.ticket.get_value().filter(|_| is_offer) {
            self.resume(ticket);
        }
    }

    /// The page's one.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Chooses what to play.
    pub(crate) fn choose(self, mode: Mode) {
        storage::set(storage::MODE, mode.title());
        self.mode.set(mode);
    }

    /// Starts a search. Asks for a name first when there is none.
    pub(crate) fn start(self) {
        if matches!(self.search.get_untracked(), Search::Asking | Search::Waiting { .. }) {
            return;
        }
        let search = self.new_number();
        spawn_local(async move {
            if self.identity.require().await.is_some() && self.is_newest(search) {
                self.status.set(Status::Connecting);
                self.search.set(Search::Asking);
                self.search_until_matched(search).await;
            }
        });
    }

    /// Cancels the search, or dismisses its result.
    pub(crate) fn cancel(self) {
        let ticket = self.ticket.try_update_value(Option::take).flatten();
        let was_matched = matches!(self.search.get_untracked(), Search::Matched { .. });
        self.reset(Search::Off);
        if let Some(ticket) = ticket.filter(|_| !was_matched) {
            spawn_local(return_ticket(ticket));
        }
    }

    /// Resumes a search from before a reload. One that has ended since is forgotten.
    fn resume(self, ticket: String) {
        let search = self.new_number();
        let before = self.search.get_untracked();
        match before {
            // The offer ends even if the server does not answer.
            Search::Matched { room, until_ms: Some(until_ms) } => {
                spawn_local(self.until_over(search, room, until_ms));
            }
            Search::Matched { until_ms: None, .. } => {}
            Search::Off | Search::Asking | Search::Waiting { .. } | Search::Failed(_) => {
                self.search.set(Search::Asking);
            }
        }
        self.ticket.set_value(Some(ticket.clone()));
        spawn_local(async move {
            self.identity.wait_for_session().await;
            if !self.is_newest(search) {
                return;
            }
            match self.poll_ticket(search, ticket, 0).await {
                Err(error) if self.is_newest(search) => match before {
                    Search::Matched { room, .. } if is_forgotten(&error) => {
                        self.after_offer(self.new_number(), room).await;
                    }
                    _ if is_forgotten(&error) => self.reset(Search::Off),
                    _ => self.fail(&error),
                },
                Ok(()) | Err(_) => {}
            }
        });
    }

    /// Requests a match until there is one. A server that restarted has forgotten the request, so it is made again. A
    /// request that has ended is not: the visitor ended it in another window, and two windows would end each other's
    /// searches for ever.
    async fn search_until_matched(self, search: SearchNumber) {
        while self.is_newest(search) {
            let followed = match self.request_match(search).await {
                Ok(Some(ticket)) if self.is_newest(search) => {
                    let (name, version) = (ticket.ticket.clone(), ticket.version);
                    self.apply(ticket.state);
                    self.poll_ticket(search, name, version).await
                }
                // Cancelled while the request was on its way.
                Ok(Some(ticket)) => return return_ticket(ticket.ticket).await,
                Ok(None) => return,
                Err(error) => Err(error),
            };
            match followed {
                Ok(()) => return,
                Err(error) if error.kind() == Some(ProblemKind::NotFound) => {}
                Err(_) if !self.is_newest(search) => {}
                Err(error) => return self.fail(&error),
            }
        }
    }

    /// Requests a match. `None` when the search was cancelled before the request was made.
    async fn request_match(self, search: SearchNumber) -> Result<Option<MatchTicket>, ApiError> {
        let request = MatchRequest { mode: self.mode.get_untracked() };
        match post("/api/matchmaking", &request).await {
            Err(error) if error.kind() == Some(ProblemKind::SignIn) => {
                self.identity.renew().await?;
                if !self.is_newest(search) {
                    return Ok(None);
                }
                post("/api/matchmaking", &request).await.map(Some)
            }
            answer => answer.map(Some),
        }
    }

    /// Long-polls the ticket until there is a seat or the search is cancelled.
    async fn poll_ticket(
        self,
        search: SearchNumber,
        ticket: String,
        mut version: u64,
    ) -> Result<(), ApiError> {
        self.ticket.set_value(Some(ticket.clone()));
        let mut backoff = retry::backoff();
        // Asked at least once: an offer from before may have run out.
        let mut is_asked = false;
        while !(is_asked && matches!(self.search.get_untracked(), Search::Matched { .. })) {
            storage::set(storage::MATCH, &ticket);
            self.status.set(Status::Waiting);
            let path = format!("/api/matchmaking/{ticket}?after={version}&wait={WAIT_S}");
            let answer = long_poll::<MatchTicket>(&path, WAIT_S).await;
            if !self.is_newest(search) {
                return Ok(());
            }
            match answer {
                Ok(news) => {
                    is_asked = true;
                    backoff.reset();
                    if let Some(news) = news {
                        version = news.version;
                        self.apply(news.state);
                    }
                }
                Err(error) if error.may_succeed_later() => {
                    let report = |status| {
                        if self.is_newest(search) {
                            self.status.set(status);
                        }
                    };
                    retry::wait(&mut backoff, error.retry_after_s(), report).await;
                    if !self.is_newest(search) {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.status.set(Status::Complete);
        if let Search::Matched { room, until_ms: Some(until_ms) } = self.search.get_untracked() {
            attention::call_back(
                "A seat waits for you",
                "Your match is found. The seat is kept for half a minute.",
            );
            // A new number ends the watch that began before the server had answered.
            spawn_local(self.until_over(self.new_number(), room, until_ms));
        }
        Ok(())
    }

    /// Waits for the end of an offer.
    async fn until_over(self, search: SearchNumber, room: RoomId, until_ms: u64) {
        while self.is_newest(search) {
            let left_ms = clock::date_ms(until_ms) - clock::now_ms();
            if left_ms <= 0.0 {
                return self.after_offer(search, room).await;
            }
            // In short steps: timers stop while a machine sleeps.
            notify::sleep(OFFER_STEP_MS).await;
        }
    }

    /// The offer is over: the visitor sits in the room, or the seat has gone.
    async fn after_offer(self, search: SearchNumber, room: RoomId) {
        let mut backoff = retry::backoff();
        while self.is_newest(search) {
            let me = self.identity.me.get_untracked().map(|me| me.player);
            let details = get::<RoomDetails>(&format!("/api/rooms/{room}")).await;
            if !self.is_newest(search) {
                return;
            }
            match details {
                Ok(room) if room.seated.iter().any(|seat| Some(seat.player) == me) => {}
                Err(error) if error.may_succeed_later() => {
                    retry::wait(&mut backoff, error.retry_after_s(), |_link| {}).await;
                    continue;
                }
                Ok(_) | Err(_) => {
                    attention::call_off();
                    return self.reset(self.search.with_untracked(Search::after_seat));
                }
            }
            backoff.reset();
            self.search.set(Search::Matched { room, until_ms: None });
            notify::sleep(SEATED_CHECK_MS).await;
        }
    }

    /// The number of a new search. Any older search is outdated from now on.
    fn new_number(self) -> SearchNumber {
        self.newest
            .try_update_value(|number| {
                *number = number.wrapping_add(1);
                *number
            })
            .unwrap_or_default()
    }

    fn is_newest(self, search: SearchNumber) -> bool {
        self.newest.with_value(|newest| *newest == search)
    }

    fn apply(self, state: MatchState) {
        let now_ms = clock::now_ms();
        let (MatchState::Waiting { full, .. } | MatchState::Matched { full, .. }) = &state;
        self.full.set(*full);
        self.search.set(match state {
            MatchState::Waiting { waited_s, window, in_queue, bots_in_s, .. } => Search::Waiting {
                since_ms: ms_after(now_ms, -f64::from(waited_s)),
                window,
                in_queue,
                bots_at_ms: ms_after(now_ms, f64::from(bots_in_s)),
            },
            MatchState::Matched { room, until_ms, .. } => Search::Matched { room, until_ms },
        });
    }

    fn fail(self, error: &ApiError) {
        self.reset(Search::Failed(error.to_string()));
    }

    /// Ends the search with this result.
    fn reset(self, search: Search) {
        self.new_number();
        storage::remove(storage::MATCH);
        self.ticket.set_value(None);
        self.status.set(Status::Idle);
        self.full.set(false);
        self.search.set(search);
    }
}

/// Gives a ticket back. The server may have forgotten it already, which is fine too.
async fn return_ticket(ticket: String) {
    delete(&format!("/api/matchmaking/{ticket}")).await.ok();
}

/// Whether the server no longer knows the ticket.
fn is_forgotten(error: &ApiError) -> bool {
    matches!(error.kind(), Some(ProblemKind::Gone | ProblemKind::NotFound))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 are positive and fit"
)]
fn ms_after(now_ms: f64, seconds: f64) -> u64 {
    (now_ms + seconds * 1_000.0) as u64
}

#[cfg(test)]
mod tests {
    use shared::id::RoomId;

    use super::{SEAT_GONE, Search};

    #[test]
    fn only_a_seat_that_was_never_taken_has_gone() {
        let matched = |until_ms| Search::Matched { room: RoomId::from_bits(1), until_ms };

        assert_eq!(matched(Some(7)).after_seat(), Search::Failed(SEAT_GONE.to_owned()));
        assert_eq!(matched(None).after_seat(), Search::Off, "the visitor has played");
    }
}
