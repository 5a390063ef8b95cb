//! From keys, mouse and gamepad to an [`Input`] of the game, and the driver of the own disc.
//!
//! Keys are read once a frame, and an input is made once a tick. A press that is shorter than a frame still counts for one
//! tick.

pub mod binding;
pub mod bindings;
pub mod key_names;

use bevy::input::gamepad::{Gamepad, GamepadAxis, GamepadButton};
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::input::{ButtonInput, InputSystems};
use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, PreUpdate, Query, Res, ResMut, Resource,
};
use shared::sim::{Angle, BotStrength, Buttons, Input, Thrust};

use crate::world_to_scene::{angle_towards, thrust_along};

use bindings::{Action, Bindings};
use key_names::KeyNames;

/// A stick that is deflected less than this does nothing. Full deflection is 1.
const DEAD_ZONE: f32 = 0.25;

/// The driver of the own disc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub enum Driver {
    /// The person at this machine, through [`Controls`].
    #[default]
    Human,
    /// A bot of this strength, for demonstrations, pictures and tests.
    Bot(BotStrength),
}

/// The state of the controls in this frame.
#[derive(Debug, Clone, Resource, Default)]
pub struct Controls {
    thrust: Vec2,
    held: Buttons,
    /// The buttons that were pressed since the last tick, even if they are released again.
    pressed: Buttons,
    aim_stick: Option<Vec2>,
    aim: Angle,
    /// Whether a text field, a menu or a lost connection takes the keys away from the round.
    pub blocked: bool,
    /// Whether the scoreboard's key is held.
    pub scoreboard: bool,
}

impl Controls {
    /// The input of the next tick. Presses count once.
    pub fn next_input(&mut self) -> Input {
        let pressed = core::mem::take(&mut self.pressed);
        if self.blocked {
            return Input { thrust: Thrust::NONE, aim: self.aim, buttons: Buttons::NONE };
        }
        Input {
            thrust: thrust_along(self.thrust, DEAD_ZONE),
            aim: self.aim,
            buttons: self.held.with(pressed),
        }
    }

    /// Forgets the presses since the last tick, while no tick asks for an input.
    pub fn clear_presses(&mut self) {
        self.pressed = Buttons::NONE;
    }

    /// The direction of the aim.
    #[must_use]
    pub fn aim(&self) -> Angle {
        self.aim
    }

    /// Aims along `vector`, from the own disc to the mouse. A stick that is deflected takes precedence.
    pub fn aim_along(&mut self, vector: Option<Vec2>) {
        let vector = self.aim_stick.or(vector);
        if let Some(aim) = vector.and_then(angle_towards)
            && !self.blocked
        {
            self.aim = aim;
        }
    }
}

/// Reads keys, mouse and gamepads at the start of each frame.
#[derive(Debug)]
pub struct InputPlugin;

impl Plugin for InputPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Controls>()
            .insert_resource(KeyNames::of_system())
            .add_systems(PreUpdate, (read, key_names::learn).after(InputSystems));
    }
}

fn read(
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    gamepads: Query<&Gamepad>,
    bindings: Res<Bindings>,
    mut controls: ResMut<Controls>,
) {
    let bound = |action| bindings.of(action).into_iter().flatten();
    let held = |action| bound(action).any(|binding| binding.is_pressed(&keys, &mouse));
    let pressed = |action| bound(action).any(|binding| binding.just_pressed(&keys, &mouse));
    let axis = |more, less| f32::from(i8::from(held(more)) - i8::from(held(less)));

    let mut thrust = Vec2::new(axis(Action::Right, Action::Left), axis(Action::Up, Action::Down));
    let mut buttons = Buttons::NONE;
    let mut newly = Buttons::NONE;
    let fire = [
        (Action::Pulse, Buttons::PULSE, GamepadButton::RightTrigger2),
        (Action::Shove, Buttons::SHOVE, GamepadButton::LeftTrigger2),
        (Action::Dash, Buttons::DASH, GamepadButton::South),
    ];
    for (action, button, on_gamepad) in fire {
        let by_pad = gamepads.iter().any(|gamepad| gamepad.pressed(on_gamepad));
        if held(action) || by_pad {
            buttons = buttons.with(button);
        }
        if pressed(action) {
            newly = newly.with(button);
        }
    }
    let mut aim_stick = None;
    for gamepad in &gamepads {
        let stick = |x, y| {
            Vec2::new(gamepad.get(x).unwrap_or_default(), gamepad.get(y).unwrap_or_default())
        };
        let left = stick(GamepadAxis::LeftStickX, GamepadAxis::LeftStickY);
        let right = stick(GamepadAxis::RightStickX, GamepadAxis::RightStickY);
        if left.length() > DEAD_ZONE {
            thrust = left;
        }
        if right.length() > DEAD_ZONE {
            aim_stick = Some(right);
        }
    }
    let scoreboard = held(Action::Scoreboard)
        || gamepads.iter().any(|gamepad| gamepad.pressed(GamepadButton::Select));
    // A press in a menu is not meant for the round that begins.
    let pressed = if controls.blocked { Buttons::NONE } else { controls.pressed.with(newly) };
    *controls = Controls {
        thrust,
        held: buttons,
        pressed,
        aim_stick,
        scoreboard: scoreboard && !controls.blocked,
        ..controls.clone()
    };
}

#[cfg(test)]
mod tests {
    use bevy::ecs::system::RunSystemOnce as _;
    use bevy::input::ButtonInput;
    use bevy::input::keyboard::KeyCode;
    use bevy::input::mouse::MouseButton;
    use bevy::prelude::World;
    use shared::sim::{Buttons, Thrust};

    use super::{Bindings, Controls, read};

    #[test]
    fn a_short_press_counts_for_one_tick() {
        let mut controls = Controls { pressed: Buttons::DASH, ..Controls::default() };

        assert_eq!(controls.next_input().buttons, Buttons::DASH);
        assert_eq!(controls.next_input().buttons, Buttons::NONE);
    }

    #[test]
    fn presses_in_a_menu_are_not_kept_for_the_match() {
        let mut world = World::new();
        let mut keys = ButtonInput::<KeyCode>::default();
        keys.press(KeyCode::Space);
        world.insert_resource(keys);
        world.init_resource::<ButtonInput<MouseButton>>();
        world.init_resource::<Bindings>();
        world.insert_resource(Controls { blocked: true, ..Controls::default() });

        world.run_system_once(read).expect("it reads");
        // The match begins, and the key is no longer held.
        world.resource_mut::<Controls>().blocked = false;
        world.insert_resource(ButtonInput::<KeyCode>::default());
        world.run_system_once(read).expect("it reads");

        assert_eq!(world.resource_mut::<Controls>().next_input().buttons, Buttons::NONE);
    }

    #[test]
    fn blocked_keys_do_nothing() {
        let mut controls = Controls { held: Buttons::PULSE, blocked: true, ..Controls::default() };
        controls.thrust = bevy::math::Vec2::X;

        let input = controls.next_input();

        assert_eq!((input.thrust, input.buttons), (Thrust::NONE, Buttons::NONE));
    }
}
