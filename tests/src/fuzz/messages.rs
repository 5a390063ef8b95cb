//! The binary messages of a match.

use shared::protocol::{ClientMessage, ServerMessage};

pub(super) fn client_message(bytes: &[u8]) {
    if let Ok(message) = ClientMessage::decode(bytes) {
        assert_eq!(ClientMessage::decode(&message.encode()).as_ref(), Ok(&message));
    }
}

pub(super) fn server_message(bytes: &[u8]) {
    if let Ok(message) = ServerMessage::decode(bytes) {
        assert_eq!(ServerMessage::decode(&message.encode()).as_ref(), Ok(&message));
    }
}
