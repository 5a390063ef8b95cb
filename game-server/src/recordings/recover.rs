//! Recovery after a kill: part files become replays that play as far as they go, or are set aside. One that ends before
//! its first tick is removed.

use std::cmp::Reverse;
use std::io;
use std::panic::catch_unwind;

use shared::api::{ReplayPlayer, ReplaySummary};
use shared::id::ReplayId;
use shared::replay::ReplayReader;
use shared::snapshot::next_record;

use super::retention::Files;
use super::settlement::{STOP_RESERVE, retry};
use crate::blocking::blocking;
use crate::readiness::{Readiness, Unready};
use crate::storage::Rounds;
use crate::tasks::Tasks;

/// The bytes before the first record: magic and version.
const PREAMBLE_BYTES: usize = 10;

/// What is in a part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Salvaged {
    /// What can be played of it: whole records that follow each other, up to the `bytes` of the summary.
    Plays(ReplaySummary),
    /// A recording that ends before its first tick.
    Empty,
    /// Nothing that can be read.
    Damaged,
}

/// Recovers part files.
#[derive(Clone)]
pub(super) struct Recovery {
    tasks: Tasks,
    files: Files,
}

impl Recovery {
    pub(super) fn new(tasks: &Tasks, files: Files) -> Self {
        Self { tasks: tasks.clone(), files }
    }

    /// Looks for the parts that the last run left, before there are new ones, and begins to recover them beside what else
    /// the server does. An error with one is logged and does not stop the others.
    pub(super) async fn start(&self, readiness: &Readiness) {
        let parts = match self.files.blobs.parts().await {
            Ok(parts) if parts.is_empty() => return,
            Ok(parts) => parts,
            Err(error) => {
                tracing::error!(%error, "parts of recordings could not be looked for");
                return;
            }
        };
        tracing::info!(count = parts.len(), "recordings of the last run are being saved");
        readiness.add(Unready::Recovering);
        let (recovery, readiness) = (self.clone(), readiness.clone());
        self.tasks.spawn_vital("recovery", async move {
            let recovered = async {
                for id in parts {
                    recovery.recover_one(id).await;
                }
                readiness.remove(Unready::Recovering);
            };
            tokio::select! {
                () = recovered => {}
                // The next start goes on.
                () = recovery.tasks.stopping() => {}
            }
        });
    }

    /// Turns one part into a replay that plays as far as it goes. Removes one without a tick; sets aside what cannot be read.
    pub(super) async fn recover_one(&self, id: ReplayId) {
        let Files { rounds, blobs } = &self.files;
        match self.salvage(id).await {
            Ok(Salvaged::Plays(summary)) => {
                if let Err(error) = self.keep(id, summary, &**rounds).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(replay = %id, error, "a recording could not be saved");
                }
            }
            Ok(Salvaged::Empty) => match blobs.delete(id).await {
                Ok(()) => tracing::info!(replay = %id, "a recording without a tick was removed"),
                Err(error) => {
                    tracing::error!(replay = %id, %error, "a recording without a tick could not be removed");
                }
            },
            Ok(Salvaged::Damaged) => match blobs.set_aside(id).await {
                Ok(()) => {
                    tracing::warn!(replay = %id, "a recording cannot be read: set aside as .damaged");
                }
                Err(error) => {
                    tracing::error!(replay = %id, %error, "a recording could not be set aside");
                }
            },
            Err(error) => tracing::error!(replay = %id, %error, "a recording could not be read"),
        }
    }

    async fn salvage(&self, id: ReplayId) -> io::Result<Salvaged> {
        salvage_aside(&self.tasks, id, self.files.blobs.read_part(id).await?).await
    }

    /// Cuts the file to what plays, lists it, and gives it its final name.
    async fn keep(
        &self,
        id: ReplayId,
        mut summary: ReplaySummary,
        rounds: &dyn Rounds,
    ) -> io::Result<()> {
        let (complete, ticks, bytes) = (summary.complete, summary.ticks, summary.bytes);
        let blobs = &self.files.blobs;
        blobs.cut_part(id, bytes).await?;
        let putting = async {
            // A result that is kept already also lists the players who left early.
            if let Some(known) = retry(id, || rounds.replay(id)).await? {
                summary.players = known.players;
            }
            retry(id, || rounds.put_replay(summary.clone())).await
        };
        tokio::select! {
            put = putting => put.ok_or_else(|| io::Error::other("its entry cannot be kept"))?,
            () = self.tasks.stop_overdue(STOP_RESERVE) => {
                return Err(io::Error::other("the server stops before its entry could be kept"));
            }
        }
        blobs.finish_part(id).await?;
        tracing::info!(replay = %id, complete, ticks, "a recording was saved");
        Ok(())
    }
}

/// Looks at a part, beside what else the server does.
pub(super) async fn salvage_aside(
    tasks: &Tasks,
    id: ReplayId,
    bytes: Vec<u8>,
) -> io::Result<Salvaged> {
    let tasks = tasks.clone();
    blocking(move || {
        // A part that a decoder panics on would otherwise end every start.
        let salvaged = catch_unwind(|| salvage(id, &bytes));
        Ok(salvaged.unwrap_or_else(|panic| {
            tasks.note_panic("recovery", &*panic);
            Salvaged::Damaged
        }))
    })
    .await
}

/// Looks at a part.
fn salvage(id: ReplayId, bytes: &[u8]) -> Salvaged {
    if bytes.is_empty() {
        return Salvaged::Empty;
    }
    let mut reader = ReplayReader::new();
    let mut good = PREAMBLE_BYTES;
    let Some(preamble) = bytes.get(..good) else { return Salvaged::Damaged };
    if reader.push(preamble).is_err() {
        return Salvaged::Damaged;
    }
    let mut is_sound = true;
    while reader.index().is_none() {
        match next_record(&bytes[good..]) {
            Ok(Some((_, rest))) if reader.push(&bytes[good..bytes.len() - rest.len()]).is_ok() => {
                good = bytes.len() - rest.len();
            }
            // The kill came in the middle of a record, or between two.
            Ok(None) => break,
            Ok(Some(_)) | Err(_) => {
                is_sound = false;
                break;
            }
        }
    }
    // What follows the end proves that everything is as it was written. An index may be longer than other records.
    if reader.is_complete() && reader.push(&bytes[good..]).is_ok() && reader.is_verified() {
        good = bytes.len();
    }
    let Some(header) = reader.header().filter(|header| header.id == id) else {
        return Salvaged::Damaged;
    };
    let ticks = reader.available_ticks();
    if ticks == 0 {
        return if is_sound { Salvaged::Empty } else { Salvaged::Damaged };
    }
    Salvaged::Plays(ReplaySummary {
        id,
        room: header.room,
        mode: header.mode,
        started_at_ms: header.started_at_ms,
        ticks,
        bytes: good as u64,
        complete: reader.is_complete(),
        players: players(&reader),
    })
}

/// Those who sat there at the end, best first.
fn players(reader: &ReplayReader) -> Vec<ReplayPlayer> {
    let has_teams = reader.header().is_some_and(|header| header.mode.has_teams());
    let disc = |slot| reader.newest().and_then(|world| world.disc(slot));
    let mut players: Vec<_> = reader
        .roster()
        .entries
        .iter()
        .map(|entry| ReplayPlayer {
            player: entry.player,
            name: entry.name.clone(),
            bot: entry.bot.is_some(),
            points: disc(entry.slot).map_or(0, |disc| disc.points.into()),
            team: has_teams.then_some(entry.team),
        })
        .collect();
    players.sort_by_key(|player| Reverse(player.points));
    players
}

#[cfg(test)]
pub(super) mod tests {
    use shared::api::ReplaySummary;
    use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
    use shared::replay::{ReplayHeader, ReplayWriter};
    use shared::sim::{Command, Event, Mode, Slot, World};
    use shared::snapshot::{Roster, RosterEntry, StreamEncoder};

    use super::{PREAMBLE_BYTES, Salvaged, next_record, salvage};

    pub(in crate::recordings) const ID: ReplayId = ReplayId::from_bits(77);

    /// A recording of two seconds up to its last delta, and what ends it.
    pub(in crate::recordings) fn recording() -> (Vec<u8>, Vec<u8>) {
        recording_with(&[])
    }

    /// The same with more events in its index.
    fn recording_with(events: &[Event]) -> (Vec<u8>, Vec<u8>) {
        let header = ReplayHeader {
            id: ID,
            room: RoomId::from_bits(5),
            mode: Mode::Duel,
            seed: 1,
            round_ticks: 600,
            started_at_ms: 1_000,
        };
        let (mut writer, mut bytes) = ReplayWriter::new(&header);
        let mut world = World::new(Mode::Duel, 1, 600);
        let mut encoder = StreamEncoder::new();
        let entry = RosterEntry {
            slot: Slot(0),
            player: PlayerId::from_bits(9),
            name: PlayerName::parse("Ada").unwrap(),
            bot: None,
            team: 0,
            reconnecting: false,
        };
        let mut add = |record: Vec<u8>, elapsed| {
            writer.record(&record, elapsed);
            bytes.extend(record);
        };
        add(encoder.roster(&Roster { entries: vec![entry] }), 0);
        add(encoder.keyframe(&world), 0);
        for elapsed in 1..=120 {
            let commands = vec![Command::Join { slot: Slot(0), team: 0 }];
            world.step(&commands);
            add(encoder.delta(&[commands], &world), elapsed);
        }
        writer.events(world.tick, world.began, events);
        let last = writer.finish(&world);
        (bytes, last)
    }

    /// The summary of a part that plays.
    fn played(bytes: &[u8]) -> ReplaySummary {
        match salvage(ID, bytes) {
            Salvaged::Plays(summary) => summary,
            other => panic!("{other:?}"),
        }
    }

    /// The bytes that stay.
    fn saved<'a>(bytes: &'a [u8], summary: &ReplaySummary) -> &'a [u8] {
        &bytes[..usize::try_from(summary.bytes).unwrap()]
    }

    #[test]
    fn a_part_that_ends_anywhere_plays_as_far_as_it_goes() {
        let (bytes, _) = recording();

        let summary = played(&bytes[..bytes.len() - 1]);

        assert_eq!((summary.ticks, summary.complete), (119, false));
        assert_eq!(summary.players[0].name.as_str(), "Ada");
        let again = played(saved(&bytes, &summary));
        assert_eq!((again.ticks, again.bytes), (119, summary.bytes));
    }

    #[test]
    fn a_part_that_only_lacks_its_name_is_complete() {
        let (mut bytes, last) = recording();
        bytes.extend(last);

        let summary = played(&bytes);

        assert_eq!((summary.ticks, summary.complete), (120, true));
        assert_eq!(saved(&bytes, &summary), bytes);
    }

    #[test]
    fn an_index_longer_than_any_frame_is_kept() {
        let (mut bytes, last) = recording_with(&[Event::LeadChange { slot: Slot(0) }; 20_000]);
        bytes.extend(&last);

        let summary = played(&bytes);
        let of_cut = played(&bytes[..bytes.len() - 1]);

        assert!(summary.complete && saved(&bytes, &summary) == bytes);
        let without_index = saved(&bytes, &of_cut);
        assert!(of_cut.complete && without_index.len() + 48 * 1024 < bytes.len());
    }

    #[test]
    fn what_is_no_recording_is_not_saved() {
        let (bytes, _) = recording();
        assert_eq!(salvage(ID, b"PUSHBACK"), Salvaged::Damaged);
        assert_eq!(salvage(ID, &[0; 100]), Salvaged::Damaged);
        assert_eq!(salvage(ReplayId::from_bits(1), &bytes), Salvaged::Damaged);

        let mut damaged = bytes.clone();
        let middle = bytes.len() / 2;
        damaged[middle..].fill(0xff);
        let summary = played(&damaged);
        assert!(summary.ticks < 120);
    }

    #[test]
    fn a_part_that_ends_before_its_first_tick_is_empty_and_not_damaged() {
        let (bytes, _) = recording();
        let first_tick = (PREAMBLE_BYTES..bytes.len())
            .find(|&end| matches!(salvage(ID, &bytes[..end]), Salvaged::Plays(_)))
            .unwrap();

        assert_eq!(salvage(ID, &[]), Salvaged::Empty);
        assert_eq!(salvage(ID, &bytes[..first_tick - 1]), Salvaged::Empty);

        let ends = std::iter::successors(Some(&bytes[PREAMBLE_BYTES..]), |rest| {
            next_record(rest).unwrap().map(|(_, rest)| rest)
        })
        .map(|rest| bytes.len() - rest.len());
        let delta = ends.take_while(|&end| end < first_tick).last().unwrap();
        let damaged = [&bytes[..delta], &[0xff; 8]].concat();
        assert_eq!(salvage(ID, &damaged), Salvaged::Damaged);
    }
}
