//! What a room's game wants done, and how it is done outside of the game: broadcasts, recordings, the ladder, the
//! room's view.

use std::sync::Arc;

use shared::id::RoomId;
use shared::replay::ReplayWriter;
use tokio::sync::{oneshot, watch};

use super::broadcast::BroadcastLog;
use super::game::Game;
use super::game::actions::{Action, RoundStart};
use super::network::Network;
use super::parts::RoomParts;
use super::readers::Readers;
use super::seat_reports::SeatReports;
use super::settings::RoomSpec;
use super::settlement::{Settled, Settlement};
use super::view::{RoomView, ViewPublisher};
use crate::clock::Now;
use crate::ladder::LadderHandle;
use crate::metrics::Counter;
use crate::recordings::{Ending, Finished, Progress, RecordingBuffer, Recordings};

/// Everything that a game's actions change, but for the connections.
pub(super) struct Effects {
    room: RoomId,
    ladder: LadderHandle,
    recordings: Recordings,
    rounds_counted: Counter,
    pub(super) log: BroadcastLog,
    /// The recording of the round that runs.
    recording: Option<Recording>,
    /// `None` unless a round has yet to be settled, and its players wait for that.
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
                Action::Score(score) => self.ladder.scored(score),
                Action::Settle(finished) => self.settle(finished, game, now),
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

    /// Gives the game the result of its last round, when the store has settled it or takes too long.
    pub(super) fn poll_settlement(&mut self, game: &mut Game, now: Now) -> Vec<Action> {
        let Some(settlement) = self.settlement.take() else { return Vec::new() };
        match settlement.poll(now.at) {
            Ok(Settled::Places(places)) => game.settled(Some(&places), now),
            Ok(Settled::Later) => {
                tracing::warn!(room = %self.room, "a result is told before it is settled");
                game.settled(None, now)
            }
            Err(pending) => {
                self.settlement = Some(pending);
                Vec::new()
            }
        }
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

    fn settle(&mut self, finished: Box<Finished>, game: &Game, now: Now) {
        let result = &finished.result;
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
        let (settled, answer) = oneshot::channel();
        self.end_recording(Ending::Finished(finished, settled));
        self.settlement = Some(Settlement::new(answer, now.at));
    }
}
