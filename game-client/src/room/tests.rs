//! A room that loses sync with its server.

use shared::api::Role;
use shared::protocol::ServerMessage;
use shared::sim::{Command, Mode, Slot, World};
use shared::snapshot::StreamEncoder;

use super::{
    ClientMessage, Instant, LinkId, Net, Real, Room, RoomRequest, Time, receive_frames,
    receive_message,
};
use crate::net::{Request, Sent};

/// The beginning of a connection: a keyframe from the first second of a round.
fn begun(discs: u16) -> Vec<u8> {
    let mut world = World::new(Mode::Brawl, 7, 3_600);
    let joins: Vec<_> =
        (0..discs).map(|slot| Command::Join { slot: Slot(slot), team: 0 }).collect();
    drop(world.step(&joins));
    (0..60).for_each(|_| drop(world.step(&[])));
    StreamEncoder::new().keyframe(&world)
}

fn entered() -> Room {
    Room::entering(LinkId(1), "ABC123".parse().expect("a code"), Role::Player)
}

fn welcome(room: &mut Room, net: &Net) {
    let (seat, mode) = (Some(Slot(0)), Mode::Brawl);
    let welcome = ServerMessage::Welcome { room: room.id, mode, seat, private: false };
    let time = Time::<Real>::default();
    assert!(receive_message(room, &welcome, Instant::now(), &time, net).is_none());
}

/// Whether the server was asked for a keyframe since the last call.
fn has_asked(sent: &mut Sent) -> bool {
    matches!(sent.game_messages.try_recv(), Ok((_, ClientMessage::Diverged { .. })))
}

fn reconnects(sent: &mut Sent) -> bool {
    matches!(sent.requests.try_recv(), Ok(Request::Room(RoomRequest::Reconnect(_))))
}

#[test]
fn a_desynced_client_asks_for_a_keyframe_and_reconnects_when_none_comes() {
    let ((net, mut sent), mut room) = (Net::detached(), entered());
    welcome(&mut room, &net);
    receive_frames(&mut room, &begun(2), 0.0, &net);
    assert!(!has_asked(&mut sent));

    (0..90).for_each(|_| receive_frames(&mut room, &[3, 0, 255, 255, 255], 1.0, &net));
    assert!(has_asked(&mut sent));
    assert!(!has_asked(&mut sent), "one request is enough");
    (0..90).for_each(|_| receive_frames(&mut room, &[3, 0, 255, 255, 255], 130.0, &net));

    assert!(reconnects(&mut sent));
    assert!(!reconnects(&mut sent) && !has_asked(&mut sent), "one reconnect is enough");
    welcome(&mut room, &net);
    receive_frames(&mut room, &begun(2), 140.0, &net);
    assert!(!reconnects(&mut sent) && !has_asked(&mut sent), "it is in sync again");
}

#[test]
fn a_keyframe_ends_a_divergence_and_the_divergence_stays_counted() {
    let ((net, mut sent), mut room) = (Net::detached(), entered());
    welcome(&mut room, &net);
    receive_frames(&mut room, &begun(2), 0.0, &net);
    let rounds = room.game.rounds();

    receive_frames(&mut room, &begun(3), 1.0, &net);
    assert!(has_asked(&mut sent));
    receive_frames(&mut room, &begun(3), 5.0, &net);
    receive_frames(&mut room, &[3, 0, 255, 255, 255], 200.0, &net);

    assert!(has_asked(&mut sent), "another loss of sync is another request");
    assert!(!reconnects(&mut sent));
    assert_eq!((room.game.diverged(), room.game.rounds()), (1, rounds));
    welcome(&mut room, &net);
    assert_eq!(room.game.diverged(), 1);
}
