//! A desynced client: both ends notice, and a keyframe brings it back into sync.

use serde_json::Value;
use shared::api::{CreateRoom, Role};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::{BotStrength, Mode, World};
use shared::snapshot::{Applied, FrameKind, StreamDecoder, StreamEncoder, records};
use tests::client::Client;
use tests::proxy::Proxy;
use tests::socket::GameSocket;
use tests::wait::{DEADLINE, eventually};
use tests::{TestServer, within};

/// First byte of a binary WebSocket frame: final, unmasked.
const BINARY_FRAME: u8 = 0x82;
/// Length byte of a frame whose length is in the next two bytes.
const LONGER: u8 = 126;

async fn server() -> TestServer {
    TestServer::start_with(|config| config.round_seconds = Some(120)).await
}

/// Applies the next part of the stream.
async fn follow(socket: &mut GameSocket, decoder: &mut StreamDecoder) -> Vec<Applied> {
    loop {
        let received = within("the stream", socket.next()).await.expect("the room goes on");
        let ServerMessage::Frames(bytes) = received else { continue };
        return records(&bytes).map(|frame| decoder.apply(frame.unwrap()).unwrap()).collect();
    }
}

/// A decoder whose world has other random numbers.
fn desynced(world: &World) -> StreamDecoder {
    let mut world = world.clone();
    // The stream never corrects the random numbers, so the worlds differ from the next respawn on.
    world.rng.0 ^= 1;
    let mut decoder = StreamDecoder::new();
    for frame in records(&StreamEncoder::new().keyframe(&world)) {
        decoder.apply(frame.unwrap()).unwrap();
    }
    decoder
}

#[tokio::test]
async fn a_desynced_client_is_counted_and_gets_a_keyframe() {
    let server = server().await;
    let ada = server.guest("ada").await;
    let bots = Some(BotStrength::Keen);
    let room = CreateRoom { mode: Mode::Brawl, private: false, bots };
    let room = ada.open_room(&room).await.summary.id;
    let counted = server.metric("pushback_diverged_total").await;

    for role in [Role::Player, Role::Spectator] {
        let mut socket = ada.connect(room, role).await;
        let mut decoder = StreamDecoder::new();
        while decoder.world().is_none_or(World::is_counting_down) {
            follow(&mut socket, &mut decoder).await;
        }

        decoder = desynced(decoder.world().unwrap());
        while decoder.diverged() == 0 {
            follow(&mut socket, &mut decoder).await;
        }
        let tick = decoder.world().unwrap().tick;
        socket.send(&ClientMessage::Diverged { tick }).await.unwrap();
        while !follow(&mut socket, &mut decoder).await.contains(&Applied::Keyframe) {}

        let healed = (decoder.diverged(), decoder.world().unwrap().tick);
        while decoder.world().unwrap().tick.since(healed.1) < 300 {
            follow(&mut socket, &mut decoder).await;
        }
        assert_eq!(decoder.diverged(), healed.0, "{role:?}: the world is the server's again");
    }

    // Other servers of this process share the counter.
    assert!(server.metric("pushback_diverged_total").await >= counted + 2.0);
}

/// Follows the stream on its way and flips one bit of one delta, which can still be decoded and leads to another world.
fn corrupting() -> impl FnMut(&mut [u8]) -> bool + Send + 'static {
    let mut decoder = StreamDecoder::new();
    move |piece| {
        let mut rest = piece;
        while let Some((payload, behind)) = first_payload(rest) {
            if let Ok(ServerMessage::Frames(bytes)) = ServerMessage::decode(payload) {
                let begin = payload.len() - bytes.len();
                if let Some((place, bit)) = place_to_corrupt(&mut decoder, &bytes) {
                    payload[begin + place] ^= 1 << bit;
                    return true;
                }
            }
            rest = behind;
        }
        false
    }
}

/// The payload of the binary frame that the bytes begin with, and what follows it (RFC 6455, section 5.2).
fn first_payload(bytes: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let (length, after) = match bytes {
        [BINARY_FRAME, LONGER, high, low, after @ ..] => (u16::from_be_bytes([*high, *low]), after),
        [BINARY_FRAME, length, after @ ..] => ((*length).into(), after),
        _ => return None,
    };
    after.split_at_mut_checked(length.into())
}

/// The place of a bit that can be flipped. Follows the stream while there is none.
fn place_to_corrupt(decoder: &mut StreamDecoder, bytes: &[u8]) -> Option<(usize, u32)> {
    for frame in records(bytes) {
        let frame = frame.unwrap();
        let began = decoder.clone();
        let followed = decoder.apply(frame);
        let is_played = decoder.world().is_some_and(|world| world.elapsed() > 300);
        if !is_played || followed.is_err() || FrameKind::of(frame) != Ok(FrameKind::Delta) {
            continue;
        }
        let leads_elsewhere = |&(place, bit): &(usize, u32)| {
            let (mut wrong, mut other) = (frame.to_vec(), began.clone());
            wrong[place] ^= 1 << bit;
            let (Ok(Applied::Delta(_)), Some(there), Some(here)) =
                (other.apply(&wrong), other.world(), decoder.world())
            else {
                return false;
            };
            // With the same ticks and the same discs, the rest of the stream can be decoded.
            there != here && there.tick == here.tick && there.discs.len() == here.discs.len()
        };
        let bits = (0..frame.len()).flat_map(|place| (0..8).map(move |bit| (place, bit)));
        let found = bits.into_iter().find(leads_elsewhere);
        if let Some((place, bit)) = found {
            return Some((frame.as_ptr() as usize - bytes.as_ptr() as usize + place, bit));
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_native_client_recovers_from_a_desync_on_the_same_connection() {
    let server = server().await;
    let room = CreateRoom { mode: Mode::Brawl, private: true, bots: Some(BotStrength::Keen) };
    let code = server.guest("host").await.open_room(&room).await.summary.id.to_string();
    let proxy = Proxy::to(&server).await;
    proxy.alter(corrupting());
    let url = proxy.site().url("");
    let flags = ["--server", &url, "--name", "Far", "--autopilot", "--join", &code];
    let mut client = Client::headless(&flags);

    let status = client.status_where("a world that went elsewhere", |s| s["diverged"] == 1).await;
    let diverged = "pushback_player_diverged_total";
    eventually(DEADLINE, "the server's word", async || {
        (server.metric(diverged).await >= 1.0).then_some(())
    })
    .await;
    // Three seconds with three checks.
    let tick = status["tick"].as_f64().unwrap();
    let later = |status: &Value| status["tick"].as_f64().is_some_and(|now| now > tick + 200.0);
    let status = client.status_where("three seconds more", later).await;

    assert_eq!((&status["diverged"], &status["round"]), (&1.into(), &1.into()), "{status}");
    assert_eq!(status["link"], "open");
    assert_eq!(server.metric(diverged).await, 1.0);
    // A new connection would have started its counters at zero, and have got only its first keyframe.
    assert_eq!(server.metric("pushback_player_keyframes_total").await, 2.0);
    let age = "pushback_player_reported_snapshot_age_p99_seconds";
    eventually(DEADLINE, "the client's own report", async || {
        (server.metric(age).await > 0.0).then_some(())
    })
    .await;
}
