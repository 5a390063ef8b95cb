//! Text in the order in which it is painted: Arabic and Hebrew run from right to left, also within other text.
//!
//! The panels paint from left to right and shape each word by itself, in its own direction. So the words of a
//! right-to-left run are put in reverse order here (UAX #9), and the letters of a word stay as they are.

use std::borrow::Cow;

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// One line of text in the order in which it is painted, as part of an English sentence or by itself.
#[must_use]
pub fn visual(text: &str) -> Cow<'_, str> {
    if has_right_to_left(text) {
        Cow::Owned(ordered(text, Some(Level::ltr())))
    } else {
        Cow::Borrowed(text)
    }
}

/// Text of a person that is broken into lines of at most `width`, each in the order in which it is painted. The first line
/// begins after `head`. Text that runs from left to right only is returned as it is: the panels break it themselves.
///
/// `measure` tells the width of a text.
pub fn wrapped(text: &str, width: f32, head: f32, measure: impl Fn(&str) -> f32) -> Cow<'_, str> {
    if !has_right_to_left(text) {
        return Cow::Borrowed(text);
    }
    // A text has one direction: that of its first letter.
    let level = BidiInfo::new(text, None).paragraphs.first().map(|paragraph| paragraph.level);
    let mut lines = vec![String::new()];
    let (mut left, space) = (width - head, measure(" "));
    for word in text.split_whitespace() {
        let takes = measure(word);
        let line = lines.last_mut().filter(|line| line.is_empty() || takes + space <= left);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
                left -= space;
            }
            None => {
                lines.push(word.to_owned());
                left = width;
            }
        }
        left -= takes;
    }
    let lines: Vec<String> = lines.iter().map(|line| ordered(line, level)).collect();
    Cow::Owned(lines.join("\n"))
}

/// Whether a text has letters that run from right to left, or marks that make others do so.
fn has_right_to_left(text: &str) -> bool {
    // The first of them is in the Hebrew block.
    text.chars().any(|letter| letter >= '\u{590}' && is_right_to_left(bidi_class(letter)))
}

fn is_right_to_left(class: BidiClass) -> bool {
    use BidiClass::{AL, AN, R, RLE, RLI, RLO};
    matches!(class, R | AL | AN | RLE | RLO | RLI)
}

fn ordered(text: &str, level: Option<Level>) -> String {
    let info = BidiInfo::new(text, level);
    let mut line = String::with_capacity(text.len());
    for paragraph in &info.paragraphs {
        let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            let part = &text[run.clone()];
            if levels[run.start].is_rtl() {
                words(part).iter().rev().for_each(|word| push(&mut line, word));
            } else {
                line.push_str(part);
            }
        }
    }
    line
}

/// Words of right-to-left letters with their marks, and everything between them letter by letter.
fn words(run: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    let mut begin = 0;
    let mut in_word = false;
    for (place, letter) in run.char_indices() {
        let class = bidi_class(letter);
        // A mark belongs to the letter before it.
        let is_mark = class == BidiClass::NSM || letter == '\u{200d}';
        let is_letter = matches!(class, BidiClass::R | BidiClass::AL);
        if place > begin && !is_mark && !(in_word && is_letter) {
            words.push(&run[begin..place]);
            begin = place;
        }
        in_word = is_letter || (is_mark && in_word);
    }
    words.push(&run[begin..]);
    words
}

/// Adds a word. Brackets are mirrored, because they are read from right to left.
fn push(line: &mut String, word: &str) {
    const PAIRS: [(&str, &str); 6] =
        [("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("«", "»"), ("‹", "›")];
    let mirrored = PAIRS.iter().find_map(|(open, close)| match word {
        _ if word == *open => Some(*close),
        _ if word == *close => Some(*open),
        _ => None,
    });
    line.push_str(mirrored.unwrap_or(word));
}

#[cfg(test)]
mod tests {
    use super::{visual, wrapped};

    #[test]
    fn words_that_run_from_right_to_left_are_in_order() {
        assert_eq!(visual("Ada won"), "Ada won");
        assert_eq!(visual("名前 สวัสดี Привет"), "名前 สวัสดี Привет");
        // Shalom olam, read from the right: olam is painted first.
        assert_eq!(visual("שלום עולם"), "עולם שלום");
        assert_eq!(visual("שלום עולם pushed you off"), "עולם שלום pushed you off");
        assert_eq!(visual("Ada (שלום עולם) 12"), "Ada (עולם שלום) 12");
        // A number within stays as it is, and a bracket opens to the right.
        assert_eq!(visual("א 12 (ב)"), "(ב) 12 א");
        // A mark stays behind its letter.
        assert_eq!(visual("שָׁלוֹם אבא"), "אבא שָׁלוֹם");
    }

    #[test]
    fn long_text_is_broken_before_it_is_put_in_order() {
        let measure = |text: &str| text.chars().count() as f32;

        let lines = wrapped("אחת שתיים שלוש ארבע", 11.0, 3.0, measure);

        assert_eq!(lines, "אחת\nשלוש שתיים\nארבע");
        assert_eq!(wrapped("one two three", 5.0, 0.0, measure), "one two three");
        // Its first letter decides the direction of a text.
        assert_eq!(wrapped("שלום Ada", 99.0, 0.0, measure), "Ada שלום");
        assert_eq!(wrapped("Ada שלום", 99.0, 0.0, measure), "Ada שלום");
    }

    #[test]
    fn nothing_that_people_write_panics() {
        for text in [
            "",
            " ",
            "\u{202e}abc",
            "א",
            "\u{5b0}",
            "\u{200f}\u{200f}",
            "ا\u{200d}ب",
            "א\nב",
            "\u{2067}א",
        ] {
            let (line, lines) = (visual(text), wrapped(text, 0.0, 10.0, |_| 1.0));
            assert_eq!(line.chars().count(), text.chars().count());
            assert!(lines.chars().count() <= text.chars().count());
        }
    }
}
