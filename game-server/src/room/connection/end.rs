//! Why a connection ends.

use std::io;

use super::frames::FrameError;
use crate::socket::Closing;

/// Why a connection does not stay open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) enum End {
    /// The player gave up the seat.
    Left,
    /// The client closed, with this code.
    ClosedByClient(Option<u16>),
    /// The server closes with this code and reason.
    ClosedByServer(Closing),
    /// The client broke the protocol: the server says so and reads nothing more.
    ProtocolError(Closing),
    /// The socket broke, so there is no way to send a reason.
    Broken,
}

/// What the end of a connection means for the seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::room) enum Departure {
    /// The connection was lost: the player may come back.
    Lost,
    /// The player left: the seat is free.
    Left,
}

impl End {
    /// For the log.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Left => "gave up the seat",
            Self::ClosedByClient(_) => "closed",
            Self::ClosedByServer((_, reason)) | Self::ProtocolError((_, reason)) => reason,
            Self::Broken => "broke",
        }
    }

    pub(super) const fn departure(self) -> Departure {
        match self {
            Self::Left => Departure::Left,
            Self::ClosedByClient(_)
            | Self::ClosedByServer(_)
            | Self::ProtocolError(_)
            | Self::Broken => Departure::Lost,
        }
    }
}

impl From<FrameError> for End {
    fn from(error: FrameError) -> Self {
        Self::ProtocolError(error.closing())
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}
