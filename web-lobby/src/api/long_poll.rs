//! Quick play: a request for a match, followed by long-polling until there is a seat.
//!
//! The request survives any cut, and a reload of the tab: its ticket is kept. Cancelling is a `DELETE`.

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::api::{MatchRequest, MatchState, MatchTicket, ProblemKind};
use shared::id::RoomId;
use shared::sim::Mode;

use super::link::{Backoff, Link};
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
    /// The ticket that is followed; a loop with another one ends.
    ticket: StoredValue<Option<String>>,
}

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
        spawn_local(async move {
            if self.identity.needed().await.is_some() {
                self.link.set(Link::Connecting);
                self.search.set(Search::Asking);
                self.seek().await;
            }
        });
    }

    /// Gives up, or puts a result away.
    pub(crate) fn cancel(self) {
        let ticket = self.ticket.try_update_value(Option::take).flatten();
        let was_matched = matches!(self.search.get_untracked(), Search::Matched(_));
        self.forget(Search::Off);
        if let Some(ticket) = ticket.filter(|_| !was_matched) {
            // When the server has forgotten it already, that is as well.
            spawn_local(async move {
                delete(&format!("/api/matchmaking/{ticket}")).await.ok();
            });
        }
    }

    /// Goes on with a request that was made before a reload. One that ended since is forgotten.
    fn resume(self, ticket: String) {
        self.search.set(Search::Asking);
        spawn_local(async move {
            self.identity.known().await;
            match self.follow(ticket, 0).await {
                Ok(()) => {}
                Err(error) if is_over(&error) => self.forget(Search::Off),
                Err(error) => self.fail(&error),
            }
        });
    }

    /// Asks for a match until there is one. A server that restarted has forgotten the request: it is made again.
    async fn seek(self) {
        loop {
            let followed = match self.ask().await {
                Ok(ticket) => {
                    let (name, version) = (ticket.ticket.clone(), ticket.version);
                    self.ticket.set_value(Some(name.clone()));
                    self.show(ticket.state);
                    self.follow(name, version).await
                }
                Err(error) => Err(error),
            };
            match followed {
                Ok(()) => return,
                Err(error) if is_over(&error) => {}
                Err(error) => return self.fail(&error),
            }
        }
    }

    async fn ask(self) -> Result<MatchTicket, ApiError> {
        let request = MatchRequest { mode: self.mode.get_untracked() };
        match post("/api/matchmaking", &request).await {
            Err(error) if error.kind() == Some(ProblemKind::SignIn) => {
                self.identity.renew().await?;
                post("/api/matchmaking", &request).await
            }
            answer => answer,
        }
    }

    /// Asks again and again what is new, until there is a seat or the person has given up.
    async fn follow(self, ticket: String, mut version: u64) -> Result<(), ApiError> {
        storage::set(storage::MATCH, &format!("{WAITING} {ticket}"));
        self.ticket.set_value(Some(ticket.clone()));
        let mut backoff = Backoff::default();
        while self.follows(&ticket) && !matches!(self.search.get_untracked(), Search::Matched(_)) {
            self.link.set(Link::Waiting);
            let path = format!("/api/matchmaking/{ticket}?after={version}&wait={WAIT_S}");
            let answer = hold::<MatchTicket>(&path, WAIT_S).await;
            if !self.follows(&ticket) {
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
                        if self.follows(&ticket) {
                            self.link.set(link);
                        }
                    };
                    wake::wait_to_retry(&mut backoff, error.retry_after_s(), say).await;
                }
                Err(error) => return Err(error),
            }
        }
        self.link.set(Link::Complete);
        Ok(())
    }

    fn follows(self, ticket: &str) -> bool {
        self.ticket.with_value(|followed| followed.as_deref() == Some(ticket))
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
