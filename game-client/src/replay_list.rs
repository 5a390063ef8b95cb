//! The recordings of the server: the list, and the one that is downloaded while it is watched.
//!
//! The list is requested when a person opens it, pages on or refreshes it, never by itself. Nothing here draws.

use std::time::Instant;

use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Local, Message, MessageReader, NextState, Plugin, Res,
    ResMut, Resource, Update,
};
use shared::api::ReplaySummary;
use shared::id::ReplayId;
use shared::sim::Mode;

use crate::frame::Phase;
use crate::lobby::{Lobby, Screen};
use crate::net::{
    DownloadId, DownloadPart, Net, ReplayEvent, ReplayListing, ReplayPage, ReplayRequest,
    ServerTime, UserError,
};
use crate::replay::{Arrival, Recording};
use crate::settings::Settings;

/// Recordings kept in the list. When full, no older ones can be requested.
const ENTRIES_MAX: usize = 400;

/// What a person asks of the list.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub enum ReplayIntent {
    /// Show the list. Written in every frame that shows it.
    Show,
    /// Request the list again.
    Refresh,
    /// Request the next page, with older recordings.
    Older,
    /// Show only rounds of this mode. `None`: of all modes.
    FilterMode(Option<Mode>),
    /// Whether to show only rounds that the player took part in.
    FilterOwn(bool),
    /// Download a recording, and watch it meanwhile.
    Play(Box<ReplaySummary>),
}

/// The list of recordings.
#[derive(Debug, Resource, Default)]
pub struct Replays {
    /// The recordings, the newest first. `None` before the first answer.
    pub found: Option<Vec<ReplaySummary>>,
    /// Why the last request failed. `None` when it did not.
    pub error: Option<UserError>,
    /// Whether a request is under way.
    pub is_loading: bool,
    /// Where the next page begins. `None` when there is none.
    pub next: Option<ReplayId>,
    /// The mode that is shown. `None`: all modes.
    pub mode: Option<Mode>,
    /// Whether only rounds that the player took part in are shown.
    pub own: bool,
    /// Recordings of a kind that this build does not know.
    pub not_understood: usize,
    /// The server's clock, as it told it last.
    time: Option<ServerTime>,
    /// The page that was requested. Answers for other pages are ignored.
    requested: ReplayPage,
    /// Whether the list was shown in the last frame.
    is_open: bool,
    downloads: u32,
}

impl Replays {
    /// The server's clock now, in milliseconds since 1970. `None` when the server does not tell.
    #[must_use]
    pub fn server_now_ms(&self, now: Instant) -> Option<u64> {
        self.time.map(|time| time.ms_at(now))
    }

    /// Requests the list from its beginning.
    fn reload(&mut self, net: &Net, lobby: &Lobby, server: &str) {
        let player = lobby.session().map(|session| session.player).filter(|_| self.own);
        (self.found, self.next, self.not_understood) = (None, None, 0);
        self.request(net, server, ReplayPage { before: None, mode: self.mode, player });
    }

    fn request(&mut self, net: &Net, server: &str, page: ReplayPage) {
        (self.requested, self.is_loading, self.error) = (page, true, None);
        let server = server.to_owned();
        net.request(ReplayRequest::List { server, page });
    }

    fn receive(&mut self, page: ReplayPage, answer: &Result<ReplayListing, UserError>) {
        if page != self.requested {
            return;
        }
        self.is_loading = false;
        match answer {
            Ok(ReplayListing { list, not_understood, time }) => {
                self.not_understood += not_understood;
                self.time = time.or(self.time);
                let found = self.found.get_or_insert_default();
                found.extend(list.replays.iter().cloned());
                self.next = list.next.filter(|_| found.len() < ENTRIES_MAX);
            }
            Err(error) => self.error = Some(error.clone()),
        }
    }
}

/// Keeps the list, and passes a download on to the recording that is watched.
#[derive(Debug)]
pub struct ReplayListPlugin;

impl Plugin for ReplayListPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Replays>()
            .add_message::<ReplayIntent>()
            .add_systems(Update, (receive, apply, stop).chain().in_set(Phase::Receive));
    }
}

fn receive(
    mut events: MessageReader<ReplayEvent>,
    mut replays: ResMut<Replays>,
    mut recording: Option<ResMut<Recording>>,
) {
    for event in events.read() {
        match event {
            ReplayEvent::Listed(page, answer) => replays.receive(*page, answer),
            ReplayEvent::Download { id, part } => {
                let recording = recording.as_deref_mut();
                if let Some(recording) = recording.filter(|one| one.download() == Some(*id)) {
                    feed(recording, part);
                }
            }
        }
    }
}

fn feed(recording: &mut Recording, part: &DownloadPart) {
    match part {
        DownloadPart::Bytes { from, bytes } => recording.receive(*from, bytes),
        DownloadPart::Interrupted { error, retry_at } => {
            let (error, retry_at) = (error.text.clone(), *retry_at);
            recording.set_arrival(Arrival::Interrupted { error, retry_at });
        }
        DownloadPart::Ended(None) => recording.set_arrival(Arrival::Complete),
        DownloadPart::Ended(Some(error)) => {
            recording.set_arrival(Arrival::Failed { error: error.text.clone() });
        }
    }
}

fn apply(
    mut intents: MessageReader<ReplayIntent>,
    mut replays: ResMut<Replays>,
    lobby: Res<Lobby>,
    settings: Res<Settings>,
    net: Res<Net>,
    mut next: ResMut<NextState<Screen>>,
    mut commands: Commands,
) {
    let server = settings.server.as_str();
    let was_open = core::mem::take(&mut replays.is_open);
    for intent in intents.read() {
        match intent {
            ReplayIntent::Show => {
                let was_shown = was_open || replays.is_open;
                replays.is_open = true;
                if !was_shown {
                    replays.reload(&net, &lobby, server);
                }
            }
            ReplayIntent::Refresh => replays.reload(&net, &lobby, server),
            ReplayIntent::Older => {
                if replays.next.is_some() && !replays.is_loading {
                    let page = ReplayPage { before: replays.next, ..replays.requested };
                    replays.request(&net, server, page);
                }
            }
            ReplayIntent::FilterMode(mode) => {
                replays.mode = *mode;
                replays.reload(&net, &lobby, server);
            }
            ReplayIntent::FilterOwn(own) => {
                replays.own = *own;
                replays.reload(&net, &lobby, server);
            }
            ReplayIntent::Play(summary) => {
                replays.downloads += 1;
                let id = DownloadId(replays.downloads);
                let (server, replay) = (server.to_owned(), summary.id);
                net.request(ReplayRequest::Download { server, replay, id });
                commands.insert_resource(Recording::downloading(summary, id));
                next.set(Screen::Replay);
            }
        }
    }
}

/// Ends the download when the recording is closed.
fn stop(recording: Option<Res<Recording>>, net: Res<Net>, mut was_arriving: Local<bool>) {
    let is_arriving = recording.is_some_and(|recording| recording.is_arriving());
    if *was_arriving && !is_arriving {
        net.request(ReplayRequest::Stop);
    }
    *was_arriving = is_arriving;
}

#[cfg(test)]
mod tests {
    use shared::api::{ReplayList, ReplaySummary};
    use shared::id::{ReplayId, RoomId};
    use shared::sim::Mode;

    use std::time::{Duration, Instant};

    use super::{ReplayListing, Replays, ServerTime};
    use crate::net::ReplayPage;

    fn page(ids: &[u64], next: Option<u64>) -> ReplayListing {
        let summary = |id: &u64| ReplaySummary {
            id: ReplayId::from_bits(*id),
            room: RoomId::from_bits(1),
            mode: Mode::Duel,
            started_at_ms: 0,
            ticks: 600,
            bytes: 1,
            complete: true,
            players: Vec::new(),
        };
        let replays = ids.iter().map(summary).collect();
        let list = ReplayList { replays, next: next.map(ReplayId::from_bits) };
        ReplayListing { list, not_understood: 1, time: None }
    }

    #[test]
    fn pages_follow_each_other_and_late_answers_are_ignored() {
        let mut replays = Replays::default();
        let first = ReplayPage::default();
        let second = ReplayPage { before: Some(ReplayId::from_bits(8)), ..first };

        replays.receive(first, &Ok(page(&[9, 8], Some(8))));
        assert_eq!(replays.next, Some(ReplayId::from_bits(8)));
        replays.requested = second;
        replays.receive(first, &Ok(page(&[9, 8], Some(8))));
        replays.receive(second, &Ok(page(&[7], None)));

        let found = replays.found.as_deref().unwrap_or_default();
        let ids: Vec<u64> = found.iter().map(|replay| replay.id.bits()).collect();
        assert_eq!(ids, [9, 8, 7]);
        assert_eq!(replays.next, None);
    }

    #[test]
    fn ages_come_from_the_servers_clock() {
        let (mut replays, at) = (Replays::default(), Instant::now());
        assert_eq!(replays.server_now_ms(at), None);

        let told = ReplayListing { time: Some(ServerTime { ms: 5_000, at }), ..page(&[9], None) };
        replays.receive(ReplayPage::default(), &Ok(told));

        assert_eq!(replays.server_now_ms(at + Duration::from_secs(2)), Some(7_000));
        assert_eq!(replays.not_understood, 1);
    }
}
