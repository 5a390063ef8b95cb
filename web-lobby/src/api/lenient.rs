//! Reading what a newer server sends: items of a list that this build does not know are skipped, and the page offers to
//! reload itself.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::str::FromStr;

use leptos::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

thread_local! {
    static OUTDATED: Cell<Option<RwSignal<bool>>> = const { Cell::new(None) };
}

/// Whether the server has sent something that this build does not know.
pub(crate) fn outdated() -> RwSignal<bool> {
    OUTDATED.get().unwrap_or_else(|| {
        let signal = RwSignal::new(false);
        OUTDATED.set(Some(signal));
        signal
    })
}

/// Notes that something was skipped.
pub(crate) fn note_unknown() {
    if let Some(outdated) = OUTDATED.get()
        && !outdated.get_untracked()
    {
        outdated.set(true);
    }
}

/// Reads an object. Items of its list `key` that are no `I` are skipped. `None` when the rest cannot be read, either.
pub(crate) fn read<T: DeserializeOwned, I: DeserializeOwned>(text: &str, key: &str) -> Option<T> {
    serde_json::from_str(text).ok().or_else(|| {
        note_unknown();
        let kept = without_unknown(text, key, |item| is_readable::<I>(item))?;
        serde_json::from_str(&kept).ok()
    })
}

fn is_readable<I: DeserializeOwned>(item: &str) -> bool {
    I::deserialize(&mut serde_json::Deserializer::from_str(item)).is_ok()
}

/// The members of a JSON object, each as it is written.
pub(crate) type Members<'a> = BTreeMap<&'a str, &'a RawValue>;

/// Reads the members of an object. One reader for many small objects: each type of its own is code to download.
pub(crate) fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// A member that is a number or a plain text.
pub(crate) fn member<T: FromStr>(members: &Members<'_>, name: &str) -> Option<T> {
    members.get(name)?.get().trim_matches('"').parse().ok()
}

/// The object with only those items of the list that `knows` accepts.
fn without_unknown(text: &str, key: &str, knows: impl Fn(&str) -> bool) -> Option<String> {
    let members = members(text)?;
    let list: Vec<&RawValue> = serde_json::from_str(members.get(key)?.get()).ok()?;
    let known: Vec<&str> = list.into_iter().map(RawValue::get).filter(|item| knows(item)).collect();
    let mut kept = String::from("{");
    for (name, value) in &members {
        if kept.len() > 1 {
            kept.push(',');
        }
        kept.push('"');
        kept.push_str(name);
        kept.push_str("\":");
        if *name == key {
            kept.push('[');
            kept.push_str(&known.join(","));
            kept.push(']');
        } else {
            kept.push_str(value.get());
        }
    }
    kept.push('}');
    Some(kept)
}

#[cfg(test)]
mod tests {
    use shared::api::{RoomList, RoomSummary};
    use shared::protocol::chat::{ChatLine, ChatServerMessage};

    use super::read;

    const ROOM: &str = r#"{"id":"7Q2M4K","mode":"duel","phase":"playing","round":1,"players":1,"bots":0,"seats":2,"spectators":0,"ends_at_ms":null,"leader":null}"#;

    #[test]
    fn a_room_of_an_unknown_mode_is_skipped_and_the_others_stay() {
        let strange = ROOM.replace("duel", "chess").replace("7Q2M4K", "7Q2M4M");
        let text = format!(r#"{{"rooms":[{strange},{ROOM}],"news":{{"a":[1,"]"]}}}}"#);

        let list: RoomList = read::<_, RoomSummary>(&text, "rooms").expect("a list");

        let ids: Vec<_> = list.rooms.iter().map(|room| room.id.to_string()).collect();
        assert_eq!(ids, ["7Q2M4K"]);
        assert_eq!(read::<RoomList, RoomSummary>("{\"rooms\":7}", "rooms"), None);
    }

    #[test]
    fn a_line_to_an_unknown_channel_is_skipped_and_the_others_stay() {
        let line = r#"{"sequence":1,"at_ms":0,"channel":{"to":"lobby"},"from":"AAAAAAAAAAAA","name":"Ada","text":"hi"}"#;
        let strange = line.replace("lobby", "everywhere");
        let text = format!(
            r#"{{"type":"hello","player":"AAAAAAAAAAAA","name":"Ada","lines":[{strange},{line}]}}"#
        );

        let hello: ChatServerMessage = read::<_, ChatLine>(&text, "lines").expect("a message");

        assert!(matches!(hello, ChatServerMessage::Hello { lines, .. } if lines.len() == 1));
    }
}
