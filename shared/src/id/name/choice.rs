//! Choosing a name: in any script, so that people read what programs compare.
//!
//! The rules follow Unicode Technical Standard 39: a name is stored in Normalisation Form C and compared in Form KC
//! without case; it mixes no scripts whose letters look alike (the levels *Highly* and *Moderately Restrictive*, without
//! Armenian); and a joiner stands only where it changes what is seen (UAX 31, profile of joiners).

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_script::{Script, ScriptExtension};
use unicode_security::mixed_script::AugmentedScriptSet;

use super::{MARKS_MAX, NameError, PlayerName};
use crate::text::{JOINER, NON_JOINER};

/// The canonical combining class of signs that join two consonants, such as the virama.
const VIRAMA_CLASS: u8 = 9;
/// Letters of the Arabic script that never join the next one: a joiner behind them changes nothing.
const NEVER_JOIN_NEXT: &str = "ءآأؤإاةدذرزوىٱڈڑژۀۆۇۈۋےەۓ";
/// Scripts whose letters look like Latin ones, or like those of another script beside them.
const LOOK_LIKE_LATIN: [Script; 3] = [Script::Cyrillic, Script::Greek, Script::Armenian];

impl PlayerName {
    /// Checks a name that a person chose. Spaces around it are dropped.
    ///
    /// # Errors
    /// [`NameError`], which says the rule that the name breaks.
    pub fn choose(text: &str) -> Result<Self, NameError> {
        let composed: String = text.nfc().collect();
        let name = Self::parse(&composed)?;
        check_letters(name.as_str())?;
        check_scripts(name.as_str())?;
        Ok(name)
    }

    /// The name as names are compared: two names that read the same have the same key, whatever their case and the form
    /// in which their letters were typed.
    #[must_use]
    pub fn key(&self) -> String {
        name_key(self.as_str())
    }
}

/// The key of what a person typed as a name; see [`PlayerName::key`].
#[must_use]
pub fn name_key(text: &str) -> String {
    let plain = |letter| if matches!(letter, '\u{2019}' | '\u{2bc}') { '\'' } else { letter };
    // Upper case first: letters that differ in lower case alone, such as the two small sigmas, become one.
    let folded = text.trim().nfkc().map(plain);
    folded.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// What the last character of a name was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, or a separator.
    Gap,
    /// A letter or digit, with this many marks on it.
    Letter { marks: usize },
    /// A joiner.
    Joiner,
}

fn check_letters(text: &str) -> Result<(), NameError> {
    if text.chars().all(|letter| is_combining_mark(letter) || is_separator(letter))
        && text.chars().any(is_combining_mark)
    {
        return Err(NameError::OnlyMarks);
    }
    let (mut before, mut last) = (Before::Gap, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        before = if matches!(letter, JOINER | NON_JOINER) {
            if !is_joiner_seen(last, letter, letters.peek().copied()) {
                return Err(NameError::Invisible(letter));
            }
            Before::Joiner
        } else if is_combining_mark(letter) {
            match before {
                Before::Letter { marks } if marks < MARKS_MAX => {
                    Before::Letter { marks: marks + 1 }
                }
                Before::Letter { .. } | Before::Gap | Before::Joiner => {
                    return Err(NameError::LooseMark(letter));
                }
            }
        } else if is_separator(letter) {
            if !matches!(before, Before::Letter { .. }) {
                return Err(NameError::Letter(letter));
            }
            Before::Gap
        } else if letter.is_alphanumeric() {
            Before::Letter { marks: 0 }
        } else {
            return Err(NameError::Letter(letter));
        };
        last = Some(letter);
    }
    Ok(())
}

/// What may stand between letters: the space, hyphens, the apostrophes of many languages, and middle dots.
const fn is_separator(letter: char) -> bool {
    matches!(
        letter,
        ' ' | '-'
            | '_'
            | '.'
            | '\''
            | '\u{2019}'
            | '\u{2010}'
            | '\u{b7}'
            | '\u{5f3}'
            | '\u{5f4}'
            | '\u{30fb}'
    )
}

/// Whether a joiner changes what is seen: behind a virama, or between two Arabic letters that would join.
fn is_joiner_seen(before: Option<char>, joiner: char, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    if !after.is_alphanumeric() {
        return false;
    }
    let is_arabic = |letter: char| Script::from(letter) == Script::Arabic && letter.is_alphabetic();
    canonical_combining_class(before) == VIRAMA_CLASS
        || (joiner == NON_JOINER
            && is_arabic(before)
            && is_arabic(after)
            && !NEVER_JOIN_NEXT.contains(before))
}

fn check_scripts(text: &str) -> Result<(), NameError> {
    if !AugmentedScriptSet::for_str(text).is_empty() {
        return Ok(());
    }
    // More than one script: Latin may stand beside one that cannot be taken for it.
    let is_latin = |letter: char| ScriptExtension::from(letter).contains_script(Script::Latin);
    let others: String = text.chars().filter(|letter| !is_latin(*letter)).collect();
    let others = AugmentedScriptSet::for_str(&others);
    let is_distinct =
        |script: Script| script.is_recommended() && !LOOK_LIKE_LATIN.contains(&script);
    let is_east_asian = others.hanb || others.jpan || others.kore;
    if !others.is_empty() && (is_east_asian || others.base.iter().any(is_distinct)) {
        return Ok(());
    }
    let mut scripts = text
        .chars()
        .map(Script::from)
        .filter(|script| !matches!(script, Script::Common | Script::Inherited));
    let first = scripts.next().unwrap_or(Script::Common);
    let second = scripts.find(|script| *script != first).unwrap_or(Script::Common);
    Err(NameError::MixedScripts(first.full_name(), second.full_name()))
}

#[cfg(test)]
mod tests {
    use super::{NameError, PlayerName};

    #[test]
    fn people_write_their_names_in_their_own_script() {
        for name in [
            "Zoë O'Neil",
            "D\u{2019}Artagnan",
            "Nu\u{f1}ez",
            "Nguyễn Thị",
            "Łukasz",
            "Ирина",
            "Αθηνά",
            "李小龍",
            "山田 たろう",
            "プレイヤー・ワン",
            "김민준",
            "שרה",
            "צ\u{5f3}רצ\u{5f3}יל",
            "محمد",
            "مُحَمَّد",
            "می\u{200c}روم",
            "श्रीनिवासन",
            "ශ්\u{200d}රී",
            "ประยุทธ์",
            "தமிழ்",
            "ᏣᎳᎩ",
            "አበበ",
            "Ali علي",
            "DJ 太郎",
            "K-팝",
            "Ⅷ-bit",
            "Mr.",
            "gel\u{b7}lat",
        ] {
            let chosen = PlayerName::choose(name);
            assert!(chosen.is_ok(), "{name}: {chosen:?}");
        }
    }

    #[test]
    fn both_unicode_forms_of_a_letter_are_one_name() {
        let (composed, apart) = ("Zo\u{eb}", "Zoe\u{308}");

        assert_eq!(PlayerName::choose(composed), PlayerName::choose(apart));
        let hangul = PlayerName::choose("\u{1100}\u{1161}\u{1102}\u{1161}").unwrap();
        assert_eq!(hangul.as_str(), "가나");
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for (name, unseen) in [
            ("\u{3164}\u{3164}", '\u{3164}'),
            ("a\u{200b}b", '\u{200b}'),
            ("Ada\u{2060}", '\u{2060}'),
            ("Ad\u{200d}a", '\u{200d}'),
            ("ab\u{200c}", '\u{200c}'),
            // The alif joins no next letter.
            ("ا\u{200c}ب", '\u{200c}'),
            ("a\u{202e}b", '\u{202e}'),
            ("\u{ffa0}ab", '\u{ffa0}'),
        ] {
            assert_eq!(PlayerName::choose(name), Err(NameError::Invisible(unseen)), "{name:?}");
        }
    }

    #[test]
    fn look_alike_scripts_are_not_mixed() {
        // A Cyrillic а, a Greek ο, an Armenian օ; Cyrillic beside Greek.
        for name in ["Ad\u{430}", "B\u{3bf}b", "B\u{585}b", "\u{430}\u{3bf}", "Lisu \u{a4d0}"] {
            let refused = PlayerName::choose(name);
            assert!(matches!(refused, Err(NameError::MixedScripts(..))), "{name}: {refused:?}");
        }
        let why = PlayerName::choose("Ad\u{430}").unwrap_err().to_string();
        assert!(why.contains("Latin") && why.contains("Cyrillic"), "{why}");
    }

    #[test]
    fn marks_stand_on_letters() {
        assert_eq!(PlayerName::choose("\u{301}\u{302}"), Err(NameError::OnlyMarks));
        assert_eq!(PlayerName::choose("\u{301}Ada"), Err(NameError::LooseMark('\u{301}')));
        assert_eq!(PlayerName::choose("A \u{301}a"), Err(NameError::LooseMark('\u{301}')));
        let many = format!("x{}", "\u{330}".repeat(5));
        assert_eq!(PlayerName::choose(&many), Err(NameError::LooseMark('\u{330}')));
    }

    #[test]
    fn other_characters_are_refused() {
        for (name, letter) in
            [("a  b", ' '), ("-ada", '-'), ("what?!", '?'), ("ada\u{1f600}", '\u{1f600}')]
        {
            assert_eq!(PlayerName::choose(name), Err(NameError::Letter(letter)), "{name:?}");
        }
        assert_eq!(PlayerName::choose(" a "), Err(NameError::TooShort));
        assert_eq!(PlayerName::choose("seventeen letters"), Err(NameError::TooLong));
    }

    #[test]
    fn names_that_read_the_same_have_one_key() {
        let key = |name| PlayerName::parse(name).unwrap().key();

        assert_eq!(key("Zoe\u{308}"), key("ZO\u{cb}"));
        assert_eq!(key("ＡＤＡ"), key("ada"));
        assert_eq!(key("STRASSE"), key("stra\u{df}e"));
        assert_eq!(key("D\u{2019}Art"), key("d'art"));
        assert_eq!(key("ΝΙΚΟΣ"), key("νικος"));
        assert_ne!(key("Ada"), key("Eda"));
    }
}
