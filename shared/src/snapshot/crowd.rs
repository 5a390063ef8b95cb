//! The stream for one player of a crowd: interest management and dead reckoning.
//!
//! A delta of the match stream needs a decoder that knows every disc. In a crowd no player does: a client is sent the discs
//! in an interest area around its own ([`INTEREST_ENTER`], [`INTEREST_LEAVE`]). So a view carries effects instead of
//! commands, as differences from dead reckoning: both ends move each disc on with
//! [`dead_reckoning::step_disc`](crate::sim::dead_reckoning::step_disc) and the inputs of its player, and a view carries
//! the changed inputs and a correction, after a bump for example. A disc that touched no other and whose player changed no
//! input takes one bit.
//!
//! Each disc is encoded once a snapshot, and its bits are copied into the view of each player who sees it. That works
//! because all players who were sent the disc in the last snapshot know it exactly. A disc that had no room in a view is
//! *stale* for this player, and is sent in full later: near discs and those that have been stale for long go first. Once a
//! second a check covers all that a player sees except stale discs. A client that finds it wrong reports
//! that ([`Diverged`](crate::protocol::ClientMessage::Diverged)) and gets a view that begins anew.
//!
//! ```text
//! view      kind (3) · begins? (1)
//!           begins   format (5) tick (32) began (32) round_ticks (18) own slot
//!           goes on  base tick (7, lower bits) · two ticks? (1) else count (6)
//!           leader changes? (1) [anybody? (1) [slot]] · check? (1) [marks stale? (1) sum (15)]
//!           for each disc known, by slot: as predicted (0) [exact? (1), in a check that marks stale discs]
//!                                       · updated (10) {full? (1) disc | change} · gone (11)
//!           new discs {slot disc} · new pulses · pulses that ended {id hit? (1) [slot]} · events
//!           pickups change? (1) [pickups in sight]
//! change    for each tick: input changes? (1) [input] · moved? (1) [4 corrections] · state? (1) [timers] · scored? (1) [3]
//! ```
//!
//! When a view has a limit, its bits go first to what is always in it, the own disc and events about it; then to the
//! nearest of the new pulses and to knock-outs in sight, up to a share each; then to the other discs; and last to other
//! events. A pulse or a disc that had no room is sent later. An event is not: it would be late.
//!
//! A view never carries the last push of a disc, nor the world's random numbers
//! ([`World::is_partial`](crate::sim::World::is_partial)).

mod bitset;
mod candidates;
mod change;
mod check;
mod codec;
mod decode;
mod encode;
mod events;
mod span;
mod view;

pub(super) use decode::{DecodedView, decode};
pub use encode::CrowdEncoder;
pub use view::ClientView;

use crate::sim::fixed::units;
use crate::sim::{Disc, Vec2};

/// A disc that comes this near to the own one, along both axes and in sub-units, enters the interest set: a little more
/// than a wide screen shows.
pub const INTEREST_ENTER: Vec2 = Vec2::new(units(760), units(440));
/// A disc that is farther away than this leaves the interest set. The gap to [`INTEREST_ENTER`] keeps a disc on the border
/// from coming and going with every snapshot.
pub const INTEREST_LEAVE: Vec2 = Vec2::new(units(840), units(520));

/// The format of views. Views are in no recording, so there are no older formats to read.
const FORMAT: u32 = 4;
/// Side of the cells of the grid that finds what a player sees, as a power of two: 8,192 sub-units, 128 units.
const CELL_SHIFT: u32 = 13;
/// Order of the Exponential-Golomb code for counts.
const COUNT_ORDER: u32 = 2;

/// A disc as the players of a crowd know it.
fn visible(disc: &Disc) -> Disc {
    Disc { last_push: None, team: 0, ..disc.clone() }
}

/// Whether something at `position` lies within `reach` of `centre`.
fn is_within(position: Vec2, centre: Vec2, reach: Vec2) -> bool {
    let offset = position - centre;
    offset.x.abs() <= reach.x && offset.y.abs() <= reach.y
}
