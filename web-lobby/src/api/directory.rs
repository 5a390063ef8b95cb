//! HTTP pull: lists and pages that are asked for once, and again when somebody presses refresh.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use shared::api::{CreateRoom, ReplayList, ReplaySummary, RoomDetails};
use shared::id::{PlayerId, ReplayId};
use shared::sim::{BotStrength, Mode};

use super::clock::{now_ms, time_of_day};
use super::link::Link;
use super::session::Identity;
use super::{ApiError, get, post};

/// Data from one address. The last answer stays while the next one is on its way.
pub(crate) struct Pull<T: Send + Sync + 'static> {
    /// The newest answer.
    pub(crate) data: RwSignal<Option<T>>,
    /// Why the last question has none.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// When it was asked.
    pub(crate) link: RwSignal<Link>,
    path: Signal<String>,
    /// Answers to older questions are dropped.
    asked: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Pull<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Pull<T> {}

impl<T: DeserializeOwned + Send + Sync + 'static> Pull<T> {
    /// Asks now, and again whenever the address changes.
    pub(crate) fn new(path: impl Into<Signal<String>>) -> Self {
        let pull = Self {
            data: RwSignal::new(None),
            error: RwSignal::new(None),
            link: RwSignal::new(Link::Connecting),
            path: path.into(),
            asked: StoredValue::new(0),
        };
        Effect::new(move || {
            pull.path.track();
            pull.data.set(None);
            pull.refresh();
        });
        pull
    }

    /// Asks again.
    pub(crate) fn refresh(self) {
        let path = self.path.get_untracked();
        let number = self.asked.get_value() + 1;
        self.asked.set_value(number);
        self.link.set(Link::Connecting);
        spawn_local(async move {
            let answer = get::<T>(&path).await;
            // The page may be gone, or have asked for something else.
            if self.asked.try_get_value() == Some(number) {
                self.link.set(link_after(&answer));
                self.error.set(answer.as_ref().err().cloned());
                if let Ok(data) = answer {
                    self.data.set(Some(data));
                }
            }
        });
    }
}

/// Recorded rounds, page after page.
#[derive(Clone, Copy)]
pub struct Replays {
    /// Those that came so far, the newest first. Nothing before the first answer.
    pub(crate) found: RwSignal<Option<Vec<ReplaySummary>>>,
    /// Whether there are older ones.
    pub(crate) more: Signal<bool>,
    /// Why the last question has no answer.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// When it was asked.
    pub(crate) link: RwSignal<Link>,
    next: RwSignal<Option<ReplayId>>,
    filter: Signal<ReplayFilter>,
    asked: StoredValue<u32>,
}

/// Which replays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReplayFilter {
    /// Only this mode.
    pub(crate) mode: Option<Mode>,
    /// Only where this player took part.
    pub(crate) player: Option<PlayerId>,
    /// How many at once.
    pub(crate) limit: u32,
}

impl Replays {
    /// Asks now, and again whenever the filter changes.
    pub(crate) fn new(filter: impl Into<Signal<ReplayFilter>>) -> Self {
        let next = RwSignal::new(None);
        let replays = Self {
            found: RwSignal::new(None),
            more: Signal::derive(move || next.get().is_some()),
            error: RwSignal::new(None),
            link: RwSignal::new(Link::Connecting),
            next,
            filter: filter.into(),
            asked: StoredValue::new(0),
        };
        Effect::new(move || {
            replays.filter.track();
            replays.found.set(None);
            replays.refresh();
        });
        replays
    }

    /// Asks again for the newest.
    pub(crate) fn refresh(self) {
        self.ask(None);
    }

    /// Asks for older ones.
    pub(crate) fn older(self) {
        if let Some(before) = self.next.get_untracked() {
            self.ask(Some(before));
        }
    }

    fn ask(self, before: Option<ReplayId>) {
        let path = path(self.filter.get_untracked(), before);
        let number = self.asked.get_value() + 1;
        self.asked.set_value(number);
        self.link.set(Link::Connecting);
        spawn_local(async move {
            let answer = get::<ReplayList>(&path).await;
            if self.asked.try_get_value() != Some(number) {
                return;
            }
            self.link.set(link_after(&answer));
            self.error.set(answer.as_ref().err().cloned());
            let Ok(list) = answer else { return };
            self.next.set(list.next);
            self.found.update(|found| match found {
                Some(found) if before.is_some() => found.extend(list.replays),
                _ => *found = Some(list.replays),
            });
        });
    }
}

fn path(filter: ReplayFilter, before: Option<ReplayId>) -> String {
    let mut path = format!("/api/replays?limit={}", filter.limit);
    if let Some(mode) = filter.mode {
        path.push_str(&format!("&mode={}", mode.title().to_lowercase()));
    }
    if let Some(player) = filter.player {
        path.push_str(&format!("&player={player}"));
    }
    if let Some(before) = before {
        path.push_str(&format!("&before={before}"));
    }
    path
}

fn link_after<T>(answer: &Result<T, ApiError>) -> Link {
    match answer {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fits")]
        Ok(_) => Link::Fetched(time_of_day(now_ms() as u64)),
        Err(error) => Link::Stopped(error.to_string()),
    }
}

/// A private room on its way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Opening {
    /// Not asked for.
    #[default]
    Off,
    /// Asked for.
    Asking,
    /// Open.
    Open(Box<RoomDetails>),
    /// Refused; why.
    Failed(String),
}

/// Opens private rooms, for the whole page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrivateRoom {
    /// Where it stands.
    pub(crate) opening: RwSignal<Opening>,
    identity: Identity,
}

impl PrivateRoom {
    /// Sets it up.
    pub(crate) fn provide() {
        let opening = RwSignal::new(Opening::Off);
        provide_context(Self { opening, identity: Identity::expect() });
    }

    /// The one of the page.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// Opens a room; asks for a name first when there is none.
    pub(crate) fn open(self, mode: Mode, bots: Option<BotStrength>) {
        if self.opening.get_untracked() == Opening::Asking {
            return;
        }
        self.opening.set(Opening::Asking);
        spawn_local(async move {
            if self.identity.needed().await.is_none() {
                return self.close();
            }
            let wish = CreateRoom { mode, private: true, bots };
            self.opening.set(match post::<RoomDetails>("/api/rooms", &wish).await {
                Ok(room) => Opening::Open(Box::new(room)),
                Err(error) => Opening::Failed(error.to_string()),
            });
        });
    }

    /// Puts the result away. The room stays open.
    pub(crate) fn close(self) {
        self.opening.set(Opening::Off);
    }
}
