//! Quick play: a request for a match, followed by long-polling until there is a seat.
//!
//! The request survives any cut, and a reload of the tab: its ticket is kept. Cancelling is a `DELETE`.
//!
//! Each search has a number. What comes of an older one changes nothing, and a ticket that it got is given back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{MatchRequest, MatchState, MatchTicket, ProblemKind};
use shared::id::RoomId;
use shared::sim::Mode;

use super::link::Link;
use super::session::Identity;
use super::{ApiError, delete, hold, post, storage, wake};

/// The server holds the answer for so long, in seconds, before it says that there is nothing new.
const WAIT_S: u32 = 25;
/// What is kept for a reload: one of these words, and the ticket or the room.
const WAITING: &str = "waiting";
const MATCHED: &str = "matched";

/// Where the search for a match stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Search {
    /// Nothing asked for.
    #[default]
    Off,
    /// The request is on its way.
    Asking,
    /// In the queue.
    Waiting {
        /// When it began, milliseconds since 1970.
        since_ms: u64,
        /// How far from the own rating others may be.
        window: u32,
        /// People who wait.
        in_queue: u32,
        /// When bots will fill the seats, milliseconds since 1970.
        bots_at_ms: u64,
    },
    /// There is a seat.
    Matched(RoomId),
    /// It did not work; why.
    Failed(String),
}

/// Quick play, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QuickPlay {
    /// Where it stands.
    pub(crate) search: RwSignal<Search>,
    /// How the long-poll stands.
    pub(crate) link: RwSignal<Link>,
    /// The mode to ask for.
    pub(crate) mode: RwSignal<Mode>,
    identity: Identity,
    /// The ticket that is followed.
    ticket: StoredValue<Option<String>>,
    /// The newest search.
    newest: StoredValue<Number>,
}

/// Counts the searches of a page, and the ends of them.
type Number = u32;

impl QuickPlay {
    /// Sets it up, and goes on with a request that a reload cut.
    pub(crate) fn provide() {
        let kept_mode = storage::get(storage::MODE);
        let mode = Mode::ALL.into_iter().find(|mode| kept_mode.as_deref() == Some(mode.title()));
        let play = Self {
            search: RwSignal::new(Search::Off),
            link: RwSignal::new(Link::Idle),
            mode: RwSignal::new(mode.unwrap_or(Mode::Brawl)),
            identity: Identity::expect(),
            ticket: StoredValue::new(None),
            newest: StoredValue::new(0),
        };
        provide_context(play);
        match storage::get(storage::MATCH).as_deref().map(|kept| kept.split_once(' ')) {
            Some(Some((MATCHED, room))) => {
                if let Ok(room) = room.parse() {
                    play.search.set(Search::Matched(room));
                    play.link.set(Link::Complete);
                }
            }
            Some(Some((WAITING, ticket))) => play.resume(ticket.to_owned()),
            Some(_) | None => {}
        }
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Chooses what to play.
    pub(crate) fn choose(self, mode: Mode) {
        storage::set(storage::MODE, mode.title());
        self.mode.set(mode);
    }

    /// Looks for a match; asks for a name first when there is none.
    pub(crate) fn start(self) {
        if matches!(self.search.get_untracked(), Search::Asking | Search::Waiting { .. }) {
            return;
        }
        let search = self.next();
        spawn_local(async move {
            if self.identity.needed().await.is_some() && self.is_newest(search) {
                self.link.set(Link::Connecting);
                self.search.set(Search::Asking);
                self.seek(search).await;
            }
        });
    }

    /// Gives up, or puts a result away.
    pub(crate) fn cancel(self) {
        self.next();
        let ticket = self.ticket.try_update_value(Option::take).flatten();
        let was_matched = matches!(self.search.get_untracked(), Search::Matched(_));
        self.forget(Search::Off);
        if let Some(ticket) = ticket.filter(|_| !was_matched) {
            spawn_local(give_back(ticket));
        }
    }

    /// Goes on with a request that was made before a reload. One that ended since is forgotten.
    fn resume(self, ticket: String) {
        let search = self.next();
        self.search.set(Search::Asking);
        self.ticket.set_value(Some(ticket.clone()));
        spawn_local(async move {
            self.identity.known().await;
            if !self.is_newest(search) {
                return;
            }
            match self.follow(search, ticket, 0).await {
                Err(error) if self.is_newest(search) => {
                    if is_over(&error) {
                        self.forget(Search::Off);
                    } else {
                        self.fail(&error);
                    }
                }
                Ok(()) | Err(_) => {}
            }
        });
    }

    /// Asks for a match until there is one. A server that restarted has forgotten the request: it is made again.
    async fn seek(self, search: Number) {
        while self.is_newest(search) {
            let followed = match self.ask(search).await {
                Ok(Some(ticket)) if self.is_newest(search) => {
                    let (name, version) = (ticket.ticket.clone(), ticket.version);
                    self.show(ticket.state);
                    self.follow(search, name, version).await
                }
                // Given up while it was on its way.
                Ok(Some(ticket)) => return give_back(ticket.ticket).await,
                Ok(None) => return,
                Err(error) => Err(error),
            };
            match followed {
                Ok(()) => return,
                Err(error) if is_over(&error) => {}
                Err(_) if !self.is_newest(search) => {}
                Err(error) => return self.fail(&error),
            }
        }
    }

    /// Makes the request. Nothing: it was given up before it was made.
    async fn ask(self, search: Number) -> Result<Option<MatchTicket>, ApiError> {
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

    /// Asks again and again what is new, until there is a seat or the person has given up.
    async fn follow(
        self,
        search: Number,
        ticket: String,
        mut version: u64,
    ) -> Result<(), ApiError> {
        self.ticket.set_value(Some(ticket.clone()));
        let mut backoff = wake::backoff();
        while !matches!(self.search.get_untracked(), Search::Matched(_)) {
            storage::set(storage::MATCH, &format!("{WAITING} {ticket}"));
            self.link.set(Link::Waiting);
            let path = format!("/api/matchmaking/{ticket}?after={version}&wait={WAIT_S}");
            let answer = hold::<MatchTicket>(&path, WAIT_S).await;
            if !self.is_newest(search) {
                return Ok(());
            }
            match answer {
                Ok(news) => {
                    backoff.reset();
                    if let Some(news) = news {
                        version = news.version;
                        self.show(news.state);
                    }
                }
                Err(error) if error.may_pass() => {
                    let say = |link| {
                        if self.is_newest(search) {
                            self.link.set(link);
                        }
                    };
                    wake::wait_to_retry(&mut backoff, error.retry_after_s(), say).await;
                    if !self.is_newest(search) {
                        return Ok(());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        self.link.set(Link::Complete);
        Ok(())
    }

    /// A new search, or the end of one: whatever ran before is of the past.
    fn next(self) -> Number {
        self.newest
            .try_update_value(|number| {
                *number = number.wrapping_add(1);
                *number
            })
            .unwrap_or_default()
    }

    fn is_newest(self, search: Number) -> bool {
        self.newest.with_value(|newest| *newest == search)
    }

    fn show(self, state: MatchState) {
        let now_ms = js_sys::Date::now();
        self.search.set(match state {
            MatchState::Waiting { waited_s, window, in_queue, bots_in_s } => Search::Waiting {
                since_ms: shifted(now_ms, -f64::from(waited_s)),
                window,
                in_queue,
                bots_at_ms: shifted(now_ms, f64::from(bots_in_s)),
            },
            MatchState::Matched { room } => {
                storage::set(storage::MATCH, &format!("{MATCHED} {room}"));
                Search::Matched(room)
            }
        });
    }

    fn fail(self, error: &ApiError) {
        self.forget(Search::Failed(error.to_string()));
    }

    fn forget(self, search: Search) {
        storage::remove(storage::MATCH);
        self.ticket.set_value(None);
        self.link.set(Link::Idle);
        self.search.set(search);
    }
}

/// Ends a request. When the server has forgotten it already, that is as well.
async fn give_back(ticket: String) {
    delete(&format!("/api/matchmaking/{ticket}")).await.ok();
}

/// The server knows the request no longer.
fn is_over(error: &ApiError) -> bool {
    matches!(error.kind(), Some(ProblemKind::Gone | ProblemKind::NotFound))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds since 1970 are positive and fit"
)]
fn shifted(now_ms: f64, seconds: f64) -> u64 {
    (now_ms + seconds * 1_000.0) as u64
}
