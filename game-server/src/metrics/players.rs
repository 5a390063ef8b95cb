//! Figures of each player who is seated and connected, for `/metrics`.
//!
//! A series is named by a room and a seat, never by a person, and is gone when the player is. A private room's name is the
//! key to it, so such rooms are numbered instead. There are series for so many players at most; how many are left out is
//! a figure of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::id::RoomId;
use shared::protocol::PlayReport;
use shared::sim::Slot;

use crate::sync::lock;

/// Players with series of their own.
pub const PLAYERS_MAX: usize = 256;

/// What is known of one connection. Counters count from its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// The quickest of the last pings. A room looks at its sockets once a tick, so it may be two ticks more than the line.
    pub round_trip: Option<Duration>,
    /// The mean of how much earlier or later an input message is than the one before it.
    pub jitter: Duration,
    /// Ticks between arrival and use that all but 1 % of the inputs had lately. Negative: so much too late.
    pub margin_p99_ticks: Option<i16>,
    /// Inputs that came.
    pub inputs: u64,
    /// Of these, after their tick.
    pub inputs_late: u64,
    /// Inputs that came besides, for a tick too far ahead.
    pub inputs_ahead: u64,
    /// Ticks for which none was there.
    pub inputs_missing: u64,
    /// Parts of the stream that were left out because the client did not take them.
    pub skipped: u64,
    /// Keyframes that went to this client alone.
    pub keyframes: u64,
    /// How often the client's world went elsewhere, as it says.
    pub diverged: u64,
    /// From the client.
    pub received_bytes: u64,
    /// To the client.
    pub sent_bytes: u64,
    /// What the kernel does not take now.
    pub unsent_bytes: usize,
    /// What the client says of itself.
    pub reported: Option<PlayReport>,
}

/// Every series. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PlayerSeries {
    table: Arc<Mutex<Table>>,
    private_rooms: Arc<AtomicU64>,
    players_max: usize,
}

#[derive(Debug, Default)]
struct Table {
    shown: BTreeMap<(Arc<str>, Slot), Shown>,
    /// Connections so far: tells the one that took a seat over from the one before.
    connections: u64,
    /// Players who are there, shown or not.
    players: usize,
}

#[derive(Debug)]
struct Shown {
    connection: u64,
    figures: Figures,
}

/// The place of one connection. Dropping it takes its series away.
#[derive(Debug)]
pub struct Place {
    all: PlayerSeries,
    room: Arc<str>,
    slot: Slot,
    connection: u64,
}

impl PlayerSeries {
    /// None yet, and never of more players than that.
    #[must_use]
    pub fn up_to(players_max: usize) -> Self {
        Self { table: Arc::default(), private_rooms: Arc::default(), players_max }
    }

    /// What a room is called here.
    #[must_use]
    pub fn room_label(&self, room: RoomId, is_private: bool) -> Arc<str> {
        if is_private {
            let number = self.private_rooms.fetch_add(1, Ordering::Relaxed) + 1;
            return format!("private-{number}").into();
        }
        room.to_string().into()
    }

    /// Somebody has come.
    #[must_use]
    pub fn enter(&self, room: Arc<str>, slot: Slot) -> Place {
        let mut table = lock(&self.table);
        table.connections += 1;
        table.players += 1;
        Place { all: self.clone(), room, slot, connection: table.connections }
    }

    /// Everything in Prometheus' text format.
    pub(super) fn render(&self, text: &mut String) {
        if self.players_max == 0 {
            return;
        }
        let table = lock(&self.table);
        let players: Vec<_> = table
            .shown
            .iter()
            .map(|((room, slot), shown)| (room.clone(), slot.0, shown.figures))
            .collect();
        let left_out = table.players.saturating_sub(players.len());
        drop(table);
        // Writing to a string does not fail.
        let name = "pushback_players_without_series";
        writeln!(text, "# TYPE {name} gauge\n{name} {left_out}").ok();
        for (name, kind, figure) in FIGURES {
            writeln!(text, "# TYPE pushback_player_{name} {kind}").ok();
            for (room, slot, figures) in &players {
                let Some(value) = figure(figures) else { continue };
                writeln!(text, "pushback_player_{name}{{room=\"{room}\",seat=\"{slot}\"}} {value}")
                    .ok();
            }
        }
    }
}

impl Place {
    /// How it is now. Without a place among the shown it takes one that has become free.
    pub fn show(&self, figures: Figures) {
        if self.all.players_max == 0 {
            return;
        }
        let mut table = lock(&self.all.table);
        let is_full = table.shown.len() >= self.all.players_max;
        let key = (self.room.clone(), self.slot);
        match table.shown.get_mut(&key) {
            Some(shown) if shown.connection > self.connection => {}
            Some(shown) => *shown = Shown { connection: self.connection, figures },
            None if is_full => {}
            None => {
                table.shown.insert(key, Shown { connection: self.connection, figures });
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = lock(&self.all.table);
        table.players -= 1;
        let key = (self.room.clone(), self.slot);
        if table.shown.get(&key).is_some_and(|shown| shown.connection == self.connection) {
            table.shown.remove(&key);
        }
    }
}

type Figure = (&'static str, &'static str, fn(&Figures) -> Option<f64>);

/// Name, type, and where it is.
const FIGURES: [Figure; 21] = [
    ("rtt_seconds", "gauge", |of| of.round_trip.map(|time| time.as_secs_f64())),
    ("jitter_seconds", "gauge", |of| Some(of.jitter.as_secs_f64())),
    ("input_margin_p99_seconds", "gauge", |of| of.margin_p99_ticks.map(seconds_of)),
    ("inputs_total", "counter", |of| whole(of.inputs)),
    ("inputs_late_total", "counter", |of| whole(of.inputs_late)),
    ("inputs_ahead_total", "counter", |of| whole(of.inputs_ahead)),
    ("inputs_missing_total", "counter", |of| whole(of.inputs_missing)),
    ("snapshots_skipped_total", "counter", |of| whole(of.skipped)),
    ("keyframes_total", "counter", |of| whole(of.keyframes)),
    ("diverged_total", "counter", |of| whole(of.diverged)),
    ("received_bytes_total", "counter", |of| whole(of.received_bytes)),
    ("sent_bytes_total", "counter", |of| whole(of.sent_bytes)),
    ("unsent_bytes", "gauge", |of| whole(of.unsent_bytes as u64)),
    ("reported_rtt_seconds", "gauge", |of| thousandths(of, |report| report.round_trip_ms)),
    ("reported_jitter_seconds", "gauge", |of| thousandths(of, |report| report.jitter_ms)),
    ("reported_snapshot_age_p50_seconds", "gauge", |of| {
        thousandths(of, |report| report.snapshot_age_p50_ms)
    }),
    ("reported_snapshot_age_p99_seconds", "gauge", |of| {
        thousandths(of, |report| report.snapshot_age_p99_ms)
    }),
    ("reported_corrections_per_minute", "gauge", |of| {
        of.reported.map(|report| f64::from(report.corrections_per_minute))
    }),
    ("reported_correction_p99_radii", "gauge", |of| {
        thousandths(of, |report| report.correction_p99_milliradii)
    }),
    ("reported_lead_seconds", "gauge", |of| thousandths(of, |report| report.lead_ms)),
    ("reported_stalls_per_minute", "gauge", |of| {
        of.reported.map(|report| f64::from(report.stalls_per_minute))
    }),
];

fn whole(count: u64) -> Option<f64> {
    Some(count as f64)
}

fn seconds_of(ticks: i16) -> f64 {
    f64::from(ticks) / f64::from(shared::tick::TICK_RATE_HZ)
}

/// Thousandths of something.
fn thousandths(of: &Figures, part: impl Fn(&PlayReport) -> u16) -> Option<f64> {
    of.reported.map(|report| f64::from(part(&report)) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use shared::id::RoomId;
    use shared::protocol::PlayReport;
    use shared::sim::Slot;

    use super::{Figures, PlayerSeries};

    fn text_of(series: &PlayerSeries) -> String {
        let mut text = String::new();
        series.render(&mut text);
        text
    }

    #[test]
    fn a_player_is_shown_from_the_first_word_to_the_end() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let line = "pushback_player_inputs_late_total{room=\"ABC123\",seat=\"3\"} 7\n";

        let place = series.enter(room, Slot(3));
        place.show(Figures { inputs_late: 7, ..Figures::default() });

        assert!(text_of(&series).contains(line), "{}", text_of(&series));
        assert!(!text_of(&series).contains("pushback_player_rtt_seconds{"), "not measured yet");
        drop(place);
        assert!(!text_of(&series).contains("room="), "{}", text_of(&series));
    }

    #[test]
    fn what_a_player_says_of_itself_is_shown_once_it_was_said() {
        let series = PlayerSeries::up_to(1);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let place = series.enter(room, Slot(3));
        place.show(Figures::default());
        assert!(!text_of(&series).contains("_reported_lead_seconds{"));

        let report = PlayReport { lead_ms: 150, stalls_per_minute: 4, ..PlayReport::default() };
        place.show(Figures { reported: Some(report), ..Figures::default() });

        let text = text_of(&series);
        for line in ["lead_seconds{of} 0.15\n", "stalls_per_minute{of} 4\n"] {
            let line = line.replace("{of}", "{room=\"ABC123\",seat=\"3\"}");
            assert!(text.contains(&format!("pushback_player_reported_{line}")), "{text}");
        }
    }

    #[test]
    fn there_are_only_so_many_and_who_is_left_out_moves_up() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let mut places: Vec<_> =
            (0..3).map(|slot| series.enter(room.clone(), Slot(slot))).collect();
        let show_all = |places: &[super::Place]| {
            places.iter().for_each(|place| place.show(Figures::default()));
        };
        show_all(&places);
        assert!(text_of(&series).contains("pushback_players_without_series 1\n"));
        assert!(!text_of(&series).contains("seat=\"2\""));

        drop(places.remove(0));
        show_all(&places);

        assert!(text_of(&series).contains("pushback_players_without_series 0\n"));
        assert!(text_of(&series).contains("seat=\"2\""));
        let nobody = PlayerSeries::up_to(0);
        nobody.enter(room, Slot(0)).show(Figures::default());
        assert_eq!(text_of(&nobody), "");
    }

    #[test]
    fn who_takes_a_seat_over_keeps_it_when_the_old_connection_ends() {
        let series = PlayerSeries::up_to(2);
        let room = series.room_label("ABC123".parse().unwrap(), false);
        let old = series.enter(room.clone(), Slot(0));
        let new = series.enter(room, Slot(0));
        new.show(Figures { inputs: 5, ..Figures::default() });
        old.show(Figures { inputs: 4, ..Figures::default() });

        drop(old);

        assert!(text_of(&series).contains("_inputs_total{room=\"ABC123\",seat=\"0\"} 5\n"));
    }

    #[test]
    fn the_key_to_a_private_room_is_not_told() {
        let series = PlayerSeries::up_to(2);
        let id = RoomId::from_bits(77);

        assert_eq!(&*series.room_label(id, true), "private-1");
        assert_eq!(&*series.room_label(id, true), "private-2");
        assert_eq!(*series.room_label(id, false), id.to_string());
    }
}
