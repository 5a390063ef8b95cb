//! A seeded match, encoded and recorded as the server does.

#![allow(dead_code, reason = "the tests look at more of it than the program that writes them")]

use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::replay::{ReplayHeader, ReplayWriter};
use shared::sim::determinism::SeededMatch;
use shared::sim::{BotStrength, World};
use shared::snapshot::{Roster, RosterEntry, StreamEncoder};
use shared::tick::{KEYFRAME_EVERY_TICKS, SNAPSHOT_EVERY_TICKS, Tick};

/// A recording, and the worlds that it must play.
pub(crate) struct Recorded {
    pub(crate) file: Vec<u8>,
    /// The world after each frame.
    pub(crate) worlds: Vec<World>,
    /// Sizes of the deltas, in bytes.
    pub(crate) deltas: Vec<usize>,
    /// Sizes of the keyframes, in bytes.
    pub(crate) keyframes: Vec<usize>,
}

/// Plays and records the match of a seed.
pub(crate) fn record(seed: u64) -> Recorded {
    let mut game = SeededMatch::new(seed);
    // Every other seed begins near the wrap: no code may rely on ticks that only grow.
    if seed % 2 == 1 {
        game.world.tick = Tick(u32::MAX - 300);
        game.world.began = game.world.tick;
    }
    let (mut writer, mut file) = ReplayWriter::new(&header(seed, &game.world));
    let mut encoder = StreamEncoder::new();
    let mut put = |bytes: Vec<u8>, writer: &mut ReplayWriter, world: &World| {
        writer.record(&bytes, world.elapsed());
        file.extend(&bytes);
        bytes.len()
    };
    put(encoder.roster(&roster()), &mut writer, &game.world);
    let mut keyframes = vec![put(encoder.keyframe(&game.world), &mut writer, &game.world)];
    let (mut worlds, mut deltas) = (vec![game.world.clone()], Vec::new());
    while !game.world.is_over() {
        let mut ticks = Vec::new();
        for _ in 0..SNAPSHOT_EVERY_TICKS {
            let commands = game.commands();
            let events = game.world.step(&commands);
            writer.events(game.world.tick, game.world.began, &events);
            ticks.push(commands);
        }
        deltas.push(put(encoder.delta(&ticks, &game.world), &mut writer, &game.world));
        if game.world.elapsed().is_multiple_of(KEYFRAME_EVERY_TICKS) {
            keyframes.push(put(encoder.keyframe(&game.world), &mut writer, &game.world));
        }
        worlds.push(game.world.clone());
    }
    file.extend(writer.finish(&game.world));
    Recorded { file, worlds, deltas, keyframes }
}

fn header(seed: u64, world: &World) -> ReplayHeader {
    ReplayHeader {
        id: ReplayId::from_bits(seed),
        room: RoomId::from_bits(seed),
        mode: world.mode,
        seed,
        round_ticks: world.round_ticks,
        started_at_ms: 0,
    }
}

fn roster() -> Roster {
    let entry = |slot| RosterEntry {
        slot: shared::sim::Slot(slot),
        player: PlayerId::from_bits(u64::from(slot)),
        name: PlayerName::parse("Somebody").expect("a good name"),
        bot: Some(BotStrength::Keen),
        team: 0,
        reconnecting: false,
    };
    Roster { entries: (0..16).map(entry).collect() }
}
