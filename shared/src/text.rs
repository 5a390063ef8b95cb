//! What a text shows: which characters nobody can see, and a line of chat as it is sent.
//!
//! No tables: the lobby compiles this to WebAssembly.

/// Keeps letters apart, where a script needs it: ZERO WIDTH NON-JOINER.
pub(crate) const NON_JOINER: char = '\u{200c}';
/// Joins letters or emoji: ZERO WIDTH JOINER.
pub(crate) const JOINER: char = '\u{200d}';

/// Whether a character shows nothing by itself and is no space: Unicode's `Default_Ignorable_Code_Point`, controls,
/// and the blank of Braille.
#[must_use]
pub fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether no name has this character. Joiners are needed in some scripts; where, only the choice of a name knows.
pub(crate) fn is_unfit_for_name(letter: char) -> bool {
    is_line_break(letter) || (is_invisible(letter) && !matches!(letter, JOINER | NON_JOINER))
}

/// Makes one line of a text: line breaks, control characters and characters that turn the direction of writing become
/// spaces, and spaces around it are dropped. Empty when there would be nothing to see.
#[must_use]
pub fn tidy_line(text: &str) -> String {
    let tidy = |letter| if is_space_in_line(letter) { ' ' } else { letter };
    let line: String = text.chars().map(tidy).collect();
    if is_blank(&line) { String::new() } else { line.trim().to_owned() }
}

/// Whether a text shows nothing: only spaces and invisible characters.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| letter.is_whitespace() || is_invisible(letter))
}

fn is_space_in_line(letter: char) -> bool {
    is_line_break(letter)
        || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

fn is_line_break(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::{is_blank, tidy_line};

    #[test]
    fn nothing_hides_in_a_line() {
        assert_eq!(tidy_line("\u{7}a\u{202e}b\r\nc "), "a b  c");
        assert_eq!(tidy_line("one\u{2028}two\u{2029}three"), "one two three");
    }

    #[test]
    fn a_line_of_invisible_characters_is_empty() {
        for unseen in ["", "  ", "\u{200b}\u{200d}", "\u{3164}", "\u{2060} \u{feff}", "\u{2800}"] {
            assert_eq!(tidy_line(unseen), "", "{unseen:?}");
        }
        // A joiner inside an emoji and the selector behind a heart are no blanks.
        for seen in ["\u{1f469}\u{200d}\u{1f680}", "\u{2764}\u{fe0f}", "می\u{200c}روم"] {
            assert_eq!(tidy_line(seen), seen);
            assert!(!is_blank(seen));
        }
    }
}
