//! What the keys mean while a recording is shown.

use presentation::recording_player::PlaybackCommand;

/// What a key or a button asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ViewerCommand {
    /// Something that the recording's player does.
    Playback(PlaybackCommand),
    /// Enters or leaves full screen.
    ToggleFullScreen,
    /// Shows or hides the markers ahead of the playhead.
    ToggleSpoilers,
}

impl From<PlaybackCommand> for ViewerCommand {
    fn from(command: PlaybackCommand) -> Self {
        Self::Playback(command)
    }
}

/// The element that has the focus while a key is pressed. A key belongs to that element first, then to the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Focus {
    /// A text field, or a dialog in front of the page.
    Text,
    /// A button or a link: space and Enter press it.
    Pressable {
        /// It is one of the recording's controls.
        in_viewer: bool,
    },
    /// The recording.
    Viewer,
    /// The rest of the page: arrows and page keys scroll it.
    Page,
}

/// The key at a place of the keyboard, named as on a keyboard with Latin letters. `code` is the place and `key` what the
/// layout writes there now: a Cyrillic letter, a capital, a sign under Shift.
///
/// Letters count by what a Latin layout writes there and else by their place, digits by their place, and signs by what is
/// written, wherever it is.
pub(crate) fn key_at(code: &str, key: &str) -> String {
    if let Some(digit) = code.strip_prefix("Digit") {
        // Some layouts write these there, under Shift. French ones write `-` there without it: that key is the digit.
        let is_sign = matches!(key, "+" | "=" | "<" | ">" | "," | ".");
        return if is_sign { key } else { digit }.to_owned();
    }
    if let Some(letter) = code.strip_prefix("Key") {
        // One byte is one ASCII character. Dead keys and input methods have longer names.
        return if key.len() == 1 { key } else { letter }.to_ascii_lowercase();
    }
    let sign = match code {
        _ if key.is_ascii() => key,
        "Comma" => ",",
        "Period" => ".",
        "Minus" => "-",
        "Equal" => "=",
        "Space" => " ",
        _ => key,
    };
    sign.to_owned()
}

/// The command of a key, named as in `KeyboardEvent.key`. `None` when the key is not the recording's.
pub(crate) fn command_of_key(key: &str, focus: Focus) -> Option<ViewerCommand> {
    let (is_pressable, is_viewer) = match focus {
        Focus::Text => return None,
        Focus::Pressable { in_viewer } => (true, in_viewer),
        Focus::Viewer => (false, true),
        Focus::Page => (false, false),
    };
    let presses = matches!(key, " " | "Enter");
    let scrolls = key.starts_with("Arrow") || matches!(key, "PageUp" | "PageDown" | "Home" | "End");
    if (presses && is_pressable) || (scrolls && !is_viewer) {
        return None;
    }
    let command = match key {
        "f" => return Some(ViewerCommand::ToggleFullScreen),
        "h" => return Some(ViewerCommand::ToggleSpoilers),
        " " | "k" => PlaybackCommand::TogglePlay,
        "ArrowLeft" => PlaybackCommand::Skip { seconds: -5.0 },
        "ArrowRight" => PlaybackCommand::Skip { seconds: 5.0 },
        "j" | "PageDown" => PlaybackCommand::Skip { seconds: -15.0 },
        "l" | "PageUp" => PlaybackCommand::Skip { seconds: 15.0 },
        "," => PlaybackCommand::StepSnapshots { count: -1.0 },
        "." => PlaybackCommand::StepSnapshots { count: 1.0 },
        "Home" => PlaybackCommand::SeekToShare { share: 0.0 },
        "End" => PlaybackCommand::SeekToShare { share: 1.0 },
        "+" | "=" | ">" | "ArrowUp" => PlaybackCommand::Faster,
        "-" | "<" | "ArrowDown" => PlaybackCommand::Slower,
        other => {
            let digit = other.parse::<u8>().ok().filter(|digit| *digit <= 9)?;
            PlaybackCommand::SeekToShare { share: f64::from(digit) / 10.0 }
        }
    };
    Some(command.into())
}

#[cfg(test)]
mod tests {
    use presentation::recording_player::PlaybackCommand;

    use super::{Focus, ViewerCommand, command_of_key, key_at};

    #[test]
    fn keys_count_by_their_place_whatever_the_layout() {
        for (code, key, expected) in [
            ("KeyF", "а", "f"),
            ("KeyF", "F", "f"),
            ("KeyF", "u", "u"), // Dvorak: what is written there.
            ("Digit5", "5", "5"),
            ("Digit5", "(", "5"), // French.
            ("Digit5", "%", "5"), // Under Shift.
            ("Digit6", "-", "6"), // French.
            ("Digit0", "=", "="), // German, under Shift.
            ("Digit1", "+", "+"), // Swiss, under Shift.
            ("KeyM", ",", ","),   // French.
            ("KeyE", ".", "."),   // Dvorak.
            ("KeyF", "Process", "f"),
            ("Numpad4", "ArrowLeft", "ArrowLeft"),
            ("Comma", "б", ","),
            ("Period", ">", ">"),
            ("Space", " ", " "),
            ("ArrowLeft", "ArrowLeft", "ArrowLeft"),
        ] {
            assert_eq!(key_at(code, key), expected, "{code} {key}");
        }
    }

    #[test]
    fn a_key_belongs_to_the_focused_element_first() {
        let pressable = |in_viewer| Focus::Pressable { in_viewer };
        for key in ["f", "h", "k", "5", ",", "+", "ArrowLeft", "Home", " "] {
            assert_eq!(command_of_key(key, Focus::Text), None, "{key}");
            assert!(command_of_key(key, Focus::Viewer).is_some(), "{key}");
        }
        for key in ["ArrowUp", "ArrowDown", "ArrowLeft", "PageUp", "PageDown", "Home", "End"] {
            assert_eq!(command_of_key(key, Focus::Page), None, "{key}");
            assert_eq!(command_of_key(key, pressable(false)), None, "{key}");
            assert!(command_of_key(key, pressable(true)).is_some(), "{key}");
        }
        assert_eq!(command_of_key(" ", pressable(true)), None);
        assert_eq!(command_of_key("Tab", Focus::Viewer), None);
    }

    #[test]
    fn keys_name_commands() {
        let command = |key| command_of_key(key, Focus::Viewer);

        assert_eq!(command(" "), Some(PlaybackCommand::TogglePlay.into()));
        assert_eq!(command("5"), Some(PlaybackCommand::SeekToShare { share: 0.5 }.into()));
        assert_eq!(command("ArrowLeft"), Some(PlaybackCommand::Skip { seconds: -5.0 }.into()));
        assert_eq!(command(","), Some(PlaybackCommand::StepSnapshots { count: -1.0 }.into()));
        assert_eq!(command("f"), Some(ViewerCommand::ToggleFullScreen));
    }
}
