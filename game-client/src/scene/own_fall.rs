//! The own disc's last fall: who gave the push, as soon as the server has said it, and when the picture turns to them.
//!
//! The fall itself is predicted, so it is seen before the server's word comes. Until then nobody is named.

use bevy::prelude::{
    App, IntoScheduleConfigs as _, MessageReader, Plugin, Res, ResMut, Resource, Time, Update,
};
use shared::sim::event::PushKind;
use shared::sim::{Event, Slot};

use super::{Phase, Stage, camera};
use crate::room::Settled;

/// The picture stays with the fall until so many seconds before the own disc is back; then it turns to who pushed.
const KILLER_SECONDS: f32 = 1.5;
/// The word may come a little before the picture shows the fall. When it shows none for so long, it was another one's.
const EARLY_SECONDS: f32 = 0.3;

/// To whom a fall is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credit {
    /// Nobody pushed.
    Slipped,
    /// Who, and with what.
    Pushed(Slot, PushKind),
}

/// The last fall of the own disc, while it is down.
#[derive(Debug, Default, Resource)]
pub struct OwnFall {
    credit: Option<Credit>,
    /// Seconds since the server told it.
    age: f32,
    was_down: bool,
    killer: Option<Slot>,
}

impl OwnFall {
    /// What is known of it. Nothing: the server has not said yet.
    #[must_use]
    pub fn credit(&self) -> Option<Credit> {
        self.credit
    }

    /// Whom the picture shows because they pushed.
    #[must_use]
    pub fn killer(&self) -> Option<Slot> {
        self.killer
    }

    /// Time passes. `back_in`: seconds until the own disc is back; nothing while it stands.
    fn pass(&mut self, back_in: Option<f32>, seconds: f32, told: Option<Credit>) {
        let is_down = back_in.is_some();
        self.age += seconds;
        if !is_down && (self.was_down || self.age > EARLY_SECONDS) {
            self.credit = None;
        }
        self.was_down = is_down;
        if told.is_some() {
            (self.credit, self.age) = (told, 0.0);
        }
        self.killer = match (back_in, self.credit) {
            (Some(left), Some(Credit::Pushed(by, _))) if left < KILLER_SECONDS => Some(by),
            _ => None,
        };
    }
}

/// Remembers the own fall.
#[derive(Debug)]
pub(super) struct OwnFallPlugin;

impl Plugin for OwnFallPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<OwnFall>()
            .add_systems(Update, remember.after(Phase::Show).before(camera::follow));
    }
}

fn remember(
    mut settled: MessageReader<Settled>,
    stage: Res<Stage>,
    time: Res<Time>,
    mut fall: ResMut<OwnFall>,
) {
    let credit_of = |Settled(event): &Settled| match event {
        Event::KnockOut { slot, credit, .. } if stage.own == Some(*slot) => {
            Some(credit.map_or(Credit::Slipped, |(by, kind)| Credit::Pushed(by, kind)))
        }
        _ => None,
    };
    let told = settled.read().filter_map(credit_of).last();
    let drawn = stage.drawn.as_ref().filter(|drawn| !drawn.over);
    let own = drawn.and_then(|drawn| drawn.disc(stage.own?));
    // Who takes a seat comes in like after a fall.
    let down = own.filter(|own| !own.standing && own.falls > 0);
    fall.pass(down.map(|own| own.back_in), time.delta_secs(), told);
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
    fn a_predicted_fall_names_nobody_before_the_server_does() {
        let mut fall = OwnFall::default();
        fall.pass(Some(2.0), FRAME, Some(BY_THREE));
        fall.pass(Some(1.0), FRAME, None);
        fall.pass(None, FRAME, None);

        fall.pass(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), None);
        fall.pass(Some(1.9), FRAME, Some(BY_FIVE));

        assert_eq!(fall.credit(), Some(BY_FIVE));
    }

    #[test]
    fn a_word_may_come_a_little_before_the_fall_is_seen() {
        let mut fall = OwnFall::default();
        fall.pass(None, 60.0, None);

        fall.pass(None, FRAME, Some(BY_THREE));
        fall.pass(None, FRAME, None);
        fall.pass(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), Some(BY_THREE));

        fall.pass(None, FRAME, Some(BY_FIVE));
        fall.pass(None, 1.0, None);
        fall.pass(Some(2.0), FRAME, None);
        assert_eq!(fall.credit(), None);
    }

    #[test]
    fn the_picture_turns_to_who_pushed_until_one_is_back() {
        let mut fall = OwnFall::default();

        fall.pass(Some(1.9), FRAME, Some(BY_THREE));
        assert_eq!(fall.killer(), None);
        fall.pass(Some(1.2), FRAME, None);
        assert_eq!(fall.killer(), Some(Slot(3)));
        fall.pass(None, FRAME, None);
        assert_eq!(fall.killer(), None);

        fall.pass(Some(1.2), FRAME, Some(Credit::Slipped));
        assert_eq!(fall.killer(), None);
    }
}
