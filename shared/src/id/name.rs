//! The names of players.
//!
//! A name is chosen once, by a person, and then travels: only the choice is held against the rules of scripts
//! ([`PlayerName::choose`], with the feature `names`, because they need tables). Whatever was chosen can be read
//! everywhere ([`PlayerName::parse`]).

#[cfg(feature = "names")]
mod choice;

#[cfg(feature = "names")]
pub use choice::name_key;

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::text;

/// The shortest name of a player, in code points.
pub const NAME_CHARS_MIN: usize = 2;
/// The longest name of a player, in code points.
pub const NAME_CHARS_MAX: usize = 16;

/// The display name of a player: 2 to 16 code points, none of them invisible.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlayerName(String);

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Fewer than [`NAME_CHARS_MIN`] code points.
    #[error("a name has at least {NAME_CHARS_MIN} characters")]
    TooShort,
    /// More than [`NAME_CHARS_MAX`] code points.
    #[error("a name has at most {NAME_CHARS_MAX} characters")]
    TooLong,
    /// A character that cannot be seen: a filler, a control character, one without width.
    #[error("a name has no invisible characters")]
    Invisible(char),
    /// A character that is none of a name, or two separators in a row.
    #[error(
        "a name is made of letters and digits, with single spaces or one of - _ . ' \u{b7} between them"
    )]
    Letter(char),
    /// Marks without any letter or digit.
    #[error("a name needs letters or digits, not marks alone")]
    OnlyMarks,
    /// A mark without a letter before it, or too many on one letter.
    #[error("a mark stands on a letter, and a letter has at most {MARKS_MAX} marks")]
    LooseMark(char),
    /// Letters of scripts that together could pass for another name.
    #[error(
        "a name mixes no letters that look alike: this one has {0} and {1} letters, so choose one script"
    )]
    MixedScripts(&'static str, &'static str),
}

/// The most marks on one letter of a name.
pub(crate) const MARKS_MAX: usize = 4;

impl PlayerName {
    /// Reads a name that was chosen before. Spaces around it are dropped.
    ///
    /// # Errors
    /// [`NameError`] when it is too short, too long, or has an invisible character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if let Some(letter) = text.chars().find(|letter| text::is_unfit_for_name(*letter)) {
            return Err(NameError::Invisible(letter));
        }
        match text.chars().count() {
            ..NAME_CHARS_MIN => Err(NameError::TooShort),
            NAME_CHARS_MIN..=NAME_CHARS_MAX => Ok(Self(text.to_owned())),
            _ => Err(NameError::TooLong),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PlayerName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<PlayerName> for String {
    fn from(name: PlayerName) -> Self {
        name.0
    }
}

impl fmt::Display for PlayerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{NameError, PlayerName};

    #[test]
    fn a_name_that_was_chosen_reads_back() {
        assert_eq!(PlayerName::parse("  Ada "), Ok(PlayerName("Ada".to_owned())));
        assert!(PlayerName::parse("Zoë O'Neil").is_ok());

        assert_eq!(PlayerName::parse("a"), Err(NameError::TooShort));
        assert_eq!(PlayerName::parse("seventeen letters"), Err(NameError::TooLong));
        for unseen in ['\u{202e}', '\n', '\u{200b}', '\u{3164}', '\u{fe0f}'] {
            let text = format!("a{unseen}b");
            assert_eq!(PlayerName::parse(&text), Err(NameError::Invisible(unseen)), "{unseen:?}");
        }
    }
}
