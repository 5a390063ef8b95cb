//! Playing a recording: play, pause, speed and seek, as pure state. Time comes in as an argument.
//!
//! A deck knows how much of the recording has arrived and nothing about where from, so it plays a file that
//! is still downloaded, one that was cut off and one that is complete alike.

mod keys;
mod live;
mod slices;

pub use keys::{Focus, Order, order_of_key};
pub use live::{Jitter, LiveNeedle};
pub use slices::SliceNeedle;

use shared::api::{Marker, MarkerKind};
use shared::tick::TICK_RATE_HZ;

/// Speeds to choose from, the slowest first.
pub const SPEEDS: [Speed; 6] = [
    Speed { factor: 0.25, name: "¼×" },
    Speed { factor: 0.5, name: "½×" },
    Speed { factor: 1.0, name: "1×" },
    Speed { factor: 2.0, name: "2×" },
    Speed { factor: 4.0, name: "4×" },
    Speed { factor: 8.0, name: "8×" },
];
/// The one to begin with.
const SPEED_PLAIN: usize = 2;
/// Playing begins, and goes on after the needle caught up with the download, when so much is ahead, in ticks.
const AHEAD_TICKS_MIN: f64 = TICK_RATE_HZ as f64;
/// Longer than this is no frame but a page that was hidden, in milliseconds.
const FRAME_MS_MAX: f64 = 250.0;
/// A frame of the stream, in ticks.
const FRAME_TICKS: f64 = shared::tick::SNAPSHOT_EVERY_TICKS as f64;

/// How fast the needle moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    pub factor: f64,
    pub name: &'static str,
}

/// What the needle does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    Paused,
    Playing,
    /// It would play, but what comes next is not there yet.
    Buffering,
    /// It stands at the end.
    Ended,
}

/// A needle on a recording of which more and more arrives.
#[derive(Debug, Clone, PartialEq)]
pub struct Deck {
    at: f64,
    wants_to_play: bool,
    starved: bool,
    speed: usize,
    available: u32,
    all_here: bool,
    total: u32,
    /// Where to go once it is there.
    wish: Option<f64>,
}

impl Default for Deck {
    fn default() -> Self {
        Self {
            at: 0.0,
            wants_to_play: true,
            starved: true,
            speed: SPEED_PLAIN,
            available: 0,
            all_here: false,
            total: 0,
            wish: None,
        }
    }
}

impl Deck {
    /// A deck that begins to play at a tick as soon as it is there.
    pub fn starting_at(tick: f64) -> Self {
        Self { wish: (tick > 0.0).then_some(tick), ..Self::default() }
    }

    /// Tells how much there is: the last tick that can be played, the length of the whole, whether more may come.
    pub fn has(&mut self, available: u32, total: u32, all_here: bool) {
        self.available = available;
        self.all_here = all_here;
        self.total = if all_here { available } else { total.max(available) };
        if let Some(wish) = self.wish
            && (all_here || wish <= f64::from(available))
        {
            self.wish = None;
            self.at = wish.min(f64::from(available));
        }
        let ahead = f64::from(available) - self.at;
        if all_here || (self.wish.is_none() && ahead >= AHEAD_TICKS_MIN) {
            self.starved = false;
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, ms: f64) {
        if self.motion() != Motion::Playing {
            return;
        }
        let ticks = ms.clamp(0.0, FRAME_MS_MAX) * f64::from(TICK_RATE_HZ) / 1_000.0;
        self.at += ticks * self.speed().factor;
        let available = f64::from(self.available);
        if self.at >= available {
            self.at = available;
            self.starved = !self.all_here;
        }
    }

    pub fn motion(&self) -> Motion {
        match () {
            () if self.all_here && self.at >= f64::from(self.available) => Motion::Ended,
            () if !self.wants_to_play => Motion::Paused,
            () if self.starved || self.wish.is_some() => Motion::Buffering,
            () => Motion::Playing,
        }
    }

    /// The needle, in ticks since the round began.
    pub fn at(&self) -> f64 {
        self.at
    }

    /// The length of the whole, in ticks, as far as it is known.
    pub fn total(&self) -> u32 {
        self.total
    }

    pub fn available(&self) -> u32 {
        self.available
    }

    pub fn speed(&self) -> Speed {
        SPEEDS[self.speed]
    }

    /// Which of the speeds that is.
    pub fn speed_number(&self) -> usize {
        self.speed
    }

    /// Plays, pauses, or plays again from the beginning.
    pub fn toggle(&mut self) {
        match self.motion() {
            Motion::Ended => {
                self.seek(0.0);
                self.wants_to_play = true;
            }
            Motion::Paused | Motion::Playing | Motion::Buffering => {
                self.wants_to_play = !self.wants_to_play;
            }
        }
    }

    pub fn set_speed(&mut self, number: usize) {
        self.speed = number.min(SPEEDS.len() - 1);
    }

    /// Moves the needle, as far as there is something to play.
    pub fn seek(&mut self, tick: f64) {
        self.wish = None;
        self.at = tick.clamp(0.0, f64::from(self.available));
        self.starved = !self.all_here && f64::from(self.available) - self.at < 1.0;
    }

    /// Does what a key or a button asks for. Answers false for what is not the needle's.
    pub fn obey(&mut self, order: Order) -> bool {
        match order {
            Order::Toggle => self.toggle(),
            Order::Skip { seconds } => self.seek(self.at + seconds * f64::from(TICK_RATE_HZ)),
            Order::Step { frames } => {
                self.wants_to_play = false;
                self.seek((self.at / FRAME_TICKS).round() * FRAME_TICKS + frames * FRAME_TICKS);
            }
            Order::Part { part } => self.seek(f64::from(self.total) * part),
            Order::Speed { number } => self.set_speed(number),
            Order::Faster => self.set_speed(self.speed + 1),
            Order::Slower => self.set_speed(self.speed.saturating_sub(1)),
            Order::FullScreen | Order::Spoilers => return false,
        }
        true
    }
}

/// Ticks as minutes and seconds.
pub fn clock(ticks: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "an hour at most")]
    #[expect(clippy::cast_sign_loss, reason = "never negative")]
    let seconds = (ticks.max(0.0) / f64::from(TICK_RATE_HZ)) as u32;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Whether a marker may be shown: with spoilers hidden, those ahead of the needle may not.
pub fn is_shown(marker: &Marker, needle: f64, hides_spoilers: bool) -> bool {
    !hides_spoilers || f64::from(marker.tick) <= needle
}

/// The word for a marker.
pub const fn marker_word(kind: MarkerKind) -> &'static str {
    match kind {
        MarkerKind::KnockOut => "knock-out",
        MarkerKind::Pickup => "pickup",
        MarkerKind::LeadChange => "new leader",
    }
}

#[cfg(test)]
mod tests;
