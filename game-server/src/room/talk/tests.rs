//! Talks with a client on the other end of a real socket: when it is listened to.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

use bytes::Bytes;
use shared::id::{PlayerId, RoomId};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::{Input, Mode, Slot};
use shared::tick::Tick;
use tokio::net::TcpListener;

use super::{Opening, Talk};
use crate::connections::ConnectionLimiter;
use crate::metrics::Gauge;
use crate::room::inputs::InputBuffer;
use crate::room::line::Wishes;
use crate::room::meter::{Meter, Whose};
use crate::room::outbox::Outbox;
use crate::room::wire::{READ_BYTES, Wire};
use crate::testing::Bench;

/// A seat whose client is the other end of a real socket.
struct Talking {
    talk: Talk,
    inputs: InputBuffer,
    client: TcpStream,
    _outbox: Outbox,
}

impl Talking {
    async fn begin(bench: &Bench) -> Self {
        let (app, now) = (&bench.app, Instant::now());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, address) = listener.accept().await.unwrap();
        let limiter = ConnectionLimiter::new(1, 1, Gauge::default());
        let permit = limiter.permit(address.ip()).unwrap();
        let wire = Wire::new(socket, Bytes::new(), permit, true).unwrap();
        let (room, player) = (RoomId::from_bits(1), PlayerId::from_bits(1));
        let (slot, outbox) = (Some(Slot(0)), Outbox::new());
        let opening = Opening {
            welcome: ServerMessage::Welcome { room, mode: Mode::Brawl, seat: slot, private: false },
            meter: Meter::new(Whose { room, player, slot }, None, now),
            reader: outbox.outlet().reader(),
            sight: None,
            is_seated: true,
            ping_period: app.config.ping,
            held: (app.gauges.room_sockets.enter(), app.presence.enter(player, room, None)),
        };
        let talk = Talk::begin(wire, opening, now);
        Self { talk, inputs: InputBuffer::new(Tick(0)), client, _outbox: outbox }
    }

    /// The client says this. A message of fewer than 126 bytes, behind a mask of zeros.
    fn say(&mut self, message: &ClientMessage) {
        let message = message.encode();
        let head = [0x82, 0x80 | u8::try_from(message.len()).unwrap(), 0, 0, 0, 0];
        self.client.write_all(&[&head[..], &message].concat()).unwrap();
    }

    /// The beginning of a tick. Says whether the client has left.
    fn has_left(&mut self, is_told: bool) -> bool {
        self.talk.expect(is_told, &self.inputs);
        let wishes = Wishes { inputs: &mut self.inputs, wants_rematch: &mut None };
        self.talk.listen(Instant::now(), &mut [0; READ_BYTES], wishes).is_err()
    }
}

#[tokio::test]
async fn who_owes_an_input_is_asked_for_it_and_others_are_heard_when_they_are_told_something() {
    let bench = Bench::start().await;
    let mut talking = Talking::begin(&bench).await;

    let inputs = [Input::default(); 2].into_iter().collect();
    talking.say(&ClientMessage::Inputs { first: Tick(0), inputs });
    while !talking.inputs.has_next() {
        assert!(!talking.has_left(false));
    }
    talking.say(&ClientMessage::Leave);

    assert!((0..1_000).all(|_| !talking.has_left(false)), "its input is there");
    while !talking.has_left(true) {}
    bench.stop().await;
}
