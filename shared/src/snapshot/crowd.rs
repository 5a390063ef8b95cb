//! What one player of a crowd is told: the discs near by, and of each of them only what it did that it would not have
//! done alone.
//!
//! A delta of the match stream needs a decoder that knows every disc. In a crowd nobody does: a player is told of what
//! lies in a window around the own disc ([`INTEREST_ENTER`], [`INTEREST_LEAVE`]). So what is told here is the *effect*, but against the
//! cause: both ends let each disc go on alone ([`alone::step`](crate::sim::alone::step)) with the keys that its player
//! held, and what travels is the change of keys and what is left to correct, after a bump, say. A disc whom nobody
//! touched and whose player held on costs one bit.
//!
//! Each disc is encoded once a snapshot, and its bits are copied for everyone who sees it. That works because everyone
//! who was told of a disc with the last snapshot knows it exactly as it was. Who was not, for want of room in a frame,
//! is told the whole of it later: what is near and what has waited goes first. Once a second a check covers everything
//! that a player is shown, but for such discs. Who finds it wrong says so and is told everything anew.
//!
//! ```text
//! view      kind (3) · begins? (1)
//!           begins   format (5) tick (32) began (32) round_ticks (18) you? (1) [slot]
//!           goes on  base tick (7, lower bits) · two ticks? (1) else count (6)
//!           leader changes? (1) [anybody? (1) [slot]] · check? (1) [not of all? (1) sum (15)]
//!           for each disc known, by slot: as alone (0) [exact? (1), in a check that is not of all]
//!                                       · told (10) {whole? (1) disc | change} · gone (11)
//!           new discs {slot disc} · new pulses · pulses that ended {id struck? (1) [slot]} · events
//!           pickups change? (1) [pickups in sight]
//! change    for each tick: keys change? (1) [keys] · moved? (1) [4 corrections] · state? (1) [timers] · scored? (1) [3]
//! ```
//!
//! When a frame has a limit, its room goes first to what is in it anyway, the own disc and events about it, then to
//! the nearest of the new pulses and to knock-outs in sight, a part of it each, then to the other discs, and to other
//! events last. A pulse or a disc that had no room is told later. An event is not: it would be old.
//!
//! What a player is not told: who pushed a disc last, and what chance will bring
//! ([`World::is_partial`](crate::sim::World::is_partial)).

mod change;
mod check;
mod decode;
mod encode;
mod events;
mod offers;
mod set;
mod sight;
mod viewer;

pub(super) use decode::{Seen, apply};
pub use encode::CrowdEncoder;
pub use viewer::ClientView;

use crate::sim::fixed::units;
use crate::sim::{Disc, Vec2};

/// Who comes as near as this, along both axes, is told of: a little more than a wide screen shows.
pub const INTEREST_ENTER: Vec2 = Vec2::new(units(760), units(440));
/// Who is farther away is forgotten. The gap keeps somebody on the border from coming and going with every snapshot.
pub const INTEREST_LEAVE: Vec2 = Vec2::new(units(840), units(520));

/// What a frame that begins anew says of its format. It is no part of a recording, so there are no old ones to read.
const FORMAT: u32 = 4;
/// Cells of the grid that is searched for what a player sees: 128 units wide.
const CELL_SHIFT: u32 = 13;
/// The order of the code for how many of something there are.
const COUNT_ORDER: u32 = 2;

/// A disc as players of a crowd know it.
fn told(disc: &Disc) -> Disc {
    Disc { last_push: None, team: 0, ..disc.clone() }
}

/// Whether something at `place` lies within `reach` of `centre`.
fn is_within(place: Vec2, centre: Vec2, reach: Vec2) -> bool {
    let way = place - centre;
    way.x.abs() <= reach.x && way.y.abs() <= reach.y
}
