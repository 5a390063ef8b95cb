//! Interpolation for spectators: the world is shown a little behind the server, so that there are snapshots to draw between.

use std::collections::VecDeque;

use shared::sim::{Event, World};
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};

use super::clock::Clock;

/// Snapshots kept, more than a second. When full, the oldest is dropped.
const WORLDS_MAX: usize = 40;
/// Events that may wait for their tick: a third of a second of a crowd's. When full, the oldest is dropped.
const EVENTS_MAX: usize = 1_024;

/// The newest snapshots, and the events that wait for their tick.
#[derive(Debug, Clone, Default)]
pub(super) struct InterpolationBuffer {
    worlds: VecDeque<World>,
    events: VecDeque<(Tick, Event)>,
}

impl InterpolationBuffer {
    /// The interpolation delay behind the newest snapshot, in ticks: one snapshot interval and the jitter.
    #[must_use]
    pub(super) fn delay(clock: &Clock) -> f64 {
        f64::from(SNAPSHOT_EVERY_TICKS) + 0.5 + clock.jitter()
    }

    /// Adds a snapshot and the events since the one before.
    pub(super) fn push(&mut self, world: World, events: Vec<(Tick, Event)>) {
        if self.worlds.len() == WORLDS_MAX {
            self.worlds.pop_front();
        }
        self.worlds.push_back(world);
        self.events.extend(events);
        while self.events.len() > EVENTS_MAX {
            self.events.pop_front();
        }
    }

    /// The snapshots before and after a moment, and how much of the way between them lies behind, from 0 to 1.
    #[must_use]
    pub(super) fn around(&self, tick: Tick, fraction: f64) -> Option<(&World, &World, f32)> {
        let after = self.worlds.iter().position(|world| world.tick.is_after(tick));
        let Some(after) = after else {
            let newest = self.worlds.back()?;
            return Some((newest, newest, 1.0));
        };
        let later = &self.worlds[after];
        let earlier = &self.worlds[after.saturating_sub(1)];
        let span = f64::from(later.tick.since(earlier.tick));
        let gone = f64::from(tick.since(earlier.tick)) + fraction;
        #[expect(clippy::cast_possible_truncation, reason = "from 0 to 1")]
        let part = if span > 0.0 { (gone / span).clamp(0.0, 1.0) as f32 } else { 1.0 };
        Some((earlier, later, part))
    }

    /// Takes the events until a tick.
    pub(super) fn events_until(&mut self, tick: Tick) -> Vec<(Tick, Event)> {
        let due = self.events.iter().take_while(|(at, _)| !at.is_after(tick)).count();
        self.events.drain(..due).collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::{Event, Mode, World};
    use shared::tick::Tick;

    use super::InterpolationBuffer;
    use crate::prediction::clock::Clock;

    fn at(tick: u32) -> World {
        World { tick: Tick(tick), ..World::new(Mode::Duel, 1, 600) }
    }

    #[test]
    fn a_moment_lies_between_two_snapshots() {
        let mut buffer = InterpolationBuffer::default();
        [10, 12, 14].into_iter().for_each(|tick| buffer.push(at(tick), Vec::new()));

        let (earlier, later, part) = buffer.around(Tick(12), 0.5).expect("worlds");

        assert_eq!((earlier.tick, later.tick), (Tick(12), Tick(14)));
        assert!((part - 0.25).abs() < 1e-6);
        let (_, newest, part) = buffer.around(Tick(40), 0.0).expect("worlds");
        assert_eq!((newest.tick, part), (Tick(14), 1.0));
    }

    #[test]
    fn the_delay_follows_the_jitter_of_the_last_second_and_not_the_last_gap() {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let mut receive = |from: u32, late: &dyn Fn(u32) -> f64| {
            for tick in (from..from + 120).step_by(2) {
                clock.receive_snapshot(Tick(tick), f64::from(tick) + late(tick));
            }
            InterpolationBuffer::delay(&clock)
        };

        let calm = receive(0, &|_| 0.0);
        let one_gap = receive(120, &|tick| if tick == 238 { 8.0 } else { 0.0 });
        let shaky = receive(240, &|tick| f64::from(tick * 7 % 5));
        let calm_again = receive(360, &|_| 0.0);

        assert!((calm, one_gap, calm_again) == (2.5, 2.5, 2.5), "{calm} {one_gap} {calm_again}");
        assert!((6.0..=6.6).contains(&shaky), "{shaky}");
    }

    #[test]
    fn snapshots_that_a_stalled_connection_held_back_are_no_jitter() {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let is_stalled = |tick: u32| (120..150).contains(&tick);
        let arrives =
            |tick: u32| if is_stalled(tick) { 150 + (tick - 120) / 6 } else { tick.max(155) };

        (0..120).step_by(2).for_each(|tick| clock.receive_snapshot(Tick(tick), f64::from(tick)));
        for tick in (120..160).step_by(2) {
            clock.receive_snapshot(Tick(tick), f64::from(arrives(tick)));
            let delay = InterpolationBuffer::delay(&clock);
            assert!(delay <= 4.0, "{delay} ticks at {tick}");
        }
    }

    #[test]
    fn events_wait_for_their_tick() {
        let mut buffer = InterpolationBuffer::default();
        buffer.push(at(10), vec![(Tick(9), Event::ShrinkBegins), (Tick(10), Event::RoundOver)]);

        assert_eq!(buffer.events_until(Tick(9)).len(), 1);
        assert!(buffer.events_until(Tick(9)).is_empty());
        assert_eq!(buffer.events_until(Tick(30)).len(), 1);
    }
}
