//! Reading settings field by field: a value that cannot be read costs that value and nothing else.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// How a file's text could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// As a whole.
    None,
    /// Up to a place where it is cut or broken.
    Cut,
    /// Not at all.
    Unreadable,
}

/// Places at which a broken text may be closed, the last ones first.
const CUTS_MAX: usize = 64;

/// Reads an object. Of a broken text, everything before the damage is read.
pub(super) fn object(text: &str) -> (Object, Damage) {
    let text = text.trim_start_matches('\u{feff}');
    if let Ok(object) = serde_json::from_str(text) {
        return (object, Damage::None);
    }
    for (end, closers) in cuts(text).into_iter().rev() {
        let closed = format!("{}{closers}", &text[..end]);
        if let Ok(object) = serde_json::from_str(&closed) {
            return (object, Damage::Cut);
        }
    }
    (Object::new(), Damage::Unreadable)
}

/// The last commas outside strings, each with the brackets that close what is open there.
fn cuts(text: &str) -> VecDeque<(usize, String)> {
    let (mut open, mut cuts) = (Vec::new(), VecDeque::new());
    let (mut in_string, mut is_escaped) = (false, false);
    for (place, byte) in text.bytes().enumerate() {
        if in_string {
            (in_string, is_escaped) = (byte != b'"' || is_escaped, byte == b'\\' && !is_escaped);
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' => open.push('}'),
            b'[' => open.push(']'),
            b'}' | b']' => drop(open.pop()),
            b',' => {
                cuts.push_back((place, open.iter().rev().collect()));
                if cuts.len() > CUTS_MAX {
                    cuts.pop_front();
                }
            }
            _ => {}
        }
    }
    cuts
}

/// Removes what `T` cannot read: fields, entries of maps, elements of lists. Fields that `T` does not know stay. Returns
/// the names of the fields that lost something.
///
/// Each field of `T` must have a default.
pub(super) fn keep_readable<T: DeserializeOwned>(object: &mut Object) -> Vec<String> {
    let mut damaged = Vec::new();
    object.retain(|name, value| {
        let reads = |value: &Value| reads::<T>(name, value);
        if reads(value) {
            return true;
        }
        damaged.push(name.clone());
        match value {
            Value::Object(entries) => {
                entries.retain(|key, entry| reads(&Value::Object(one(key, entry))));
            }
            Value::Array(elements) => {
                elements.retain(|element| reads(&Value::Array(vec![element.clone()])));
            }
            _ => {}
        }
        reads(value)
    });
    damaged
}

/// Whether `T` reads an object with this one field.
fn reads<T: DeserializeOwned>(name: &str, value: &Value) -> bool {
    serde_json::from_value::<T>(Value::Object(one(name, value))).is_ok()
}

fn one(name: &str, value: &Value) -> Object {
    Object::from_iter([(name.to_owned(), value.clone())])
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::{Damage, keep_readable, object};

    const WHOLE: &str =
        r#"{"name":"Ada, \"A\"","tokens":{"http://a":"1","http://b":"2"},"shake":false}"#;

    #[test]
    fn of_a_cut_text_everything_before_the_cut_is_read() {
        let end = WHOLE.find(r#""2""#).expect("it is there");

        let (whole, damage) = object(WHOLE);
        assert_eq!((whole.len(), damage), (3, Damage::None));
        let (cut, damage) = object(&WHOLE[..end]);
        assert_eq!((cut["name"].as_str(), damage), (Some("Ada, \"A\""), Damage::Cut));
        assert_eq!(cut["tokens"]["http://a"], "1");
        for text in ["", "{", "null", "[1,2]", "\u{0}\u{0}\u{0}", "{\"name\":\"Ad"] {
            assert_eq!(object(text).1, Damage::Unreadable, "{text}");
        }
    }

    #[test]
    fn no_cut_of_a_text_panics() {
        for end in (0..=WHOLE.len()).filter(|end| WHOLE.is_char_boundary(*end)) {
            let (mut read, _) = object(&WHOLE[..end]);
            keep_readable::<Settings>(&mut read);
        }
    }

    #[test]
    fn a_bad_value_costs_itself_alone() {
        let text = r#"{"name":"Ada","shake":"sometimes","quality":"ultra","ui_scale":1.25,
            "volumes":{"master":0.5,"game":"loud"},"tokens":{"http://a":"1","http://b":2},
            "former":[{"server":"http://a"},{"server":"http://b","name":"Bea","token":"t"}],"hats":3}"#;

        let (mut read, _) = object(text);
        let mut damaged = keep_readable::<Settings>(&mut read);
        damaged.sort();

        assert_eq!(damaged, ["former", "quality", "shake", "tokens", "volumes"]);
        let settings: Settings = serde_json::from_value(read.clone().into()).expect("it reads");
        assert_eq!((settings.name.as_str(), settings.ui_scale), ("Ada", 1.25));
        assert_eq!((settings.volumes.master, settings.volumes.game), (0.5, 1.0));
        assert_eq!(settings.tokens.len(), 1);
        assert_eq!(settings.previous_identities.as_slice()[0].name, "Bea");
        assert_eq!(read["hats"], 3, "a field of a newer build is kept");
    }
}
