//! The net graph: the state of the link in numbers and a curve. F3 shows it.

use std::collections::VecDeque;

use bevy::input::ButtonInput;
use bevy::input::keyboard::KeyCode;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, Real, Res, ResMut, Resource, Time, Update,
};
use bevy_egui::egui::{
    Align2, Context, CornerRadius, LayerId, Order, Rect, Shape, Stroke, StrokeKind, pos2, vec2,
};

use super::theme::{self, FIELD, GOOD, LINE, MUTED, PANEL, TEXT, WARM};
use crate::frame::Phase;
use crate::prediction::ticks_from_seconds;
use crate::room::Room;

/// The frames in the curve. When full, the oldest is dropped.
const CURVE: usize = 180;
/// Seconds between two updates of the numbers.
const REFRESH_SECONDS: f32 = 0.5;

/// The content of the graph.
#[derive(Debug, Default, Resource)]
pub struct NetGraph {
    /// Whether it is shown.
    pub is_shown: bool,
    ages_ms: VecDeque<f32>,
    numbers: Vec<(&'static str, String)>,
    /// Seconds until the next update.
    due: f32,
    /// Frames since the last update.
    frames: u32,
    /// Bytes down and up in this round, at the last update.
    bytes: (u64, u64),
}

/// Collects the numbers.
#[derive(Debug)]
pub(super) struct NetGraphPlugin;

impl Plugin for NetGraphPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<NetGraph>().add_systems(Update, collect.in_set(Phase::Draw));
    }
}

fn collect(
    keys: Res<ButtonInput<KeyCode>>,
    room: Option<Res<Room>>,
    time: Res<Time<Real>>,
    mut graph: ResMut<NetGraph>,
) {
    if keys.just_pressed(KeyCode::F3) {
        graph.is_shown = !graph.is_shown;
    }
    // What is not shown is not collected either.
    if !graph.is_shown {
        graph.ages_ms.clear();
        (graph.due, graph.frames) = (0.0, 0);
        return;
    }
    let Some(room) = room else { return };
    let now = ticks_from_seconds(time.elapsed_secs_f64());
    // While a result is shown, no snapshots arrive and the curve stands still.
    if room.result.is_none() {
        if graph.ages_ms.len() == CURVE {
            graph.ages_ms.pop_front();
        }
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds for a curve")]
        let age = (room.game.snapshot_age(now) * 1_000.0 / 60.0) as f32;
        graph.ages_ms.push_back(age);
    }
    graph.frames += 1;
    graph.due -= time.delta_secs();
    if graph.due <= 0.0 {
        let seconds = REFRESH_SECONDS - graph.due;
        #[expect(clippy::cast_precision_loss, reason = "a few frames")]
        let rate = graph.frames as f32 / seconds;
        let statistics = room.game.statistics();
        let bytes = (statistics.down_bytes, statistics.up_bytes);
        let traffic = (
            kilobytes_a_second(graph.bytes.0, bytes.0, seconds),
            kilobytes_a_second(graph.bytes.1, bytes.1, seconds),
        );
        graph.numbers = numbers(&room, rate, traffic);
        graph.bytes = bytes;
        (graph.due, graph.frames) = (REFRESH_SECONDS, 0);
    }
}

/// The rate between two updates. A new round counts from zero.
#[expect(clippy::cast_precision_loss, reason = "a few kilobytes")]
fn kilobytes_a_second(before: u64, now: u64, seconds: f32) -> f32 {
    now.checked_sub(before).unwrap_or(now) as f32 / 1_000.0 / seconds
}

fn numbers(room: &Room, rate: f32, traffic: (f32, f32)) -> Vec<(&'static str, String)> {
    let report = room.game.statistics().report();
    let ms = |ticks: f64| format!("{:.0} ms", ticks * 1_000.0 / 60.0);
    let age = format!("{} / {} ms", report.snapshot_age_p50_ms, report.snapshot_age_p99_ms);
    let hits = format!("{:.0} % of {}", report.hit_agreement_percent, report.hits);
    let predicted = format!("{} / {} ticks", report.ahead_p50_ticks, report.ahead_p99_ticks);
    let ping = room.round_trip_ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"));
    vec![
        ("Frames a second", format!("{rate:.0}")),
        ("Ping", ping),
        ("Jitter", ms(room.game.jitter())),
        ("Lead", format!("{:.1} ticks", room.game.lead())),
        ("Predicted p50 / p99", predicted),
        ("Late inputs", format!("{:.1} %", report.late_inputs_percent)),
        ("Snapshot age p50 / p99", age),
        ("Stalls a minute", format!("{:.1}", report.stalls_per_minute)),
        ("Corrections", format!("{} of {}", report.corrections, report.snapshots)),
        ("Size p99", format!("{:.2} radii", report.correction_p99_radii)),
        ("Others off, p99", format!("{:.2} radii", report.others_error_p99_radii)),
        ("Hits agreed", hits),
        ("Down / up", format!("{:.1} / {:.1} kB/s", traffic.0, traffic.1)),
        ("Clock jumps", report.clock_jumps.to_string()),
        ("Diverged", room.game.diverged().to_string()),
    ]
}

/// The height of the graph, in points.
#[must_use]
pub fn height(graph: &NetGraph) -> f32 {
    if graph.is_shown { 84.0 + 20.0 * graph.numbers.len() as f32 } else { 0.0 }
}

/// Draws the graph at the right.
pub fn show(context: &Context, graph: &NetGraph) {
    if !graph.is_shown {
        return;
    }
    let painter = context.layer_painter(LayerId::new(Order::Background, "net graph".into()));
    let screen = context.content_rect();
    let size = vec2(260.0, height(graph)).min(screen.size() - vec2(16.0, 16.0));
    // In a small window it covers the rest: it is a tool.
    let place = screen.right_bottom() - size - vec2(16.0, 40.0);
    let place = place.max(screen.min + vec2(8.0, 8.0));
    let rect = Rect::from_min_size(place, size);
    let edge = Stroke::new(1.0, LINE);
    painter.rect(rect, CornerRadius::same(theme::RADIUS), PANEL, edge, StrokeKind::Inside);
    let mut y = rect.top() + 18.0;
    for (title, value) in &graph.numbers {
        if y > rect.bottom() - 12.0 {
            return;
        }
        painter.text(
            pos2(rect.left() + 12.0, y),
            Align2::LEFT_CENTER,
            *title,
            theme::font(12.0),
            MUTED,
        );
        painter.text(
            pos2(rect.right() - 12.0, y),
            Align2::RIGHT_CENTER,
            value,
            theme::bold(12.0),
            TEXT,
        );
        y += 20.0;
    }
    let well = Rect::from_min_max(pos2(rect.left() + 12.0, y), rect.max - vec2(12.0, 12.0));
    painter.rect_filled(well, CornerRadius::same(6), FIELD);
    let top_ms = graph.ages_ms.iter().copied().fold(60.0_f32, f32::max);
    let points = graph.ages_ms.iter().enumerate().map(|(place, age)| {
        let along = place as f32 / (CURVE - 1) as f32;
        pos2(well.left() + well.width() * along, well.bottom() - well.height() * age / top_ms)
    });
    let colour = if top_ms > 200.0 { WARM } else { GOOD };
    painter.add(Shape::line(points.collect(), Stroke::new(1.2, colour)));
    let note = format!("snapshot age, {top_ms:.0} ms");
    painter.text(well.min + vec2(6.0, 4.0), Align2::LEFT_TOP, note, theme::font(12.0), MUTED);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::api::Role;
    use shared::sim::{Angle, Command, Input, Mode, Slot, Thrust, World};
    use shared::snapshot::StreamEncoder;

    use super::{Room, kilobytes_a_second, numbers};
    use crate::net::LinkId;

    /// Two seconds of a round in which no input reaches the server: each snapshot corrects the own disc.
    fn played() -> Room {
        let mut world = World::new(Mode::Brawl, 7, 3_600);
        drop(world.step(&[Command::Join { slot: Slot(0), team: 0 }]));
        (0..300).for_each(|_| drop(world.step(&[])));
        let mut encoder = StreamEncoder::new();
        let code = "ABC123".parse().expect("a code");
        let mut room = Room::entering(LinkId(1), code, Role::Player);
        room.game.welcome(Some(Slot(0)));
        room.game.receive(&encoder.keyframe(&world), 0.0).expect("a keyframe");
        let thrust = Thrust::towards(Angle::from_steps(0));
        for now in 1..=60 {
            (0..2).for_each(|_| drop(world.step(&[])));
            let delta = encoder.delta(&[Vec::new(), Vec::new()], &world);
            let now = f64::from(now * 2);
            room.game.receive(&delta, now).expect("a delta");
            room.game.advance(now, |_| Input { thrust, ..Input::default() });
            room.game.advance(now + 1.0, |_| Input { thrust, ..Input::default() });
        }
        room.game.input_timing(2, 3, 60);
        room.round_trip_ms = Some(48.25);
        room
    }

    /// A number in a line, and its unit.
    fn part(line: &str, place: usize) -> (f64, &str) {
        let mut words = line.split(' ').skip(place);
        let number = words.next().and_then(|word| word.parse().ok());
        (number.unwrap_or_else(|| panic!("no number in {line}")), words.last().unwrap_or(""))
    }

    #[test]
    fn the_numbers_are_complete_and_have_units() {
        let room = played();

        let lines: BTreeMap<_, _> = numbers(&room, 59.6, (1.52, 0.3)).into_iter().collect();

        let lead = format!("{:.1} ticks", room.game.lead());
        let (corrections, compared) =
            (room.game.statistics().corrections, room.game.statistics().compared);
        assert!(corrections > 30 && compared > 50, "{lines:?}");
        for (title, value) in [
            ("Frames a second", "60"),
            ("Ping", "48.2 ms"),
            ("Jitter", "0 ms"),
            ("Lead", &*lead),
            ("Late inputs", "5.0 %"),
            ("Stalls a minute", "0.0"),
            ("Corrections", &*format!("{corrections} of {compared}")),
            ("Down / up", "1.5 / 0.3 kB/s"),
            ("Diverged", "0"),
        ] {
            assert_eq!(lines[title], value, "{title}");
        }
        assert!(room.game.lead() > 1.0);
        let (ages, most) = (&lines["Snapshot age p50 / p99"], 40.0);
        let ((half, _), (worst, unit)) = (part(ages, 0), part(ages, 2));
        assert!((0.0..=worst).contains(&half) && worst < most && unit == "ms", "{ages}");
        for (title, unit) in [("Predicted p50 / p99", "ticks"), ("Size p99", "radii")] {
            let (number, what) = part(&lines[title], 0);
            assert!(number > 0.0 && what == unit, "{title}: {}", lines[title]);
        }
        assert_eq!(
            (&*lines["Others off, p99"], &*lines["Hits agreed"]),
            ("0.00 radii", "100 % of 0")
        );
    }

    #[test]
    fn traffic_is_a_rate_and_a_new_round_counts_from_zero() {
        assert_eq!(kilobytes_a_second(1_000, 3_000, 0.5), 4.0);
        assert_eq!(kilobytes_a_second(9_000, 500, 0.5), 1.0);
    }
}
