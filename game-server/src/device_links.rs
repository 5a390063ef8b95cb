//! Device-link codes: single-use codes that sign another program in as the same player, say the client from the lobby.
//!
//! A code is bound to its player, is valid for [`DEVICE_LINK_SECONDS`] and no longer than the session that asked for it,
//! and works once, on every server of the database. The program that redeems it gets a session of its own, so that no session
//! token ever stands in a link or a command.

use std::sync::Arc;
use std::time::Duration;

use shared::api::DeviceLink;
use shared::id::PlayerId;

use crate::clock::now_ms;
use crate::sessions::SignedIn;
use crate::storage::{DeviceLinkCodes, KeptCode, StoreError};
use crate::token::{hash_token, random_token};

/// How long a code is valid, in seconds.
pub const DEVICE_LINK_SECONDS: u32 = 60;

/// A code was not accepted: it is unknown, used or expired, or the session that asked for it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this code was used, has expired after {DEVICE_LINK_SECONDS} seconds, or is another server's: get a new one \
     where it came from"
)]
pub struct InvalidCode;

/// Issues and redeems codes. How many a player may get is a limit of the route.
pub struct DeviceLinks {
    codes: Arc<dyn DeviceLinkCodes>,
}

impl DeviceLinks {
    /// Codes that are kept in this store.
    #[must_use]
    pub fn new(codes: Arc<dyn DeviceLinkCodes>) -> Self {
        Self { codes }
    }

    /// Issues a code.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn issue(&self, holder: &SignedIn) -> Result<DeviceLink, StoreError> {
        let (code, now) = (random_token(), now_ms());
        let lasts = Duration::from_secs(DEVICE_LINK_SECONDS.into());
        let kept = KeptCode {
            hash: hash_token(&code),
            player: holder.player.id,
            session: holder.token,
            expires_at_ms: now + lasts.as_millis() as u64,
        };
        self.codes.add_code(kept, now).await?;
        Ok(DeviceLink { code, expires_in_s: DEVICE_LINK_SECONDS })
    }

    /// Redeems a code. Returns its player.
    ///
    /// # Errors
    /// When the store fails. A code that is not accepted is [`InvalidCode`] inside.
    pub async fn redeem(&self, code: &str) -> Result<Result<PlayerId, InvalidCode>, StoreError> {
        Ok(self.codes.use_code(hash_token(code), now_ms()).await?.ok_or(InvalidCode))
    }
}
