//! Falls, points and the leader.

use core::cmp::Reverse;

use super::command::Slot;
use super::disc::{Disc, POINTS_MAX, RESPAWN_TICKS, Stance};
use super::event::Event;
use super::fixed::Vec2;
use super::platform;

/// Takes each disc that is off the ice out of play, and gives the points.
pub(super) fn resolve_falls(
    discs: &mut [Disc],
    radius: i32,
    teams: bool,
    team_points: &mut [i16; 2],
    events: &mut Vec<Event>,
) {
    for fallen in 0..discs.len() {
        let disc = &mut discs[fallen];
        if !disc.is_standing() || platform::holds(radius, disc.position) {
            continue;
        }
        let at = disc.position;
        let (team, push) = (disc.team, disc.last_push.take());
        leave_the_ice(disc);
        let slot = disc.slot;

        // The pusher may have left, and a teammate may have taken the seat since: then there is no point.
        let scores = |by: &Disc| !teams || by.team != team;
        let pusher = push.and_then(|push| {
            let by = discs.iter_mut().find(|disc| disc.slot == push.by && scores(disc))?;
            Some((by, push.kind))
        });
        let credit = match pusher {
            Some((by, kind)) => {
                by.knockouts = by.knockouts.saturating_add(1);
                add(&mut by.points, 1);
                add(&mut team_points[usize::from(by.team & 1)], 1);
                Some((by.slot, kind))
            }
            None => {
                add(&mut discs[fallen].points, -1);
                add(&mut team_points[usize::from(team & 1)], -1);
                None
            }
        };
        events.push(Event::KnockOut { slot, credit, at });
    }
}

/// Takes a disc out of play, without a change of points.
pub(super) fn leave_the_ice(disc: &mut Disc) {
    disc.stance = Stance::Out { ticks_left: RESPAWN_TICKS };
    disc.velocity = Vec2::ZERO;
    disc.strain = 0;
    (disc.heavy, disc.overcharge, disc.protection) = (0, 0, 0);
    disc.falls = disc.falls.saturating_add(1);
}

fn add(points: &mut i16, more: i16) {
    *points = (*points + more).clamp(-POINTS_MAX, POINTS_MAX);
}

/// The discs, best first: by points, then fewer falls, then the lower slot.
#[must_use]
pub fn ranking(discs: &[Disc]) -> Vec<&Disc> {
    let mut ranked: Vec<_> = discs.iter().collect();
    ranked.sort_by_key(|disc| (Reverse(disc.points), disc.falls, disc.slot));
    ranked
}

/// The seat with more points than any other. `None` when no seat has, or the points are not positive.
#[must_use]
pub fn leader(discs: &[Disc]) -> Option<Slot> {
    let best = discs.iter().map(|disc| disc.points).max().filter(|points| *points > 0)?;
    let mut leading = discs.iter().filter(|disc| disc.points == best);
    let first = leading.next()?;
    leading.next().is_none().then_some(first.slot)
}
