//! The last fall of the own disc: its cause, and the time at which the camera turns to the player behind it.
//!
//! The fall itself is predicted, so it is shown before the server confirms it. Until then no player is named.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Time, Update,
};
use shared::sim::event::PushKind;
use shared::sim::{Event, Slot};

use crate::frame::{ConfirmedEvent, Phase, RenderState};

/// The camera turns to the player who pushed this many seconds before the own disc is back.
const KILLER_SECONDS: f32 = 1.5;
/// The confirmation may arrive a little before the fall is shown. When no fall is shown within this time, the confirmation
/// belonged to an earlier one.
const EARLY_SECONDS: f32 = 0.3;

/// The cause of a fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// The disc slipped.
    Slipped,
    /// This slot pushed it, in this way.
    Pushed(Slot, PushKind),
}

/// The last fall of the own disc, while the disc is out.
#[derive(Debug, Default, Resource)]
pub struct OwnFall {
    credit: Option<Credit>,
    /// Seconds since the confirmation.
    age: f32,
    was_down: bool,
    killer: Option<Slot>,
}

impl OwnFall {
    /// The confirmed cause. `None` before the confirmation.
    #[must_use]
    pub fn credit(&self) -> Option<Credit> {
        self.credit
    }

    /// The slot that pushed, while the camera shows it.
    #[must_use]
    pub fn killer(&self) -> Option<Slot> {
        self.killer
    }

    /// Advances by `seconds`. `back_in` is the time until the own disc is back, in seconds; `None` while it stands.
    fn advance(&mut self, back_in: Option<f32>, seconds: f32, confirmed: Option<Credit>) {
        let is_down = back_in.is_some();
        self.age += seconds;
        if !is_down && (self.was_down || self.age > EARLY_SECONDS) {
            self.credit = None;
        }
        self.was_down = is_down;
        if confirmed.is_some() {
            (self.credit, self.age) = (confirmed, 0.0);
        }
        self.killer = match (back_in, self.credit) {
            (Some(left), Some(Credit::Pushed(by, _))) if left < KILLER_SECONDS => Some(by),
            _ => None,
        };
    }
}

/// Tracks the falls of the own disc.
#[derive(Debug)]
pub(super) struct OwnFallPlugin;

impl Plugin for OwnFallPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<OwnFall>()
            .add_systems(Update, track.after(Phase::Present).before(Phase::Draw));
    }
}

pub(super) fn track(
    mut confirmed: MessageReader<ConfirmedEvent>,
    render: Res<RenderState>,
    time: Res<Time>,
    mut fall: ResMut<OwnFall>,
) {
    let credit_of = |ConfirmedEvent(event): &ConfirmedEvent| match event {
        Event::KnockOut { slot, credit, .. } if render.own == Some(*slot) => {
            Some(credit.map_or(Credit::Slipped, |(by, kind)| Credit::Pushed(by, kind)))
        }
        _ => None,
    };
    let credit = confirmed.read().filter_map(credit_of).last();
    let scene = render.scene.as_ref().filter(|scene| !scene.over);
    let own = scene.and_then(|scene| scene.disc(render.own?));
    // A disc that has just taken a seat is out as well, without a fall.
    let down = own.filter(|own| !own.standing && own.falls > 0);
    fall.advance(down.map(|own| own.back_in), time.delta_secs(), credit);
}

#[cfg(test)]
mod tests {
    use shared::sim::Slot;
    use shared::sim::event::PushKind;

    use super::{Credit, OwnFall};

    const FRAME: f32 = 1.0 / 60.0;
    const BY_THREE: Credit = Credit::Pushed(Slot(3), PushKind::Pulse);
    const BY_FIVE: Credit = Credit::Pushed(Slot(5), PushKind::Shove);

    #[test]
    fn a_predicted_fall_names_no_player_before_it_is_confirmed() {
        let mut fall = OwnFall::default();
        fall.advance(Some(2.0), FRAME, Some(BY_THREE));
        fall.advance(Some(1.0), FRAME, None);
        fall.advance(None, FRAME, None);

        fall.advance(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), None);
        fall.advance(Some(1.9), FRAME, Some(BY_FIVE));

        assert_eq!(fall.credit(), Some(BY_FIVE));
    }

    #[test]
    fn a_confirmation_may_arrive_a_little_before_the_fall_is_shown() {
        let mut fall = OwnFall::default();
        fall.advance(None, 60.0, None);

        fall.advance(None, FRAME, Some(BY_THREE));
        fall.advance(None, FRAME, None);
        fall.advance(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), Some(BY_THREE));

        fall.advance(None, FRAME, Some(BY_FIVE));
        fall.advance(None, 1.0, None);
        fall.advance(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), None);
    }

    #[test]
    fn the_camera_turns_to_the_player_who_pushed_until_the_disc_is_back() {
        let mut fall = OwnFall::default();

        fall.advance(Some(1.9), FRAME, Some(BY_THREE));
        assert_eq!(fall.killer(), None);
        fall.advance(Some(1.2), FRAME, None);
        assert_eq!(fall.killer(), Some(Slot(3)));
        fall.advance(None, FRAME, None);
        assert_eq!(fall.killer(), None);

        fall.advance(Some(1.2), FRAME, Some(Credit::Slipped));
        assert_eq!(fall.killer(), None);
    }
}
