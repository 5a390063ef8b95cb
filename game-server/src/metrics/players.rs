//! Statistics of each connected player with a seat, for `/metrics`.
//!
//! The labels of a series are the room and the seat, never the player. A series ends with the connection. The id of a
//! private room is the key to it, so a number stands for it. [`PLAYERS_MAX`] players have series; the number of the others
//! is a metric too.

mod series;
mod statistics;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use shared::id::RoomId;
use shared::sim::Slot;

use super::text::{Labels, Text};
use crate::sync::lock;
use series::SERIES;

pub use statistics::PlayerStatistics;

/// Most players with series.
pub const PLAYERS_MAX: usize = 256;

/// The series of all players. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PlayerSeries {
    table: Arc<Mutex<Table>>,
    private_rooms: Arc<AtomicU64>,
    players_max: usize,
}

#[derive(Debug, Default)]
struct Table {
    shown: BTreeMap<(Arc<str>, Slot), Shown>,
    /// Connections so far. The number tells a connection from the one whose seat it took over.
    connections: u64,
    /// Connected players, with series or without.
    players: usize,
}

#[derive(Debug)]
struct Shown {
    connection: u64,
    statistics: PlayerStatistics,
}

/// The entry of one connection. Its series ends when this is dropped.
#[derive(Debug)]
pub struct PlayerEntry {
    all: PlayerSeries,
    room: Arc<str>,
    slot: Slot,
    connection: u64,
}

impl PlayerSeries {
    /// Series for at most this many players.
    #[must_use]
    pub fn up_to(players_max: usize) -> Self {
        Self { table: Arc::default(), private_rooms: Arc::default(), players_max }
    }

    /// The label of a room.
    #[must_use]
    pub fn room_label(&self, room: RoomId, is_private: bool) -> Arc<str> {
        if is_private {
            let number = self.private_rooms.fetch_add(1, Ordering::Relaxed) + 1;
            return format!("private-{number}").into();
        }
        room.to_string().into()
    }

    /// Adds a connected player.
    #[must_use]
    pub fn enter(&self, room: Arc<str>, slot: Slot) -> PlayerEntry {
        let mut table = lock(&self.table);
        table.connections += 1;
        table.players += 1;
        PlayerEntry { all: self.clone(), room, slot, connection: table.connections }
    }

    pub(super) fn render(&self, text: &mut Text) {
        if self.players_max == 0 {
            return;
        }
        let table = lock(&self.table);
        let players: Vec<_> = table
            .shown
            .iter()
            .map(|((room, slot), shown)| (room.clone(), slot.0, shown.statistics))
            .collect();
        let left_out = table.players.saturating_sub(players.len());
        drop(table);
        let without = "pushback_players_without_series";
        text.begin(without, "gauge");
        text.sample(without, &Labels::default(), left_out);
        for (name, kind, value) in SERIES {
            let name = format!("pushback_player_{name}");
            text.begin(&name, kind);
            for (room, seat, statistics) in &players {
                let Some(value) = value(statistics) else { continue };
                let mut labels = Labels::default();
                labels.push("room", room);
                labels.push("seat", seat);
                text.sample(&name, &labels, value);
            }
        }
    }
}

impl PlayerEntry {
    /// Publishes the statistics. A player without series takes over those that have become free.
    pub fn publish(&self, statistics: PlayerStatistics) {
        if self.all.players_max == 0 {
            return;
        }
        let mut table = lock(&self.all.table);
        let is_full = table.shown.len() >= self.all.players_max;
        let key = (self.room.clone(), self.slot);
        match table.shown.get_mut(&key) {
            Some(shown) if shown.connection > self.connection => {}
            Some(shown) => *shown = Shown { connection: self.connection, statistics },
            None if is_full => {}
            None => {
                table.shown.insert(key, Shown { connection: self.connection, statistics });
            }
        }
    }
}

impl Drop for PlayerEntry {
    fn drop(&mut self) {
        let mut table = lock(&self.all.table);
        table.players -= 1;
        let key = (self.room.clone(), self.slot);
        if table.shown.get(&key).is_some_and(|shown| shown.connection == self.connection) {
            table.shown.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::id::RoomId;
    use shared::protocol::PlayReport;
    use shared::sim::Slot;

    use super::{PlayerEntry, PlayerSeries, PlayerStatistics};
    use crate::metrics::text::Text;

    fn text_of(series: &PlayerSeries) -> String {
        let mut text = Text::default();
        series.render(&mut text);
        text.into_string()
    }

    #[test]
    fn a_player_has_series_from_the_first_publication_to_the_end() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let line = "pushback_player_inputs_late_total{room=\"ABC123\",seat=\"3\"} 7\n";

        let entry = series.enter(room, Slot(3));
        entry.publish(PlayerStatistics { inputs_late: 7, ..PlayerStatistics::default() });

        assert!(text_of(&series).contains(line), "{}", text_of(&series));
        assert!(!text_of(&series).contains("pushback_player_rtt_seconds{"), "not measured yet");
        drop(entry);
        assert!(!text_of(&series).contains("room="), "{}", text_of(&series));
    }

    #[test]
    fn the_client_s_own_statistics_are_there_once_it_has_reported_them() {
        let series = PlayerSeries::up_to(1);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let entry = series.enter(room, Slot(3));
        entry.publish(PlayerStatistics::default());
        assert!(!text_of(&series).contains("_reported_lead_seconds{"));

        let report = PlayReport { lead_ms: 150, stalls_per_minute: 4, ..PlayReport::default() };
        entry.publish(PlayerStatistics { reported: Some(report), ..PlayerStatistics::default() });

        let text = text_of(&series);
        for line in ["lead_seconds{of} 0.15\n", "stalls_per_minute{of} 4\n"] {
            let line = line.replace("{of}", "{room=\"ABC123\",seat=\"3\"}");
            assert!(text.contains(&format!("pushback_player_reported_{line}")), "{text}");
        }
    }

    #[test]
    fn a_player_without_series_takes_over_free_ones() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let mut entries: Vec<_> =
            (0..3).map(|slot| series.enter(room.clone(), Slot(slot))).collect();
        let publish_all = |entries: &[PlayerEntry]| {
            entries.iter().for_each(|entry| entry.publish(PlayerStatistics::default()));
        };
        publish_all(&entries);
        assert!(text_of(&series).contains("pushback_players_without_series 1\n"));
        assert!(!text_of(&series).contains("seat=\"2\""));

        drop(entries.remove(0));
        publish_all(&entries);

        assert!(text_of(&series).contains("pushback_players_without_series 0\n"));
        assert!(text_of(&series).contains("seat=\"2\""));
        let nobody = PlayerSeries::up_to(0);
        nobody.enter(room, Slot(0)).publish(PlayerStatistics::default());
        assert_eq!(text_of(&nobody), "");
    }

    #[test]
    fn a_taken_over_seat_keeps_its_series_when_the_old_connection_ends() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let old = series.enter(room.clone(), Slot(0));
        let new = series.enter(room, Slot(0));
        new.publish(PlayerStatistics { inputs: 5, ..PlayerStatistics::default() });
        old.publish(PlayerStatistics { inputs: 4, ..PlayerStatistics::default() });

        drop(old);

        assert!(text_of(&series).contains("_inputs_total{room=\"ABC123\",seat=\"0\"} 5\n"));
    }

    #[test]
    fn the_id_of_a_private_room_is_no_label() {
        let series = PlayerSeries::up_to(2);
        let id = RoomId::from_bits(77);

        assert_eq!(&*series.room_label(id, true), "private-1");
        assert_eq!(&*series.room_label(id, true), "private-2");
        assert_eq!(*series.room_label(id, false), id.to_string());
    }
}
