//! Device-link codes: single-use codes that sign another program in as the same player, say the client from the lobby.
//!
//! A code is bound to its player, is valid for [`DEVICE_LINK_SECONDS`] and no longer than the session that asked for it,
//! and works once. The program that redeems it gets
//! a session of its own, so that no session token ever stands in a link or a command.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use shared::api::DeviceLink;
use shared::id::PlayerId;

use crate::sessions::life::SessionLife;
use crate::sync::lock;
use crate::token::random_token;

/// How long a code is valid, in seconds.
pub const DEVICE_LINK_SECONDS: u32 = 60;
/// Valid codes of one player at once. One more replaces the oldest.
const PER_PLAYER_MAX: usize = 8;
/// Valid codes at once. One more replaces the oldest, so that whoever fills the table keeps nobody out. Few enough for a
/// linear search.
const CODES_MAX: usize = 4_096;

/// A code was not accepted: it is unknown, used or expired, or the session that asked for it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this code was used, has expired after {DEVICE_LINK_SECONDS} seconds, or is another server's: get a new one \
     where it came from"
)]
pub struct InvalidCode;

struct Code {
    text: String,
    player: PlayerId,
    /// The session that asked for it: the code ends with it.
    session: SessionLife,
    expires: Instant,
}

/// The codes that are issued and not used.
#[derive(Default)]
pub struct DeviceLinks {
    /// The oldest first.
    waiting: Mutex<VecDeque<Code>>,
}

impl DeviceLinks {
    /// Issues a code.
    pub fn issue(&self, player: PlayerId, session: SessionLife) -> DeviceLink {
        self.issue_at(player, session, Instant::now())
    }

    /// Redeems a code. Returns its player.
    ///
    /// # Errors
    /// [`InvalidCode`].
    pub fn redeem(&self, code: &str) -> Result<PlayerId, InvalidCode> {
        self.redeem_at(code, Instant::now())
    }

    fn issue_at(&self, player: PlayerId, session: SessionLife, now: Instant) -> DeviceLink {
        let mut waiting = lock(&self.waiting);
        forget_expired(&mut waiting, now);
        if waiting.iter().filter(|code| code.player == player).count() >= PER_PLAYER_MAX {
            let oldest = waiting.iter().position(|code| code.player == player);
            oldest.and_then(|place| waiting.remove(place));
        }
        if waiting.len() >= CODES_MAX {
            waiting.pop_front();
        }
        let (code, expires) =
            (random_token(), now + Duration::from_secs(DEVICE_LINK_SECONDS.into()));
        waiting.push_back(Code { text: code.clone(), player, session, expires });
        DeviceLink { code, expires_in_s: DEVICE_LINK_SECONDS }
    }

    fn redeem_at(&self, text: &str, now: Instant) -> Result<PlayerId, InvalidCode> {
        let mut waiting = lock(&self.waiting);
        forget_expired(&mut waiting, now);
        let place = waiting.iter().position(|code| code.text == text);
        let code = place.and_then(|place| waiting.remove(place));
        let valid = code.filter(|code| !code.session.has_ended());
        valid.map(|code| code.player).ok_or(InvalidCode)
    }
}

/// All codes are valid equally long, so that the oldest expire first.
fn forget_expired(waiting: &mut VecDeque<Code>, now: Instant) {
    while waiting.front().is_some_and(|code| code.expires <= now) {
        waiting.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use shared::id::PlayerId;

    use super::{CODES_MAX, DEVICE_LINK_SECONDS, DeviceLinks, InvalidCode, PER_PLAYER_MAX};
    use crate::sessions::life::{Lives, SessionLife};
    use crate::token::hash_token;

    const ADA: PlayerId = PlayerId::from_bits(7);

    fn session() -> SessionLife {
        SessionLife::default()
    }

    #[test]
    fn a_code_works_once() {
        let codes = DeviceLinks::default();
        let code = codes.issue(ADA, session()).code;

        assert_eq!(codes.redeem("another"), Err(InvalidCode));
        assert_eq!(codes.redeem(&code), Ok(ADA));
        assert_eq!(codes.redeem(&code), Err(InvalidCode));
    }

    #[test]
    fn a_code_ends_with_the_session_that_asked_for_it() {
        let (codes, lives) = (DeviceLinks::default(), Lives::default());
        let code = codes.issue(ADA, lives.of(hash_token("a"))).code;

        lives.end(hash_token("a"));

        assert_eq!(codes.redeem(&code), Err(InvalidCode));
    }

    #[test]
    fn a_code_expires() {
        let (codes, now) = (DeviceLinks::default(), Instant::now());
        let late = now + Duration::from_secs(DEVICE_LINK_SECONDS.into());
        let code = codes.issue_at(ADA, session(), now).code;
        let newer = codes.issue_at(ADA, session(), now + Duration::from_secs(1)).code;

        assert_eq!(codes.redeem_at(&code, late), Err(InvalidCode));
        assert_eq!(codes.redeem_at(&newer, late), Ok(ADA));
    }

    #[test]
    fn a_full_table_refuses_nobody() {
        let codes = DeviceLinks::default();
        let issued: Vec<_> = (0..=CODES_MAX as u64)
            .map(|player| codes.issue(PlayerId::from_bits(player), session()).code)
            .collect();

        assert_eq!(codes.waiting.lock().unwrap().len(), CODES_MAX);
        assert_eq!(codes.redeem(&issued[0]), Err(InvalidCode), "the oldest made room");
        assert_eq!(codes.redeem(&issued[CODES_MAX]), Ok(PlayerId::from_bits(CODES_MAX as u64)));
    }

    #[test]
    fn one_player_s_codes_replace_no_other_player_s() {
        let codes = DeviceLinks::default();
        let of_bob = codes.issue(PlayerId::from_bits(8), session()).code;
        let first = codes.issue(ADA, session()).code;

        let last = (0..PER_PLAYER_MAX).map(|_| codes.issue(ADA, session()).code).last().unwrap();

        assert_eq!(codes.redeem(&first), Err(InvalidCode));
        assert_eq!(codes.redeem(&last), Ok(ADA));
        assert_eq!(codes.redeem(&of_bob), Ok(PlayerId::from_bits(8)));
    }
}
