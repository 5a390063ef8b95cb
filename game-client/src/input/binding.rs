//! The keys and mouse buttons that can be bound, and the names under which they are stored.

use std::borrow::Cow;

use bevy::input::ButtonInput;
use bevy::input::keyboard::{KeyCode, NativeKeyCode};
use bevy::input::mouse::MouseButton;
use serde::{Serialize, Serializer};

/// A key or a mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// A key, by its position on the keyboard.
    Key(KeyCode),
    /// A mouse button.
    Mouse(MouseButton),
}

/// What a person pressed while a key is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// A key or button that can be bound.
    Bindable(Binding),
    /// A key that cannot, and why.
    Refused(&'static str),
}

/// The keys that can be bound, with the names that are stored: those of a keyboard for American English. Escape and the
/// function keys are the client's.
const NAMES: &[(Binding, &str)] = {
    use Binding::{Key, Mouse};
    &[
        (Mouse(MouseButton::Left), "Left mouse"),
        (Mouse(MouseButton::Right), "Right mouse"),
        (Mouse(MouseButton::Middle), "Middle mouse"),
        (Mouse(MouseButton::Back), "Mouse 4"),
        (Mouse(MouseButton::Forward), "Mouse 5"),
        (Key(KeyCode::Space), "Space"),
        (Key(KeyCode::Tab), "Tab"),
        (Key(KeyCode::Enter), "Enter"),
        (Key(KeyCode::Backspace), "Backspace"),
        (Key(KeyCode::ShiftLeft), "Left Shift"),
        (Key(KeyCode::ShiftRight), "Right Shift"),
        (Key(KeyCode::ControlLeft), "Left Ctrl"),
        (Key(KeyCode::ControlRight), "Right Ctrl"),
        (Key(KeyCode::AltLeft), "Left Alt"),
        (Key(KeyCode::AltRight), "Right Alt"),
        (Key(KeyCode::ArrowUp), "Up"),
        (Key(KeyCode::ArrowDown), "Down"),
        (Key(KeyCode::ArrowLeft), "Left"),
        (Key(KeyCode::ArrowRight), "Right"),
        (Key(KeyCode::KeyA), "A"),
        (Key(KeyCode::KeyB), "B"),
        (Key(KeyCode::KeyC), "C"),
        (Key(KeyCode::KeyD), "D"),
        (Key(KeyCode::KeyE), "E"),
        (Key(KeyCode::KeyF), "F"),
        (Key(KeyCode::KeyG), "G"),
        (Key(KeyCode::KeyH), "H"),
        (Key(KeyCode::KeyI), "I"),
        (Key(KeyCode::KeyJ), "J"),
        (Key(KeyCode::KeyK), "K"),
        (Key(KeyCode::KeyL), "L"),
        (Key(KeyCode::KeyM), "M"),
        (Key(KeyCode::KeyN), "N"),
        (Key(KeyCode::KeyO), "O"),
        (Key(KeyCode::KeyP), "P"),
        (Key(KeyCode::KeyQ), "Q"),
        (Key(KeyCode::KeyR), "R"),
        (Key(KeyCode::KeyS), "S"),
        (Key(KeyCode::KeyT), "T"),
        (Key(KeyCode::KeyU), "U"),
        (Key(KeyCode::KeyV), "V"),
        (Key(KeyCode::KeyW), "W"),
        (Key(KeyCode::KeyX), "X"),
        (Key(KeyCode::KeyY), "Y"),
        (Key(KeyCode::KeyZ), "Z"),
        (Key(KeyCode::Digit0), "0"),
        (Key(KeyCode::Digit1), "1"),
        (Key(KeyCode::Digit2), "2"),
        (Key(KeyCode::Digit3), "3"),
        (Key(KeyCode::Digit4), "4"),
        (Key(KeyCode::Digit5), "5"),
        (Key(KeyCode::Digit6), "6"),
        (Key(KeyCode::Digit7), "7"),
        (Key(KeyCode::Digit8), "8"),
        (Key(KeyCode::Digit9), "9"),
        (Key(KeyCode::Comma), ","),
        (Key(KeyCode::Period), "."),
        (Key(KeyCode::Slash), "/"),
        (Key(KeyCode::Semicolon), ";"),
        (Key(KeyCode::Numpad8), "Num 8"),
        (Key(KeyCode::Numpad2), "Num 2"),
        (Key(KeyCode::Numpad4), "Num 4"),
        (Key(KeyCode::Numpad6), "Num 6"),
        (Key(KeyCode::Numpad0), "Num 0"),
        (Key(KeyCode::Backquote), "`"),
        (Key(KeyCode::Minus), "-"),
        (Key(KeyCode::Equal), "="),
        (Key(KeyCode::BracketLeft), "["),
        (Key(KeyCode::BracketRight), "]"),
        (Key(KeyCode::Backslash), "\\"),
        (Key(KeyCode::Quote), "'"),
        (Key(KeyCode::IntlBackslash), "Key beside left Shift"),
        (Key(KeyCode::IntlRo), "Ro"),
        (Key(KeyCode::IntlYen), "Yen"),
        (Key(KeyCode::CapsLock), "Caps Lock"),
        (Key(KeyCode::NumLock), "Num Lock"),
        (Key(KeyCode::ScrollLock), "Scroll Lock"),
        (Key(KeyCode::Insert), "Insert"),
        (Key(KeyCode::Delete), "Delete"),
        (Key(KeyCode::Home), "Home"),
        (Key(KeyCode::End), "End"),
        (Key(KeyCode::PageUp), "Page Up"),
        (Key(KeyCode::PageDown), "Page Down"),
        (Key(KeyCode::Pause), "Pause"),
        (Key(KeyCode::PrintScreen), "Print Screen"),
        (Key(KeyCode::ContextMenu), "Menu"),
        (Key(KeyCode::SuperLeft), "Left Super"),
        (Key(KeyCode::SuperRight), "Right Super"),
        (Key(KeyCode::Help), "Help"),
        (Key(KeyCode::Numpad1), "Num 1"),
        (Key(KeyCode::Numpad3), "Num 3"),
        (Key(KeyCode::Numpad5), "Num 5"),
        (Key(KeyCode::Numpad7), "Num 7"),
        (Key(KeyCode::Numpad9), "Num 9"),
        (Key(KeyCode::NumpadAdd), "Num +"),
        (Key(KeyCode::NumpadSubtract), "Num -"),
        (Key(KeyCode::NumpadMultiply), "Num *"),
        (Key(KeyCode::NumpadDivide), "Num /"),
        (Key(KeyCode::NumpadDecimal), "Num ."),
        (Key(KeyCode::NumpadComma), "Num ,"),
        (Key(KeyCode::NumpadEnter), "Num Enter"),
        (Key(KeyCode::NumpadEqual), "Num ="),
        (Key(KeyCode::Convert), "Convert"),
        (Key(KeyCode::NonConvert), "Non-convert"),
        (Key(KeyCode::KanaMode), "Kana"),
        (Key(KeyCode::Lang1), "Lang 1"),
        (Key(KeyCode::Lang2), "Lang 2"),
        (Key(KeyCode::Lang3), "Lang 3"),
        (Key(KeyCode::Lang4), "Lang 4"),
        (Key(KeyCode::Lang5), "Lang 5"),
        (Key(KeyCode::F13), "F13"),
        (Key(KeyCode::F14), "F14"),
        (Key(KeyCode::F15), "F15"),
        (Key(KeyCode::F16), "F16"),
        (Key(KeyCode::F17), "F17"),
        (Key(KeyCode::F18), "F18"),
        (Key(KeyCode::F19), "F19"),
        (Key(KeyCode::F20), "F20"),
        (Key(KeyCode::F21), "F21"),
        (Key(KeyCode::F22), "F22"),
        (Key(KeyCode::F23), "F23"),
        (Key(KeyCode::F24), "F24"),
    ]
};

impl Binding {
    /// Whether it is held.
    #[must_use]
    pub fn is_pressed(self, keys: &ButtonInput<KeyCode>, mouse: &ButtonInput<MouseButton>) -> bool {
        match self {
            Self::Key(key) => keys.pressed(key),
            Self::Mouse(button) => mouse.pressed(button),
        }
    }

    /// Whether it was pressed since the last frame.
    #[must_use]
    pub fn just_pressed(
        self,
        keys: &ButtonInput<KeyCode>,
        mouse: &ButtonInput<MouseButton>,
    ) -> bool {
        match self {
            Self::Key(key) => keys.just_pressed(key),
            Self::Mouse(button) => mouse.just_pressed(button),
        }
    }

    /// A key or button that was pressed since the last frame.
    #[must_use]
    pub fn newly_pressed(
        keys: &ButtonInput<KeyCode>,
        mouse: &ButtonInput<MouseButton>,
    ) -> Option<Press> {
        let key = keys.get_just_pressed().map(|key| Self::Key(*key));
        let button = mouse.get_just_pressed().map(|button| Self::Mouse(*button));
        let pressed = key.chain(button).next()?;
        Some(match pressed {
            Self::Key(key) if is_clients(key) => {
                Press::Refused("Escape and F1 to F12 belong to the game itself. Press another key.")
            }
            _ if pressed.is_storable() => Press::Bindable(pressed),
            Self::Key(_) | Self::Mouse(_) => {
                Press::Refused("The system does not tell which key that is. Press another one.")
            }
        })
    }

    /// The name that is stored, and shown where the keyboard's layout is not known.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        if let Some((_, name)) = NAMES.iter().find(|(binding, _)| *binding == self) {
            return Cow::Borrowed(name);
        }
        match self {
            Self::Key(KeyCode::Unidentified(NativeKeyCode::Xkb(code))) => {
                Cow::Owned(format!("{NUMBERED_KEY}{code}"))
            }
            Self::Mouse(MouseButton::Other(button)) => {
                Cow::Owned(format!("{NUMBERED_BUTTON}{button}"))
            }
            Self::Key(_) | Self::Mouse(_) => Cow::Borrowed("?"),
        }
    }

    /// The binding with a stored name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some((binding, _)) = NAMES.iter().find(|(_, known)| *known == name) {
            return Some(*binding);
        }
        let number = |prefix| name.strip_prefix(prefix);
        if let Some(code) = number(NUMBERED_KEY).and_then(|code| code.parse().ok()) {
            return Some(Self::Key(KeyCode::Unidentified(NativeKeyCode::Xkb(code))));
        }
        let button = number(NUMBERED_BUTTON).and_then(|button| button.parse().ok());
        button.map(|button| Self::Mouse(MouseButton::Other(button)))
    }

    /// Whether it has a name of its own.
    fn is_storable(self) -> bool {
        Self::named(&self.name()) == Some(self)
    }
}

/// A key without a name, by its number on this system.
const NUMBERED_KEY: &str = "Key ";
/// A further button of a mouse.
const NUMBERED_BUTTON: &str = "Mouse button ";

/// The keys that open menus and figures.
const fn is_clients(key: KeyCode) -> bool {
    use KeyCode::{F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12};
    matches!(key, KeyCode::Escape | F1 | F2 | F3 | F4 | F5 | F6 | F7 | F8 | F9 | F10 | F11 | F12)
}

impl Serialize for Binding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use bevy::input::ButtonInput;
    use bevy::input::keyboard::{KeyCode, NativeKeyCode};
    use bevy::input::mouse::MouseButton;

    use super::{Binding, NAMES, Press};

    #[test]
    fn every_binding_reads_back_and_no_name_is_used_twice() {
        let numbered = [
            Binding::Key(KeyCode::Unidentified(NativeKeyCode::Xkb(49))),
            Binding::Mouse(MouseButton::Other(9)),
        ];
        for binding in NAMES.iter().map(|(binding, _)| *binding).chain(numbered) {
            assert_eq!(Binding::named(&binding.name()), Some(binding));
        }
        assert_eq!(Binding::named("Hyper"), None);
    }

    #[test]
    fn every_press_gets_an_answer() {
        let press = |key| {
            let mut keys = ButtonInput::default();
            keys.press(key);
            Binding::newly_pressed(&keys, &ButtonInput::default())
        };

        // The key left of 1, which is ² in France.
        for key in [KeyCode::Backquote, KeyCode::CapsLock, KeyCode::IntlBackslash, KeyCode::Delete]
        {
            assert_eq!(press(key), Some(Press::Bindable(Binding::Key(key))));
        }
        for key in [KeyCode::F3, KeyCode::Unidentified(NativeKeyCode::Unidentified)] {
            assert!(matches!(press(key), Some(Press::Refused(_))), "{key:?}");
        }
    }
}
