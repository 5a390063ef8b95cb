//! Finds the room of a request: checks invitations to private rooms, and meters guesses.
//!
//! A code has 30 bits, so guesses are metered. A look-up that finds no public room takes one from the address's bucket of
//! look-ups, unless the player sits in the room or brings the right invitation. The server takes it before the answer says
//! whether there is such a room; an empty bucket answers 429 in every case.

use std::sync::Arc;

use axum::extract::FromRef;
use shared::api::ProblemKind;
use shared::id::PlayerId;
use shared::invitation::RoomAddress;

use super::error::{Refuse, one_of};
use super::failures::TooManyCodes;
use super::problem::ProblemResponse;
use super::refusal::{Refusal, SHARED_AWAY};
use super::state::HttpState;
use crate::client_address::ClientAddress;
use crate::limits::Limits;
use crate::room::RoomHandle;
use crate::rooms::{FindError, Rooms};

/// Finds rooms for requests.
#[derive(Clone)]
pub struct RoomFinder {
    rooms: Rooms,
    limits: Arc<Limits>,
}

impl FromRef<HttpState> for RoomFinder {
    fn from_ref(state: &HttpState) -> Self {
        Self { rooms: FromRef::from_ref(state), limits: FromRef::from_ref(state) }
    }
}

one_of! {
    /// Why a room is not found.
    pub enum RoomError {
        /// There is no such room.
        Find(FindError),
        /// It is private.
        NotInvited(NotInvited),
        /// The address looks for too many.
        TooOften(TooManyCodes),
        /// It is not known whether another node has it.
        Unsure(Unsure),
    }
}

/// This node does not have the room, and what the nodes share does not answer.
#[derive(Debug)]
pub struct Unsure;

impl Refuse for Unsure {
    fn refusals() -> Vec<Refusal> {
        vec![SHARED_AWAY]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail =
            "Whether another node has this room is not known just now: try again in a moment.";
        ProblemResponse::new(SHARED_AWAY, detail)
    }
}

/// The room is private, and the address has no secret or a wrong one.
#[derive(Debug)]
pub struct NotInvited;

impl NotInvited {
    const REFUSAL: Refusal =
        Refusal::new(ProblemKind::Forbidden).when("the room is private and takes its invitation");
}

impl Refuse for NotInvited {
    fn refusals() -> Vec<Refusal> {
        vec![Self::REFUSAL]
    }

    fn into_problem(self) -> ProblemResponse {
        let detail = "This room is private: open it by its invitation, or look its code up first.";
        ProblemResponse::new(Self::REFUSAL, detail)
    }
}

impl RoomFinder {
    /// The room, for a client that may enter it: it is public, the invitation is right, or it is the player's.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn find(
        &self,
        at: RoomAddress,
        player: Option<PlayerId>,
        from: ClientAddress,
    ) -> Result<RoomHandle, RoomError> {
        self.find_unless(at, player, from, false).await
    }

    /// The room, also for a client that knows no more than its code.
    ///
    /// # Errors
    /// See [`RoomError`].
    pub async fn look_up(
        &self,
        at: RoomAddress,
        player: Option<PlayerId>,
        from: ClientAddress,
    ) -> Result<RoomHandle, RoomError> {
        self.find_unless(at, player, from, at.secret.is_none()).await
    }

    async fn find_unless(
        &self,
        at: RoomAddress,
        player: Option<PlayerId>,
        from: ClientAddress,
        code_is_enough: bool,
    ) -> Result<RoomHandle, RoomError> {
        match self.rooms.find(at.room) {
            Ok(room) if may_enter(&room, at, player) => Ok(room),
            Ok(room) => {
                self.meter(from)?;
                if code_is_enough { Ok(room) } else { Err(NotInvited.into()) }
            }
            // A room that is gone opens to nobody. The other node checks the invitation.
            Err(error @ (FindError::Ended | FindError::There(_))) => Err(error.into()),
            Err(FindError::Unknown) => {
                self.meter(from)?;
                // It may be newer than what this node knows.
                let node = self.rooms.find_elsewhere(at.room).await.or(Err(Unsure))?;
                Err(node.map_or(FindError::Unknown, FindError::There).into())
            }
        }
    }

    fn meter(&self, from: ClientAddress) -> Result<(), TooManyCodes> {
        self.limits.codes.take(from.0).map_err(TooManyCodes)
    }
}

fn may_enter(room: &RoomHandle, at: RoomAddress, player: Option<PlayerId>) -> bool {
    let spec = room.spec();
    !spec.private
        || spec.address() == at
        || player.is_some_and(|player| at.secret.is_none() && room.belongs_to(player))
}
