//! Ids, names and cursors.

use std::fmt::Display;
use std::str::FromStr;

use shared::feed::Cursor;
use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};

pub(super) fn text(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    survives::<Cursor>(&text);
    survives::<PlayerId>(&text);
    survives::<RoomId>(&text);
    survives::<ReplayId>(&text);
    if let Ok(name) = PlayerName::choose(&text) {
        assert_eq!(PlayerName::choose(name.as_str()), Ok(name));
    }
    if let Ok(name) = PlayerName::parse(&text) {
        let again = PlayerName::parse(name.as_str());
        assert_eq!(
            again.as_ref(),
            Ok(&name),
            "a name that was accepted is accepted again, unchanged"
        );
    }
}

/// What was read is the same after it was written.
fn survives<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let written = value.to_string();
        assert!(written.parse::<T>().is_ok_and(|again| again == value), "{text:?} → {written:?}");
    }
}
