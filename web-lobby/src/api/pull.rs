//! HTTP pull: data that is requested once, and again when the visitor presses refresh.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use shared::api::{ReplayList, ReplaySummary};
use shared::id::{PlayerId, ReplayId};
use shared::sim::Mode;

use super::clock::{now_ms, time_of_day};
use super::transport::Status;
use super::{ApiError, get, get_list};

/// Data from one path. The last answer stays while the next one is on its way.
pub(crate) struct Pull<T: Send + Sync + 'static> {
    /// The newest answer.
    pub(crate) data: RwSignal<Option<T>>,
    /// Why the last request failed.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// The state of the newest request.
    pub(crate) status: RwSignal<Status>,
    path: Signal<String>,
    /// The number of the newest request. Answers to older ones are dropped.
    newest_request: StoredValue<u32>,
}

impl<T: Send + Sync + 'static> Clone for Pull<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Pull<T> {}

impl<T: DeserializeOwned + Send + Sync + 'static> Pull<T> {
    /// Requests the data now, and again whenever the path changes.
    pub(crate) fn new(path: impl Into<Signal<String>>) -> Self {
        let pull = Self {
            data: RwSignal::new(None),
            error: RwSignal::new(None),
            status: RwSignal::new(Status::Connecting),
            path: path.into(),
            newest_request: StoredValue::new(0),
        };
        Effect::new(move || {
            pull.path.track();
            pull.data.set(None);
            pull.refresh();
        });
        pull
    }

    /// Requests the data again.
    pub(crate) fn refresh(self) {
        let path = self.path.get_untracked();
        let number = self.newest_request.get_value() + 1;
        self.newest_request.set_value(number);
        self.status.set(Status::Connecting);
        spawn_local(async move {
            let answer = get::<T>(&path).await;
            // The page may be gone, or may have made another request.
            if self.newest_request.try_get_value() == Some(number) {
                self.status.set(status_after(&answer));
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
    /// The replays so far, the newest first. `None` before the first answer.
    pub(crate) found: RwSignal<Option<Vec<ReplaySummary>>>,
    /// Whether there are older ones.
    pub(crate) has_older: Signal<bool>,
    /// Why the last request failed.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// The state of the newest request.
    pub(crate) status: RwSignal<Status>,
    next: RwSignal<Option<ReplayId>>,
    filter: Signal<ReplayFilter>,
    newest_request: StoredValue<u32>,
}

/// Which replays to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ReplayFilter {
    /// Only this mode.
    pub(crate) mode: Option<Mode>,
    /// Only with this player.
    pub(crate) player: Option<PlayerId>,
    /// How many for each request.
    pub(crate) limit: u32,
}

impl Replays {
    /// Requests the list now, and again whenever the filter changes.
    pub(crate) fn new(filter: impl Into<Signal<ReplayFilter>>) -> Self {
        let next = RwSignal::new(None);
        let replays = Self {
            found: RwSignal::new(None),
            has_older: Signal::derive(move || next.get().is_some()),
            error: RwSignal::new(None),
            status: RwSignal::new(Status::Connecting),
            next,
            filter: filter.into(),
            newest_request: StoredValue::new(0),
        };
        Effect::new(move || {
            replays.filter.track();
            replays.found.set(None);
            replays.refresh();
        });
        replays
    }

    /// Requests the newest replays again.
    pub(crate) fn refresh(self) {
        self.request(None);
    }

    /// Requests older replays.
    pub(crate) fn load_older(self) {
        if let Some(before) = self.next.get_untracked() {
            self.request(Some(before));
        }
    }

    fn request(self, before: Option<ReplayId>) {
        let path = path(self.filter.get_untracked(), before);
        let number = self.newest_request.get_value() + 1;
        self.newest_request.set_value(number);
        self.status.set(Status::Connecting);
        spawn_local(async move {
            let answer = get_list::<ReplayList, ReplaySummary>(&path, "replays").await;
            if self.newest_request.try_get_value() != Some(number) {
                return;
            }
            self.status.set(status_after(&answer));
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

fn status_after<T>(answer: &Result<T, ApiError>) -> Status {
    match answer {
        Ok(_) => Status::Fetched(time_of_day(now_ms())),
        Err(error) => Status::Stopped(error.to_string()),
    }
}
