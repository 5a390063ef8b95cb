//! What a game wants done: the room does it, in this order.

use shared::protocol::ServerMessage;
use shared::replay::ReplayHeader;
use shared::sim::Event;
use shared::tick::Tick;

use crate::ladder::Score;
use crate::recordings::{Ending, Finished};
use crate::room::connection::id::ConnectionId;
use crate::socket::Closing;

/// One thing to be done.
#[derive(Debug)]
pub(in crate::room) enum Action {
    /// Broadcast the beginning of a round and, if it counts, begin its recording.
    BeginRound(Box<RoundStart>),
    /// Broadcast and record what changed in the roster.
    Roster { changes: Vec<u8>, whole: Vec<u8>, elapsed: u32 },
    /// Broadcast and record a delta. The relayed inputs are broadcast only.
    Delta { record: Vec<u8>, relayed: Vec<u8>, elapsed: u32 },
    /// Record a keyframe, and let readers enter the stream there.
    Keyframe { record: Vec<u8>, elapsed: u32 },
    /// Record events as markers.
    Events { tick: Tick, events: Vec<Event> },
    /// Broadcast the last record of a round.
    EndRound { record: Vec<u8> },
    /// End the recording without a result.
    EndRecording(Ending),
    /// Broadcast a message that is no part of the match stream.
    Message(ServerMessage),
    /// Close a connection.
    Close(ConnectionId, Closing),
    /// Tell the ladder who scored.
    Score(Score),
    /// End the recording with its result, have the result settled, and tell the game when it is.
    Settle(Box<Finished>),
    /// Tell the ladder who sits here, and publish the room's view.
    SeatsChanged,
    /// Publish the room's view.
    Publish,
}

/// The beginning of a round.
#[derive(Debug)]
pub(in crate::room) struct RoundStart {
    /// For the recording; `None` when the round does not count.
    pub(in crate::room) recorded: Option<ReplayHeader>,
    pub(in crate::room) roster: Vec<u8>,
    pub(in crate::room) keyframe: Vec<u8>,
}
