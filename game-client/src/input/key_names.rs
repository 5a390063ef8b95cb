//! The names of keys on the keyboard of the player: bindings are places, and on another layout another letter is there.

use std::borrow::Cow;
use std::collections::HashMap;

use bevy::input::ButtonState;
use bevy::input::keyboard::{Key, KeyCode, KeyboardInput};
use bevy::prelude::{MessageReader, ResMut, Resource};

use super::binding::Binding;
use super::bindings::{Action, Bindings};

/// The letters and signs of the player's layout, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Resource)]
pub struct KeyNames {
    signs: HashMap<KeyCode, String>,
    /// The keys that change which sign a key makes, while they are held.
    held: Vec<KeyCode>,
}

impl KeyNames {
    /// The names of the layout that the system has now. Empty where the system does not tell; then each key that is
    /// pressed tells its own.
    #[must_use]
    pub fn of_system() -> Self {
        let signs = layout::signs().into_iter().map(|(key, sign)| (key, name(sign)));
        Self { signs: signs.collect(), held: Vec::new() }
    }

    /// The name of a key or button on the player's layout.
    #[must_use]
    pub fn of(&self, binding: Binding) -> Cow<'static, str> {
        match binding {
            Binding::Key(key) => match self.signs.get(&key) {
                Some(sign) => Cow::Owned(sign.clone()),
                None => binding.name(),
            },
            Binding::Mouse(_) => binding.name(),
        }
    }

    /// The name of the first key of an action.
    #[must_use]
    pub fn label(&self, bindings: &Bindings, action: Action) -> Cow<'static, str> {
        bindings.first(action).map_or(Cow::Borrowed("–"), |binding| self.of(binding))
    }

    fn learn(&mut self, event: &KeyboardInput) {
        if is_modifier(event.key_code) {
            self.held.retain(|key| *key != event.key_code);
            if event.state == ButtonState::Pressed {
                self.held.push(event.key_code);
            }
            return;
        }
        let Key::Character(sign) = &event.logical_key else { return };
        let mut letters = sign.chars();
        let (Some(letter), None) = (letters.next(), letters.next()) else { return };
        let is_plain = self.held.is_empty() || letter.is_alphabetic();
        if event.state == ButtonState::Pressed && is_plain && is_sign_key(event.key_code) {
            self.signs.insert(event.key_code, name(letter));
        }
    }
}

/// Learns from what is pressed: the layout may change while the game runs.
pub(super) fn learn(mut events: MessageReader<KeyboardInput>, mut names: ResMut<KeyNames>) {
    for event in events.read() {
        names.learn(event);
    }
}

fn name(sign: char) -> String {
    sign.to_uppercase().collect()
}

const fn is_modifier(key: KeyCode) -> bool {
    use KeyCode::{AltLeft, AltRight, ControlLeft, ControlRight, ShiftLeft, ShiftRight};
    matches!(key, ShiftLeft | ShiftRight | ControlLeft | ControlRight | AltLeft | AltRight)
}

/// Whether it is a key with a letter or a sign on it, outside the number pad.
fn is_sign_key(key: KeyCode) -> bool {
    SIGN_KEYS.iter().any(|(known, _)| *known == key)
}

/// The keys with letters and signs, and their codes in X11: those of the Linux kernel and eight.
const SIGN_KEYS: [(KeyCode, u8); 48] = {
    use KeyCode as K;
    [
        (K::Digit1, 10),
        (K::Digit2, 11),
        (K::Digit3, 12),
        (K::Digit4, 13),
        (K::Digit5, 14),
        (K::Digit6, 15),
        (K::Digit7, 16),
        (K::Digit8, 17),
        (K::Digit9, 18),
        (K::Digit0, 19),
        (K::Minus, 20),
        (K::Equal, 21),
        (K::KeyQ, 24),
        (K::KeyW, 25),
        (K::KeyE, 26),
        (K::KeyR, 27),
        (K::KeyT, 28),
        (K::KeyY, 29),
        (K::KeyU, 30),
        (K::KeyI, 31),
        (K::KeyO, 32),
        (K::KeyP, 33),
        (K::BracketLeft, 34),
        (K::BracketRight, 35),
        (K::KeyA, 38),
        (K::KeyS, 39),
        (K::KeyD, 40),
        (K::KeyF, 41),
        (K::KeyG, 42),
        (K::KeyH, 43),
        (K::KeyJ, 44),
        (K::KeyK, 45),
        (K::KeyL, 46),
        (K::Semicolon, 47),
        (K::Quote, 48),
        (K::Backquote, 49),
        (K::Backslash, 51),
        (K::KeyZ, 52),
        (K::KeyX, 53),
        (K::KeyC, 54),
        (K::KeyV, 55),
        (K::KeyB, 56),
        (K::KeyN, 57),
        (K::KeyM, 58),
        (K::Comma, 59),
        (K::Period, 60),
        (K::Slash, 61),
        (K::IntlBackslash, 94),
    ]
};

/// The layout of the X server, which XWayland has, too.
#[cfg(target_os = "linux")]
mod layout {
    use bevy::input::keyboard::KeyCode;
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::ConnectionExt as _;
    use xkeysym::Keysym;

    use super::SIGN_KEYS;

    pub(super) fn signs() -> Vec<(KeyCode, char)> {
        read().unwrap_or_default()
    }

    /// `None` without an X server.
    fn read() -> Option<Vec<(KeyCode, char)>> {
        let (connection, _) = x11rb::connect(None).ok()?;
        let first = connection.setup().min_keycode;
        let count = connection.setup().max_keycode.checked_sub(first)?.checked_add(1)?;
        let mapping = connection.get_keyboard_mapping(first, count).ok()?.reply().ok()?;
        let width = usize::from(mapping.keysyms_per_keycode);
        let sign = |(key, code): &(KeyCode, u8)| {
            let at = usize::from(code.checked_sub(first)?) * width;
            let sign = Keysym::new(*mapping.keysyms.get(at)?).key_char()?;
            (!sign.is_control() && !sign.is_whitespace()).then_some((*key, sign))
        };
        Some(SIGN_KEYS.iter().filter_map(sign).collect())
    }
}

#[cfg(not(target_os = "linux"))]
mod layout {
    use bevy::input::keyboard::KeyCode;

    pub(super) fn signs() -> Vec<(KeyCode, char)> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use bevy::input::ButtonState;
    use bevy::input::keyboard::{Key, KeyCode, KeyboardInput};
    use bevy::prelude::Entity;

    use super::{Binding, KeyNames};

    fn press(names: &mut KeyNames, key_code: KeyCode, sign: &str) {
        let event = KeyboardInput {
            key_code,
            logical_key: Key::Character(sign.into()),
            state: ButtonState::Pressed,
            text: None,
            repeat: false,
            window: Entity::PLACEHOLDER,
        };
        names.learn(&event);
    }

    #[test]
    fn a_key_has_the_name_that_is_printed_on_it() {
        let mut names = KeyNames::default();
        let name = |names: &KeyNames, key| names.of(Binding::Key(key)).into_owned();
        assert_eq!(name(&names, KeyCode::KeyQ), "Q");

        press(&mut names, KeyCode::KeyQ, "a");
        press(&mut names, KeyCode::Backquote, "²");
        press(&mut names, KeyCode::KeyW, "ц");
        press(&mut names, KeyCode::Numpad1, "1");

        assert_eq!(name(&names, KeyCode::KeyQ), "A");
        assert_eq!(name(&names, KeyCode::Backquote), "²");
        assert_eq!(name(&names, KeyCode::KeyW), "Ц");
        assert_eq!(name(&names, KeyCode::Numpad1), "Num 1");
    }

    #[test]
    fn with_shift_a_key_does_not_change_its_name() {
        let mut names = KeyNames::default();

        press(&mut names, KeyCode::Digit1, "1");
        press(&mut names, KeyCode::ShiftLeft, "");
        press(&mut names, KeyCode::Digit1, "!");

        assert_eq!(names.of(Binding::Key(KeyCode::Digit1)), "1");
    }
}
