//! Watching instead of playing: the stream a little late, so that there is always something to draw between.

use std::collections::VecDeque;

use shared::sim::{Event, World};
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};

use super::clock::Clock;

/// Worlds kept. A second's; when full, the oldest goes.
const WORLDS_MAX: usize = 40;
/// Events that wait for their tick: a third of a second of a crowd's. When full, the oldest is dropped.
const EVENTS_MAX: usize = 1_024;

/// The last worlds of a stream, and a needle that follows behind.
#[derive(Debug, Clone, Default)]
pub(super) struct Follower {
    worlds: VecDeque<World>,
    events: VecDeque<(Tick, Event)>,
}

impl Follower {
    /// How far behind the newest snapshot to follow, in ticks: one snapshot, and what the last ones came late.
    #[must_use]
    pub(super) fn delay(clock: &Clock) -> f64 {
        f64::from(SNAPSHOT_EVERY_TICKS) + 0.5 + clock.jitter()
    }

    /// The stream moved on.
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

    /// Another round begins.
    pub(super) fn clear(&mut self) {
        self.worlds.clear();
        self.events.clear();
    }

    /// The worlds around a moment, and how far it lies between them, from 0 to 1.
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

    /// What has happened until a moment, once.
    pub(super) fn events_until(&mut self, tick: Tick) -> Vec<(Tick, Event)> {
        let due = self.events.iter().take_while(|(at, _)| !at.is_after(tick)).count();
        self.events.drain(..due).collect()
    }
}

#[cfg(test)]
mod tests {
    use shared::sim::{Event, Mode, World};
    use shared::tick::Tick;

    use super::Follower;
    use crate::prediction::clock::Clock;

    fn at(tick: u32) -> World {
        World { tick: Tick(tick), ..World::new(Mode::Duel, 1, 600) }
    }

    #[test]
    fn a_moment_lies_between_two_snapshots() {
        let mut follower = Follower::default();
        [10, 12, 14].into_iter().for_each(|tick| follower.push(at(tick), Vec::new()));

        let (earlier, later, part) = follower.around(Tick(12), 0.5).expect("worlds");

        assert_eq!((earlier.tick, later.tick), (Tick(12), Tick(14)));
        assert!((part - 0.25).abs() < 1e-6);
        let (_, newest, part) = follower.around(Tick(40), 0.0).expect("worlds");
        assert_eq!((newest.tick, part), (Tick(14), 1.0));
    }

    #[test]
    fn the_delay_follows_the_jitter_of_the_last_second_and_not_the_last_gap() {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let mut hear = |from: u32, late: &dyn Fn(u32) -> f64| {
            for tick in (from..from + 120).step_by(2) {
                clock.heard(Tick(tick), f64::from(tick) + late(tick));
            }
            Follower::delay(&clock)
        };

        let calm = hear(0, &|_| 0.0);
        let one_gap = hear(120, &|tick| if tick == 238 { 8.0 } else { 0.0 });
        let shaky = hear(240, &|tick| f64::from(tick * 7 % 5));
        let calm_again = hear(360, &|_| 0.0);

        assert!((calm, one_gap, calm_again) == (2.5, 2.5, 2.5), "{calm} {one_gap} {calm_again}");
        assert!((6.0..=6.6).contains(&shaky), "{shaky}");
    }

    #[test]
    fn what_a_stuck_line_held_back_is_no_jitter() {
        let mut clock = Clock::new(Tick(0), 0.0, None);
        let is_stuck = |tick: u32| (120..150).contains(&tick);
        let comes = |tick: u32| if is_stuck(tick) { 150 + (tick - 120) / 6 } else { tick.max(155) };

        (0..120).step_by(2).for_each(|tick| clock.heard(Tick(tick), f64::from(tick)));
        for tick in (120..160).step_by(2) {
            clock.heard(Tick(tick), f64::from(comes(tick)));
            let delay = Follower::delay(&clock);
            assert!(delay <= 4.0, "{delay} ticks at {tick}");
        }
    }

    #[test]
    fn events_wait_for_their_tick() {
        let mut follower = Follower::default();
        follower.push(at(10), vec![(Tick(9), Event::ShrinkBegins), (Tick(10), Event::RoundOver)]);

        assert_eq!(follower.events_until(Tick(9)).len(), 1);
        assert!(follower.events_until(Tick(9)).is_empty());
        assert_eq!(follower.events_until(Tick(30)).len(), 1);
    }
}
