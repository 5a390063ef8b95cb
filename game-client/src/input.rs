//! From keys, mouse and gamepad to an [`Input`] of the game.
//!
//! Held keys are read each frame and asked for once a tick. A press shorter than a frame still counts for one tick.

mod binding;

use bevy::input::gamepad::{Gamepad, GamepadAxis, GamepadButton};
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::MouseButton;
use bevy::input::{ButtonInput, InputSystems};
use bevy::math::Vec2;
use bevy::prelude::{
    App, IntoScheduleConfigs as _, Plugin, PreUpdate, Query, Res, ResMut, Resource,
};
use serde::{Deserialize, Serialize};
use shared::sim::{Angle, Buttons, Input, Thrust};

use crate::settings::Settings;
use crate::space::{angle_towards, thrust_along};

pub use binding::Binding;

/// A stick that is pushed less does nothing.
const DEAD_ZONE: f32 = 0.25;

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Drive up.
    Up,
    /// Drive down.
    Down,
    /// Drive left.
    Left,
    /// Drive right.
    Right,
    /// Fire a pulse.
    Pulse,
    /// Shove what is near.
    Shove,
    /// Dash along the thrust.
    Dash,
    /// Show the table while held.
    Scoreboard,
    /// Open the chat.
    Chat,
}

impl Action {
    /// All actions, in the order in which the settings show them.
    pub const ALL: [Self; 9] = [
        Self::Up,
        Self::Down,
        Self::Left,
        Self::Right,
        Self::Pulse,
        Self::Shove,
        Self::Dash,
        Self::Scoreboard,
        Self::Chat,
    ];

    /// The name to show.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Left => "Left",
            Self::Right => "Right",
            Self::Pulse => "Pulse",
            Self::Shove => "Shove",
            Self::Dash => "Dash",
            Self::Scoreboard => "Scoreboard",
            Self::Chat => "Chat",
        }
    }
}

/// Up to two keys for each action, in the order of [`Action::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings([[Option<Binding>; 2]; 9]);

impl Default for Bindings {
    fn default() -> Self {
        use Binding::{Key, Mouse};
        let keys = |a, b| [Some(Key(a)), Some(Key(b))];
        Self([
            keys(KeyCode::KeyW, KeyCode::ArrowUp),
            keys(KeyCode::KeyS, KeyCode::ArrowDown),
            keys(KeyCode::KeyA, KeyCode::ArrowLeft),
            keys(KeyCode::KeyD, KeyCode::ArrowRight),
            [Some(Mouse(MouseButton::Left)), Some(Key(KeyCode::KeyJ))],
            [Some(Mouse(MouseButton::Right)), Some(Key(KeyCode::KeyK))],
            [Some(Key(KeyCode::Space)), None],
            [Some(Key(KeyCode::Tab)), None],
            [Some(Key(KeyCode::Enter)), None],
        ])
    }
}

impl Bindings {
    /// What an action is bound to.
    #[must_use]
    pub fn of(&self, action: Action) -> [Option<Binding>; 2] {
        self.0[action as usize]
    }

    /// Binds an action; whatever else the key did, it does no longer.
    pub fn bind(&mut self, action: Action, place: usize, to: Binding) {
        for bound in self.0.iter_mut().flatten() {
            if *bound == Some(to) {
                *bound = None;
            }
        }
        if let Some(bound) = self.0[action as usize].get_mut(place) {
            *bound = Some(to);
        }
    }

    /// The name of the first key of an action.
    #[must_use]
    pub fn label(&self, action: Action) -> &'static str {
        self.of(action).into_iter().flatten().next().map_or("–", Binding::name)
    }
}

/// What is held right now.
#[derive(Debug, Clone, Resource, Default)]
pub struct Controls {
    thrust: Vec2,
    held: Buttons,
    /// Pressed since the last tick, even if released again.
    pressed: Buttons,
    aim_stick: Option<Vec2>,
    aim: Angle,
    /// Something else takes the keys: a text field, a menu, a lost connection.
    pub taken: bool,
    /// The table is asked for.
    pub scoreboard: bool,
}

impl Controls {
    /// The input of the next tick.
    pub fn take(&mut self) -> Input {
        let pressed = core::mem::take(&mut self.pressed);
        if self.taken {
            return Input { thrust: Thrust::NONE, aim: self.aim, buttons: Buttons::NONE };
        }
        Input {
            thrust: thrust_along(self.thrust, DEAD_ZONE),
            aim: self.aim,
            buttons: self.held.with(pressed),
        }
    }

    /// Nothing asks for inputs now: what is pressed meanwhile is not kept.
    pub fn forget_presses(&mut self) {
        self.pressed = Buttons::NONE;
    }

    /// Where one aims.
    #[must_use]
    pub fn aim(&self) -> Angle {
        self.aim
    }

    /// The mouse points from the own disc along `way`. A stick that is pushed goes first.
    pub fn point(&mut self, way: Option<Vec2>) {
        let way = self.aim_stick.or(way);
        if let Some(aim) = way.and_then(angle_towards)
            && !self.taken
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
        app.init_resource::<Controls>().add_systems(PreUpdate, read.after(InputSystems));
    }
}

fn read(
    keys: Res<ButtonInput<KeyCode>>,
    mouse: Res<ButtonInput<MouseButton>>,
    gamepads: Query<&Gamepad>,
    settings: Res<Settings>,
    mut controls: ResMut<Controls>,
) {
    let bindings = &settings.bindings;
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
    // What is pressed in a menu is not meant for the match that begins.
    let pressed = if controls.taken { Buttons::NONE } else { controls.pressed.with(newly) };
    *controls = Controls {
        thrust,
        held: buttons,
        pressed,
        aim_stick,
        scoreboard: scoreboard && !controls.taken,
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

    use super::{Action, Binding, Bindings, Controls, read};
    use crate::settings::Settings;

    #[test]
    fn a_short_press_counts_for_one_tick() {
        let mut controls = Controls { pressed: Buttons::DASH, ..Controls::default() };

        assert_eq!(controls.take().buttons, Buttons::DASH);
        assert_eq!(controls.take().buttons, Buttons::NONE);
    }

    #[test]
    fn presses_in_a_menu_are_not_kept_for_the_match() {
        let mut world = World::new();
        let mut keys = ButtonInput::<KeyCode>::default();
        keys.press(KeyCode::Space);
        world.insert_resource(keys);
        world.init_resource::<ButtonInput<MouseButton>>();
        world.init_resource::<Settings>();
        world.insert_resource(Controls { taken: true, ..Controls::default() });

        world.run_system_once(read).expect("it reads");
        // The match begins, and the key is no longer held.
        world.resource_mut::<Controls>().taken = false;
        world.insert_resource(ButtonInput::<KeyCode>::default());
        world.run_system_once(read).expect("it reads");

        assert_eq!(world.resource_mut::<Controls>().take().buttons, Buttons::NONE);
    }

    #[test]
    fn taken_keys_do_nothing() {
        let mut controls = Controls { held: Buttons::PULSE, taken: true, ..Controls::default() };
        controls.thrust = bevy::math::Vec2::X;

        let input = controls.take();

        assert_eq!((input.thrust, input.buttons), (Thrust::NONE, Buttons::NONE));
    }

    #[test]
    fn a_key_does_one_thing() {
        let mut bindings = Bindings::default();

        bindings.bind(Action::Dash, 0, Binding::Key(KeyCode::KeyW));

        assert_eq!(bindings.of(Action::Up)[0], None);
        assert_eq!(bindings.label(Action::Up), "Up");
        assert_eq!(bindings.label(Action::Dash), "W");
        let written = serde_json::to_string(&bindings).expect("it writes");
        assert_eq!(serde_json::from_str::<Bindings>(&written).expect("it reads"), bindings);
    }
}
