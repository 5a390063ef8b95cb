//! How many frames a second are drawn: few where nothing moves, where another window has the keyboard, and where nobody
//! sees them.

use std::time::Duration;

use bevy::camera::Camera;
use bevy::ecs::system::NonSendMarker;
use bevy::input::ButtonInput;
use bevy::input::gamepad::Gamepad;
use bevy::input::keyboard::KeyCode;
use bevy::input::mouse::{MouseButton, MouseWheel};
use bevy::prelude::{
    App, Entity, Last, Local, MessageReader, Messages, Plugin, Query, Real, Res, ResMut, Resource,
    State, Time, Window, With,
};
use bevy::window::{CursorMoved, PrimaryWindow, RequestRedraw, WindowOccluded};
use bevy::winit::{UpdateMode, WINIT_WINDOWS, WinitSettings};

use crate::lobby::Screen;
use crate::replay::Recording;
use crate::settings::{FrameCap, Settings};

/// The menu is lively for this long after the last key, click or movement…
const LIVELY_SECONDS: f32 = 5.0;
/// …and stands still after this time.
const STILL_SECONDS: f32 = 30.0;
/// Seconds between two looks at whether the window is minimised.
const LOOK_EVERY_SECONDS: f32 = 0.5;

/// Whether the pictures that only decorate stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Resource)]
pub struct Stillness(pub bool);

/// What decides about the frames.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Situation {
    /// A round, or a recording that plays.
    is_live: bool,
    has_focus: bool,
    /// Minimised, or covered by other windows.
    is_hidden: bool,
    /// Seconds since the last key, click or movement.
    idle_seconds: f32,
    cap: FrameCap,
}

/// The frames that are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pace {
    /// As many as the screen shows.
    Screen,
    /// This many a second.
    Hz(f64),
    /// This many a second, and one at once when a key is pressed or the mouse moves. (Wayland tells of keys only with the next
    /// frame.)
    Idle(f64),
}

impl Situation {
    fn pace(self) -> Pace {
        let capped = |most: f64| Pace::Hz(self.cap.hz().map_or(most, |cap| cap.min(most)));
        match (self.is_live, self.has_focus) {
            // A round goes on unseen: its messages are read, and the seat is kept.
            (true, _) if self.is_hidden => Pace::Idle(20.0),
            (true, true) => self.cap.hz().map_or(Pace::Screen, Pace::Hz),
            (true, false) => capped(30.0),
            (false, _) if self.is_hidden => Pace::Idle(1.0),
            (false, true) if self.idle_seconds < LIVELY_SECONDS => capped(60.0),
            (false, true) if self.idle_seconds < STILL_SECONDS => capped(30.0),
            (false, _) => Pace::Idle(2.0),
        }
    }
}

impl Pace {
    fn update_mode(self) -> UpdateMode {
        let every = |hz: f64| Duration::from_secs_f64(1.0 / hz);
        match self {
            Self::Screen => UpdateMode::Continuous,
            // The mouse alone sends hundreds of events a second: they do not make frames.
            Self::Hz(hz) => UpdateMode::Reactive {
                wait: every(hz),
                react_to_device_events: false,
                react_to_user_events: false,
                react_to_window_events: false,
            },
            // Keys and the mouse wake it at once. Events of the window must not: each picture is one, and would make the
            // next frame.
            Self::Idle(hz) => UpdateMode::Reactive {
                wait: every(hz),
                react_to_device_events: true,
                react_to_user_events: false,
                react_to_window_events: false,
            },
        }
    }
}

/// Keeps the pace.
#[derive(Debug)]
pub struct PacePlugin {
    /// Whether a script plays or takes pictures: then every frame counts.
    pub is_scripted: bool,
}

impl Plugin for PacePlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Stillness>().insert_resource(WinitSettings::continuous());
        if !self.is_scripted {
            app.add_systems(Last, keep);
        }
    }
}

/// What the last frames were like.
#[derive(Debug, Default)]
struct History {
    idle_seconds: f32,
    is_occluded: bool,
    is_minimised: bool,
    look_in_seconds: f32,
    pace: Option<Pace>,
}

fn keep(
    screen: Res<State<Screen>>,
    recording: Option<Res<Recording>>,
    settings: Res<Settings>,
    time: Res<Time<Real>>,
    windows: Query<(Entity, &Window), With<PrimaryWindow>>,
    mut activity: Activity<'_, '_>,
    mut occluded: MessageReader<WindowOccluded>,
    mut history: Local<History>,
    mut cameras: Query<&mut Camera>,
    mut winit: ResMut<WinitSettings>,
    mut stillness: ResMut<Stillness>,
    mut redraws: ResMut<Messages<RequestRedraw>>,
    _main_thread: NonSendMarker,
) {
    let Ok((entity, window)) = windows.single() else { return };
    let seconds = time.delta_secs();
    history.idle_seconds = if activity.any() { 0.0 } else { history.idle_seconds + seconds };
    if let Some(event) = occluded.read().last() {
        history.is_occluded = event.occluded;
    }
    history.look_in_seconds -= seconds;
    if history.look_in_seconds <= 0.0 {
        history.look_in_seconds = LOOK_EVERY_SECONDS;
        history.is_minimised = is_minimised(entity);
    }
    let situation = Situation {
        is_live: match screen.get() {
            Screen::Playing => true,
            Screen::Replay => recording.is_some_and(|recording| recording.is_playing()),
            Screen::Menu | Screen::Queue => false,
        },
        has_focus: window.focused,
        is_hidden: history.is_occluded || history.is_minimised,
        idle_seconds: history.idle_seconds,
        cap: settings.frame_cap,
    };
    let pace = situation.pace();
    // The panels ask for frames, too: as fast as they can be drawn.
    if pace != Pace::Screen {
        redraws.clear();
    }
    if history.pace.replace(pace) == Some(pace) {
        return;
    }
    let mode = pace.update_mode();
    *winit = WinitSettings { focused_mode: mode, unfocused_mode: mode };
    // While a match is searched for, the two discs of its screen circle each other, slowly.
    stillness.0 = matches!(pace, Pace::Idle(_)) && !situation.is_live;
    for mut camera in &mut cameras {
        camera.is_active = !situation.is_hidden;
    }
}

fn is_minimised(entity: Entity) -> bool {
    WINIT_WINDOWS.with_borrow(|windows| {
        windows.get_window(entity).and_then(|window| window.is_minimized()).unwrap_or(false)
    })
}

/// Everything that a person does.
#[derive(bevy::ecs::system::SystemParam)]
struct Activity<'w, 's> {
    keys: Res<'w, ButtonInput<KeyCode>>,
    mouse: Res<'w, ButtonInput<MouseButton>>,
    moved: MessageReader<'w, 's, CursorMoved>,
    scrolled: MessageReader<'w, 's, MouseWheel>,
    gamepads: Query<'w, 's, &'static Gamepad>,
}

impl Activity<'_, '_> {
    fn any(&mut self) -> bool {
        let moves = self.moved.read().count() + self.scrolled.read().count() > 0;
        let on_pad = |pad: &Gamepad| pad.get_pressed().next().is_some();
        moves
            || self.keys.get_pressed().next().is_some()
            || self.mouse.get_pressed().next().is_some()
            || self.gamepads.iter().any(on_pad)
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameCap, Pace, Situation};

    const MENU: Situation = Situation {
        is_live: false,
        has_focus: true,
        is_hidden: false,
        idle_seconds: 0.0,
        cap: FrameCap::Screen,
    };
    const ROUND: Situation = Situation { is_live: true, ..MENU };

    #[test]
    fn a_round_has_every_frame_and_the_cap_is_kept() {
        assert_eq!(ROUND.pace(), Pace::Screen);
        assert_eq!(Situation { cap: FrameCap::Sixty, ..ROUND }.pace(), Pace::Hz(60.0));
        assert_eq!(Situation { has_focus: false, ..ROUND }.pace(), Pace::Hz(30.0));
        assert_eq!(Situation { is_hidden: true, ..ROUND }.pace(), Pace::Idle(20.0));
    }

    #[test]
    fn a_menu_slows_down_and_then_stands_still() {
        let after = |idle_seconds| Situation { idle_seconds, ..MENU }.pace();

        assert_eq!((after(0.0), after(10.0)), (Pace::Hz(60.0), Pace::Hz(30.0)));
        assert_eq!(after(60.0), Pace::Idle(2.0));
        assert_eq!(Situation { has_focus: false, ..MENU }.pace(), Pace::Idle(2.0));
        assert_eq!(Situation { is_hidden: true, ..MENU }.pace(), Pace::Idle(1.0));
        assert_eq!(Situation { cap: FrameCap::Thirty, ..MENU }.pace(), Pace::Hz(30.0));
    }
}
