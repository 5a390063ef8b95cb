//! The messages of a game client: decoded, checked, and applied to the sender's seat.

use bytes::Bytes;
use shared::protocol::{ClientMessage, MessageError, PlayReport, ServerMessage, close};
use shared::tick::Tick;

use super::end::End;
use super::frames;
use crate::room::inputs::InputBuffer;

/// The client's place in the room, as far as its messages change it.
pub(in crate::room) enum Sender<'a> {
    Player {
        inputs: &'a mut InputBuffer,
        /// `None` until the player has answered whether to play another round.
        wants_rematch: &'a mut Option<bool>,
    },
    Spectator {
        /// The room's tick when the spectator came.
        entered_at: Tick,
    },
}

/// A message about the connection and not about the round.
pub(super) enum ControlMessage {
    /// The client's world differs from the server's since this tick.
    Diverged(Tick),
    /// The client's view of the round.
    Report(PlayReport),
    /// The client asked for this answer, a frame.
    Answer(Bytes),
}

/// Takes one message. Returns a control message, if it is one.
///
/// # Errors
/// When the message ends the connection.
pub(super) fn receive(
    bytes: &[u8],
    sender: &mut Sender<'_>,
) -> Result<Option<ControlMessage>, End> {
    let message = ClientMessage::decode(bytes).map_err(|error| {
        End::ClosedByServer(match error {
            MessageError::TooLong { .. } => (close::TOO_LARGE, "the message is too long"),
            MessageError::Malformed => (close::MALFORMED, "the message cannot be read"),
        })
    })?;
    let not_allowed = Err(End::ClosedByServer((close::POLICY, "a spectator only watches")));
    match (message, sender) {
        (ClientMessage::Leave, _) => return Err(End::Left),
        (ClientMessage::Diverged { tick }, _) => return Ok(Some(ControlMessage::Diverged(tick))),
        (ClientMessage::Ping { nonce }, sender) => {
            let pong = ServerMessage::Pong { nonce, tick: sender.tick() };
            return Ok(Some(ControlMessage::Answer(frames::binary(&pong.encode()))));
        }
        (ClientMessage::Report(report), Sender::Player { .. }) => {
            return Ok(Some(ControlMessage::Report(report)));
        }
        (ClientMessage::Inputs { first, inputs: new }, Sender::Player { inputs, .. }) => {
            inputs.file(first, &new);
        }
        (ClientMessage::Rematch { wanted }, Sender::Player { wants_rematch, .. }) => {
            **wants_rematch = Some(wanted);
        }
        (
            ClientMessage::Inputs { .. } | ClientMessage::Rematch { .. } | ClientMessage::Report(_),
            Sender::Spectator { .. },
        ) => return not_allowed,
    }
    Ok(None)
}

impl Sender<'_> {
    fn tick(&self) -> Tick {
        match self {
            Self::Player { inputs, .. } => inputs.next_tick(),
            Self::Spectator { entered_at } => *entered_at,
        }
    }
}
