//! The recordings of the server: the list as it was last asked for, and the one that is fetched to be seen.
//!
//! It is asked for when a person opens it or says so, never by itself. No drawing here.

use bevy::prelude::{
    App, Commands, IntoScheduleConfigs as _, Message, MessageReader, NextState, Plugin, Res,
    ResMut, Resource, Update,
};
use shared::api::{ReplayList, ReplaySummary};
use shared::id::ReplayId;
use shared::sim::Mode;

use crate::lobby::{Lobby, Screen};
use crate::net::{
    Net, ReplayPage, ReplayPart, ReplayReport, ReplayRequest, Report, Request, Trouble,
};
use crate::replay::{Arrival, Recording};
use crate::scene::Phase;
use crate::settings::Settings;

/// Recordings kept in the list. When full, there are no older ones to be asked for.
const ENTRIES_MAX: usize = 400;

/// What a person wants of the recordings.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
pub enum ReplayWish {
    /// See the list, as long as it is said again.
    See,
    /// Ask for it again.
    Refresh,
    /// What is older than the end of the list.
    Older,
    /// Only rounds of these rules. Nothing: of all.
    OfMode(Option<Mode>),
    /// Only rounds that one played.
    Own(bool),
    /// Fetch one, and watch it meanwhile.
    Play(Box<ReplaySummary>),
}

/// The list, as far as it is known.
#[derive(Debug, Resource, Default)]
pub struct Replays {
    /// The newest first. Nothing: not known yet.
    pub found: Option<Vec<ReplaySummary>>,
    /// Why the last answer was none.
    pub trouble: Option<Trouble>,
    /// The server is being asked.
    pub is_asking: bool,
    /// There are older ones.
    pub next: Option<ReplayId>,
    /// Only rounds of these rules.
    pub mode: Option<Mode>,
    /// Only rounds that one played.
    pub own: bool,
    /// The page that is due. An answer to another question is left aside.
    asked: ReplayPage,
    /// It was looked at in the last frame.
    is_open: bool,
    readings: u32,
}

impl Replays {
    /// Begins the list anew.
    fn begin(&mut self, net: &Net, lobby: &Lobby, server: &str) {
        let player = lobby.session().map(|session| session.player).filter(|_| self.own);
        (self.found, self.next) = (None, None);
        self.ask(net, server, ReplayPage { before: None, mode: self.mode, player });
    }

    fn ask(&mut self, net: &Net, server: &str, page: ReplayPage) {
        (self.asked, self.is_asking, self.trouble) = (page, true, None);
        let server = server.to_owned();
        net.ask(Request::Replays(ReplayRequest::List { server, page }));
    }

    fn take(&mut self, page: ReplayPage, answer: &Result<ReplayList, Trouble>) {
        if page != self.asked {
            return;
        }
        self.is_asking = false;
        match answer {
            Ok(list) => {
                let found = self.found.get_or_insert_default();
                found.extend(list.replays.iter().cloned());
                self.next = list.next.filter(|_| found.len() < ENTRIES_MAX);
            }
            Err(trouble) => self.trouble = Some(trouble.clone()),
        }
    }
}

/// Keeps the list, and feeds the recording that is watched while it arrives.
#[derive(Debug)]
pub struct ReplayListPlugin;

impl Plugin for ReplayListPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Replays>()
            .add_message::<ReplayWish>()
            .add_systems(Update, (hear, grant, stop).chain().in_set(Phase::Listen));
    }
}

fn hear(
    mut reports: MessageReader<Report>,
    mut replays: ResMut<Replays>,
    mut recording: Option<ResMut<Recording>>,
) {
    for report in reports.read() {
        let Report::Replays(report) = report else { continue };
        match report {
            ReplayReport::Listed(page, answer) => replays.take(*page, answer),
            ReplayReport::Of { reading, part } => {
                let recording = recording.as_deref_mut();
                if let Some(recording) = recording.filter(|of| of.reading() == Some(*reading)) {
                    feed(recording, part);
                }
            }
        }
    }
}

fn feed(recording: &mut Recording, part: &ReplayPart) {
    match part {
        ReplayPart::Bytes { from, bytes } => recording.take(*from, bytes),
        ReplayPart::Interrupted { why, retry_at } => {
            let (why, retry_at) = (why.text.clone(), *retry_at);
            recording.note(Arrival::Interrupted { why, retry_at });
        }
        ReplayPart::Ended(None) => recording.note(Arrival::Whole),
        ReplayPart::Ended(Some(why)) => recording.note(Arrival::Failed { why: why.text.clone() }),
    }
}

fn grant(
    mut wishes: MessageReader<ReplayWish>,
    mut replays: ResMut<Replays>,
    lobby: Res<Lobby>,
    settings: Res<Settings>,
    net: Res<Net>,
    mut next: ResMut<NextState<Screen>>,
    mut commands: Commands,
) {
    let server = settings.server.as_str();
    let was_open = core::mem::take(&mut replays.is_open);
    for wish in wishes.read() {
        match wish {
            ReplayWish::See => {
                let is_known = was_open || replays.is_open;
                replays.is_open = true;
                if !is_known {
                    replays.begin(&net, &lobby, server);
                }
            }
            ReplayWish::Refresh => replays.begin(&net, &lobby, server),
            ReplayWish::Older => {
                if replays.next.is_some() && !replays.is_asking {
                    let page = ReplayPage { before: replays.next, ..replays.asked };
                    replays.ask(&net, server, page);
                }
            }
            ReplayWish::OfMode(mode) => {
                replays.mode = *mode;
                replays.begin(&net, &lobby, server);
            }
            ReplayWish::Own(own) => {
                replays.own = *own;
                replays.begin(&net, &lobby, server);
            }
            ReplayWish::Play(summary) => {
                replays.readings += 1;
                let reading = replays.readings;
                let (server, replay) = (server.to_owned(), summary.id);
                let request = ReplayRequest::Read { server, replay, reading };
                net.ask(Request::Replays(request));
                commands.insert_resource(Recording::arriving(summary, reading));
                next.set(Screen::Replay);
            }
        }
    }
}

/// A recording that nobody watches any more is read no further.
fn stop(
    recording: Option<Res<Recording>>,
    net: Res<Net>,
    mut was_arriving: bevy::prelude::Local<bool>,
) {
    let is_arriving = recording.is_some_and(|recording| recording.is_arriving());
    if *was_arriving && !is_arriving {
        net.ask(Request::Replays(ReplayRequest::Stop));
    }
    *was_arriving = is_arriving;
}

#[cfg(test)]
mod tests {
    use shared::api::{ReplayList, ReplaySummary};
    use shared::id::{ReplayId, RoomId};
    use shared::sim::Mode;

    use super::Replays;
    use crate::net::ReplayPage;

    fn page(ids: &[u64], next: Option<u64>) -> ReplayList {
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
        ReplayList { replays, next: next.map(ReplayId::from_bits) }
    }

    #[test]
    fn pages_follow_each_other_and_late_answers_are_left_aside() {
        let mut replays = Replays::default();
        let first = ReplayPage::default();
        let second = ReplayPage { before: Some(ReplayId::from_bits(8)), ..first };

        replays.take(first, &Ok(page(&[9, 8], Some(8))));
        assert_eq!(replays.next, Some(ReplayId::from_bits(8)));
        replays.asked = second;
        replays.take(first, &Ok(page(&[9, 8], Some(8))));
        replays.take(second, &Ok(page(&[7], None)));

        let found = replays.found.as_deref().unwrap_or_default();
        let ids: Vec<u64> = found.iter().map(|replay| replay.id.bits()).collect();
        assert_eq!(ids, [9, 8, 7]);
        assert_eq!(replays.next, None);
    }
}
