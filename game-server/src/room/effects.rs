//! What a room's game wants done, and how it is done outside of the game: broadcasts, recordings, the ladder, the
//! room's view.

use std::sync::Arc;

use shared::id::RoomId;
use shared::replay::ReplayWriter;
use tokio::sync::watch;

use super::broadcast::BroadcastLog;
use super::game::Game;
use super::game::actions::{Action, RoundStart};
use super::network::Network;
use super::parts::RoomParts;
use super::readers::Readers;
use super::seat_reports::SeatReports;
use super::settings::RoomSpec;
use super::settlement::Settlement;
use super::view::{RoomView, ViewPublisher};
use crate::clock::Now;
use crate::ladder::{LadderHandle, RoundResult};
use crate::metrics::Counter;
use crate::recordings::{Ending, Progress, RecordingBuffer, Recordings};
use crate::storage::PlaceRecord;

/// Everything that a game's actions change, but for the connections.
pub(super) struct Effects {
    room: RoomId,
    ladder: LadderHandle,
    recordings: Recordings,
    rounds_counted: Counter,
    pub(super) log: BroadcastLog,
    /// The recording of the round that runs, or that has no result yet.
    recording: Option<Recording>,
    /// `None` unless the ladder has yet to settle a round.
    settlement: Option<Settlement>,
    seat_reports: SeatReports,
    view: ViewPublisher,
}

struct Recording {
    buffer: RecordingBuffer,
    progress: watch::Receiver<Progress>,
}

impl Effects {
    pub(super) fn new(
        spec: RoomSpec,
        parts: &RoomParts,
        log: BroadcastLog,
        readers: Readers,
    ) -> (Self, watch::Receiver<Arc<RoomView>>) {
        let (publisher, view) = ViewPublisher::new(spec, parts.bus.clone(), readers);
        let effects = Self {
            room: spec.id,
            ladder: parts.ladder.clone(),
            recordings: parts.recordings.clone(),
            rounds_counted: parts.metrics.rounds.clone(),
            log,
            recording: None,
            settlement: None,
            seat_reports: SeatReports::new(spec, parts.ladder.clone(), parts.metrics.clone()),
            view: publisher,
        };
        (effects, view)
    }

    /// Does what the game wants done.
    pub(super) fn perform(
        &mut self,
        actions: Vec<Action>,
        game: &Game,
        network: &mut Network,
        now: Now,
    ) {
        let (mut seats_changed, mut publishes) = (false, false);
        for action in actions {
            match action {
                Action::BeginRound(start) => {
                    self.begin_round(&start, game);
                    network.restart_interest();
                }
                Action::Roster { changes, whole, elapsed } => {
                    self.log.push_roster(&changes, &whole);
                    self.record(&changes, elapsed);
                }
                Action::Delta { record, relayed, elapsed } => {
                    self.log.push_delta(&record, &relayed);
                    self.record(&record, elapsed);
                }
                Action::Keyframe { record, elapsed } => {
                    self.log.set_keyframe(&record);
                    self.record(&record, elapsed);
                }
                Action::Events { tick, events } => {
                    if let Some(recording) = &self.recording {
                        recording.buffer.events(tick, &events);
                    }
                }
                Action::EndRound { record } => self.log.end_round(&record),
                Action::EndRecording(ending) => self.end_recording(ending),
                Action::Message(message) => self.log.push_message(&message),
                Action::Close(connection, closing) => {
                    network.close(connection, closing, &self.log, now.at);
                }
                Action::Report(report) => self.ladder.report(report),
                Action::Settle(result) => self.settle(result, game),
                Action::SeatsChanged => seats_changed = true,
                Action::Publish => publishes = true,
            }
        }
        if seats_changed {
            self.seat_reports.update(game.seats());
        }
        if seats_changed || publishes {
            self.publish(game, now);
        }
    }

    /// Publishes the room's view, now.
    pub(super) fn publish(&mut self, game: &Game, now: Now) {
        let progress = self.recording.as_ref().map(|recording| recording.progress.clone());
        self.view.publish(game, progress, now);
    }

    /// Publishes the room's view, a few times a second.
    pub(super) fn publish_if_due(&mut self, game: &Game, now: Now) {
        if self.view.is_due(now) {
            self.publish(game, now);
        }
    }

    /// Gives the game the result of its last round, when the ladder has settled it.
    pub(super) fn poll_settlement(&mut self, game: &mut Game, now: Now) -> Vec<Action> {
        let Some(settlement) = self.settlement.take() else { return Vec::new() };
        match settlement.poll(&self.ladder) {
            Ok(records) => self.settled(game, records.as_deref(), now),
            Err(pending) => {
                self.settlement = Some(pending);
                Vec::new()
            }
        }
    }

    /// The same for a room that closes, which waits for the result.
    pub(super) async fn await_settlement(&mut self, game: &mut Game) -> Vec<Action> {
        let Some(settlement) = self.settlement.take() else { return Vec::new() };
        let records = settlement.wait(&self.ladder).await;
        self.settled(game, records.as_deref(), Now::read())
    }

    fn begin_round(&mut self, start: &RoundStart, game: &Game) {
        let mut preamble = Vec::new();
        self.recording = start.recorded.as_ref().map(|header| {
            preamble = ReplayWriter::new(header).1;
            let (buffer, progress) = self.recordings.begin(header);
            buffer.record(&start.roster, 0);
            buffer.record(&start.keyframe, 0);
            let (people, bots) = (game.seats().people(), game.seats().bots());
            tracing::info!(room = %self.room, round = game.rounds(), people, bots, "round begins");
            Recording { buffer, progress }
        });
        self.log.begin_round(preamble, &start.roster, &start.keyframe);
    }
    fn record(&self, record: &[u8], elapsed: u32) {
        if let Some(recording) = &self.recording {
            recording.buffer.record(record, elapsed);
        }
    }

    fn end_recording(&mut self, ending: Ending) {
        if let Some(recording) = self.recording.take() {
            recording.buffer.end(ending);
        }
    }

    fn settle(&mut self, result: RoundResult, game: &Game) {
        let winner = result.standings.first();
        tracing::info!(
            room = %self.room,
            round = game.rounds(),
            winner = winner.map(|standing| standing.player.name.as_str()),
            points = winner.map(|standing| standing.points),
            players = result.standings.len(),
            "round finished"
        );
        self.rounds_counted.add(1);
        self.settlement = Some(Settlement::begin(result, &self.ladder));
    }

    fn settled(&self, game: &mut Game, records: Option<&[PlaceRecord]>, now: Now) -> Vec<Action> {
        if records.is_none() {
            tracing::warn!(room = %self.room, "a round ended without a result");
        }
        game.settled(records, now)
    }
}
