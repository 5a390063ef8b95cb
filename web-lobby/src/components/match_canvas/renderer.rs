//! Turns a recording and a playhead into pictures: decodes up to the playhead, collects the events, and draws.

use std::collections::VecDeque;

use presentation::playhead::decode_target;
use shared::replay::{Playback, ReplayReader};
use shared::sim::{Event, PushKind, Slot, World};
use shared::snapshot::Roster;
use shared::tick::seconds;

use super::Surface;
use super::hud::{Hud, Kill, Person};
use crate::canvas::{Effects, Frame, Scene};

/// A jump ahead by more ticks than this seeks to a keyframe and shows no effects on the way.
const JUMP_TICKS: u32 = seconds(4);
/// Lines of the kill feed.
const KILLS_MAX: usize = 5;
/// How long a line is shown, in ticks.
const KILL_TICKS: u32 = seconds(5);

/// Draws a recording on a surface.
#[derive(Default)]
pub struct MatchRenderer {
    playback: Playback,
    effects: Effects,
    /// The newest line comes last.
    kills: VecDeque<Kill>,
    kills_seen: u32,
}

impl MatchRenderer {
    /// Draws the moment at a playhead, or the void while there is no world.
    pub fn show(
        &mut self,
        surface: &mut Surface,
        frame: &Frame,
        reader: &ReplayReader,
        at: f64,
        follow: Option<Slot>,
    ) {
        self.play_to(reader, at);
        let shown = (self.world().map(|_| at), follow);
        if !surface.has_changed(frame, shown) {
            return;
        }
        match self.scene(reader, at, follow) {
            Some(scene) => surface.draw(frame, &scene),
            None => surface.draw_void(frame),
        }
    }

    /// Draws the moment at a playhead as a thumbnail. Draws nothing while there is no world.
    pub fn show_small(
        &mut self,
        surface: &mut Surface,
        frame: &Frame,
        reader: &ReplayReader,
        at: f64,
    ) {
        self.play_to(reader, at);
        if let Some(scene) = self.scene(reader, at, None) {
            surface.draw_thumbnail(frame, &scene);
        }
    }

    fn scene<'a>(
        &'a self,
        reader: &'a ReplayReader,
        at: f64,
        follow: Option<Slot>,
    ) -> Option<Scene<'a>> {
        let world = self.playback.world()?;
        Some(Scene {
            world,
            previous: self.playback.previous(),
            at: at.max(f64::from(reader.first_tick())),
            roster: reader.roster_at(world.elapsed()),
            effects: &self.effects,
            follow,
        })
    }

    /// Drops all state, because another recording follows.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    pub fn world(&self) -> Option<&World> {
        self.playback.world()
    }

    /// The content of the overlay. `None` while there is no world.
    pub fn hud(&self, reader: &ReplayReader) -> Option<Hud> {
        let world = self.world()?;
        let now = world.elapsed();
        let kills = self.kills.iter().filter(|kill| now.saturating_sub(kill.tick) < KILL_TICKS);
        Some(Hud::of(world, reader.roster_at(now), kills.cloned().collect()))
    }

    /// Decodes one snapshot past the playhead, so that every picture lies between two worlds.
    fn play_to(&mut self, reader: &ReplayReader, at: f64) {
        let target = decode_target(at);
        let before = self.playback.tick();
        let jumps = self.playback.world().is_none()
            || target < before
            || target.min(reader.available_ticks()) > before + JUMP_TICKS;
        if jumps {
            self.playback.seek(reader, target);
            self.effects.clear();
            self.kills.clear();
            return;
        }
        let events = self.playback.advance_to(reader, target);
        let Some(world) = self.playback.world() else { return };
        self.effects.record(world, &events);
        for (tick, event) in &events {
            if let Event::KnockOut { slot, credit, .. } = event {
                let tick = tick.since(world.began).max(0).unsigned_abs();
                let roster = reader.roster_at(tick);
                self.kills_seen = self.kills_seen.wrapping_add(1);
                self.kills.push_back(kill(self.kills_seen, tick, roster, *slot, *credit));
            }
        }
        while self.kills.len() > KILLS_MAX {
            self.kills.pop_front();
        }
    }
}

fn kill(
    number: u32,
    tick: u32,
    roster: &Roster,
    fallen: Slot,
    credit: Option<(Slot, PushKind)>,
) -> Kill {
    Kill {
        number,
        tick,
        fallen: Person::of(roster, fallen),
        by: credit.map(|(slot, _)| Person::of(roster, slot)),
        kind: credit.map(|(_, kind)| kind),
    }
}
