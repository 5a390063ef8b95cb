//! A player of a Colyseus 0.18 room over its own protocol: a seat by HTTP, a WebSocket, patches and inputs.
//!
//! The numbers are those of `@colyseus/shared-types` (`Protocol`) and `@colyseus/schema` (`spec.ts`), read in the
//! installed packages; nothing of them is copied. Every message begins with a byte that names it. A patch is a
//! list of changed objects: [`NEXT_OBJECT`], the object's number, then for each changed field a byte with the
//! field's place and the value.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::SinkExt as _;
use http::Method;
use serde::Deserialize;
use shared::sim::Input;
use shared::sim::rng::Rng;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::site::Site;
use crate::socket::{self, Incoming, Stream};
use crate::swarm::load::{ROOM_OF, STALL, Totals, count, own_clock, wander};
use crate::swarm::seeds::player_rng;

/// Both ways: the seat is ready; the client is ready.
const JOIN_ROOM: u8 = 10;
/// What changed in it.
const ROOM_STATE_PATCH: u8 = 15;
/// A message of the game, as bytes. Its type follows.
const ROOM_DATA_BYTES: u8 = 17;
/// The type that `server.mjs` gives inputs.
const INPUTS: u8 = 0;

/// In a patch: the changes of another object follow.
const NEXT_OBJECT: u8 = 255;
/// The bits of a change that say which field; the others say how it changed.
const FIELD_BITS: u8 = 0x3f;
/// How it changed: it is gone. No field of a player ever is.
const DELETED: u8 = 0x40;
/// Bytes of a player's fields, as `server.mjs` declares them; the first two are the position.
const FIELD_BYTES: [usize; 7] = [2, 2, 2, 2, 2, 1, 2];
/// The state, and the map in it. Players have higher numbers.
const OBJECTS_BEFORE_PLAYERS: u32 = 2;

/// Motion in the patches of all rooms.
#[derive(Debug, Default)]
pub(super) struct Motion {
    /// Positions that changed.
    pub(super) moves: AtomicU64,
    /// Positions that would have changed if every player had moved in every patch.
    pub(super) possible: AtomicU64,
    /// Players that moved at least once.
    pub(super) moved: AtomicU64,
}

/// The answer to a request for a seat.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seat {
    session_id: String,
    room_id: String,
    process_id: String,
}

/// Seats players in rooms of sixteen and lets them play until the set is dropped. What they press follows from the seed.
///
/// # Errors
/// When a seat is refused.
pub(super) async fn players(
    site: &Site,
    players: usize,
    seed: u64,
    totals: &Arc<Totals>,
    motion: &Arc<Motion>,
) -> Result<JoinSet<()>> {
    let site = site.keeping_connections();
    let mut tasks = JoinSet::new();
    let mut room = String::new();
    for number in 0..players {
        let opens = number % ROOM_OF == 0;
        let way = if opens { "create/brawl".to_owned() } else { format!("joinById/{room}") };
        let seat = reserve(&site, &way).await?;
        let stream = join(&site, &seat).await?;
        room = seat.room_id;
        let follower = opens.then(|| Follower {
            players: ROOM_OF.min(players - number) as u64,
            moved: BTreeSet::new(),
            motion: motion.clone(),
        });
        let rng = player_rng(number, seed);
        tasks.spawn(play(stream, follower, rng, totals.clone()));
    }
    Ok(tasks)
}

async fn reserve(site: &Site, way: &str) -> Result<Seat> {
    let request = site.request(Method::POST, &format!("/matchmake/{way}"));
    let answer = request.json(&serde_json::json!({})).send().await.context("asking for a seat")?;
    ensure!(answer.status().is_success(), "Colyseus refused a seat: {}", answer.text().await?);
    answer.json().await.context("reading the seat")
}

async fn join(site: &Site, seat: &Seat) -> Result<Stream> {
    let Seat { session_id, room_id, process_id } = seat;
    let path = format!("/{process_id}/{room_id}?sessionId={session_id}");
    let mut stream = socket::open(site.address(), &path, None).await?;
    match socket::receive(&mut stream).await {
        Incoming::Binary(bytes) if bytes.first() == Some(&JOIN_ROOM) => {}
        other => bail!("Colyseus did not let a player in: {other:?}"),
    }
    stream.send(Message::Binary(vec![JOIN_ROOM].into())).await.context("acknowledging")?;
    Ok(stream)
}

/// One player: every patch is read, and input messages are sent at moments of its own, as on our server.
async fn play(
    mut stream: Stream,
    mut follower: Option<Follower>,
    mut rng: Rng,
    totals: Arc<Totals>,
) {
    let mut held = Input::default();
    let mut clock = own_clock(&mut rng);
    let mut sent = 0;
    let mut last = Instant::now();
    loop {
        let message = tokio::select! {
            message = socket::receive(&mut stream) => message,
            _ = clock.tick() => {
                sent += 1;
                held = wander(held, &mut rng);
                let inputs = Message::Binary(input_message(sent, held).into());
                if stream.send(inputs).await.is_err() {
                    break;
                }
                count(&totals.inputs, 1_u64);
                continue;
            }
        };
        let Incoming::Binary(bytes) = message else { break };
        if bytes.first() != Some(&ROOM_STATE_PATCH) {
            continue;
        }
        count(&totals.snapshots, 1_u64);
        count(&totals.bytes, bytes.len() as u64);
        count(&totals.stalls, last.elapsed() > STALL);
        last = Instant::now();
        if let Some(follower) = &mut follower {
            follower.look_at(&bytes[1..]);
        }
    }
    count(&totals.lost, 1_u64);
}

/// Two inputs, as ours have: the tick of the first, then for each the aim, the thrust and the buttons.
fn input_message(sent: u32, held: Input) -> Vec<u8> {
    let mut message = vec![ROOM_DATA_BYTES, INPUTS];
    message.extend((2 * sent).to_le_bytes());
    for _ in 0..2 {
        message.extend(held.aim.steps().to_le_bytes());
        message.extend([held.thrust.code(), held.buttons.code()]);
    }
    message
}

/// Reads a room's patches for all of its players.
struct Follower {
    players: u64,
    /// The numbers of the players that have moved.
    moved: BTreeSet<u32>,
    motion: Arc<Motion>,
}

impl Follower {
    fn look_at(&mut self, patch: &[u8]) {
        count(&self.motion.possible, self.players);
        // While players join, a patch changes the map too. Such a patch is not read.
        for player in movers(patch).unwrap_or_default() {
            count(&self.motion.moves, 1_u64);
            count(&self.motion.moved, self.moved.insert(player));
        }
    }
}

impl Motion {
    /// Positions that changed and positions that could have, until now.
    pub(super) fn now(&self) -> (u64, u64) {
        (self.moves.load(Ordering::Relaxed), self.possible.load(Ordering::Relaxed))
    }
}

/// The players whose position a patch changes. `None` when it changes more than players.
fn movers(mut patch: &[u8]) -> Option<Vec<u32>> {
    let mut movers = Vec::new();
    while let Some(rest) = patch.strip_prefix(&[NEXT_OBJECT]) {
        let (object, mut rest) = number(rest)?;
        if object < OBJECTS_BEFORE_PLAYERS {
            return None;
        }
        let mut moves = false;
        while let Some((change, value)) = rest.split_first().filter(|(c, _)| **c != NEXT_OBJECT) {
            let field = usize::from(change & FIELD_BITS);
            let bytes = FIELD_BYTES.get(field).filter(|_| change & DELETED == 0)?;
            rest = value.get(*bytes..)?;
            moves |= field < 2;
        }
        movers.extend(moves.then_some(object));
        patch = rest;
    }
    patch.is_empty().then_some(movers)
}

/// A number that is not negative, in the form of MessagePack, and what follows it.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..0x80 => Some((u32::from(*first), rest)),
        0xcc => rest.split_first().map(|(low, rest)| (u32::from(*low), rest)),
        0xcd => rest.split_first_chunk().map(|(n, rest)| (u16::from_le_bytes(*n).into(), rest)),
        0xce => rest.split_first_chunk().map(|(n, rest)| (u32::from_le_bytes(*n), rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, input_message, movers};
    use crate::swarm::load::INPUT_MESSAGE_BYTES;

    #[test]
    fn a_patch_names_those_who_move() {
        // Player 2: x; player 300: strain; player 4: y and points.
        let patch =
            [&[255, 2, 0, 7, 7][..], &[255, 0xcd, 44, 1, 5, 9], &[255, 4, 0x80 | 1, 7, 7, 6, 1, 0]];
        assert_eq!(movers(&patch.concat()), Some(vec![2, 4]));
        assert_eq!(movers(&[]), Some(vec![]));
    }

    #[test]
    fn a_patch_of_something_else_is_not_read() {
        let of_the_map = [255, 1, 0x80, 0];
        let gone = [255, 2, 0x40];
        let cut = [255, 2, 0, 7];
        assert_eq!([&of_the_map[..], &gone, &cut, &[1]].map(movers), [const { None }; 4]);
    }

    #[test]
    fn an_input_message_is_no_longer_than_ours() {
        assert!(input_message(u32::MAX / 2, Input::default()).len() + 6 <= INPUT_MESSAGE_BYTES);
    }
}
