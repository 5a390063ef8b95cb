//! A connection with a client at the other end of a real socket: when it is read.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Instant;

use bytes::Bytes;
use shared::id::{PlayerId, RoomId};
use shared::protocol::{ClientMessage, ServerMessage};
use shared::sim::{Input, Mode, Slot};
use shared::tick::Tick;
use tokio::net::TcpListener;

use super::{OpenConnection, Opening};
use crate::client_address::ClientAddress;
use crate::connections::ConnectionLimiter;
use crate::metrics::Gauge;
use crate::room::broadcast::{BroadcastLog, LogCursor};
use crate::room::connection::messages::Sender;
use crate::room::connection::socket::{READ_BYTES, Socket};
use crate::room::connection::statistics::{Owner, Statistics};
use crate::room::inputs::InputBuffer;
use crate::testing::Bench;

/// A player's connection, and the client at its other end.
struct Connected {
    connection: OpenConnection,
    inputs: InputBuffer,
    client: TcpStream,
    _log: BroadcastLog,
}

impl Connected {
    async fn open(bench: &Bench) -> Self {
        let (app, now) = (&bench.app, Instant::now());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (socket, address) = listener.accept().await.unwrap();
        let limiter = ConnectionLimiter::new(1, 1, Gauge::default());
        let permit = limiter.permit(ClientAddress(address.ip())).unwrap();
        let socket = Socket::new(socket, Bytes::new(), permit, true).unwrap();
        let (room, player) = (RoomId::from_bits(1), PlayerId::from_bits(1));
        let (slot, log) = (Some(Slot(0)), BroadcastLog::new());
        let opening = Opening {
            welcome: ServerMessage::Welcome { room, mode: Mode::Brawl, seat: slot, private: false },
            statistics: Statistics::new(
                Owner { room, player, slot },
                None,
                app.metrics.rooms.clone(),
                now,
            ),
            cursor: LogCursor::new(log.reader()),
            interest: None,
            ping_period: app.settings.ping,
            held: (app.metrics.rooms.sockets.enter(), app.presence.enter(player, room, None)),
        };
        let connection = OpenConnection::new(socket, opening, now);
        Self { connection, inputs: InputBuffer::new(Tick(0)), client, _log: log }
    }

    /// The client sends a message of fewer than 126 bytes, behind a mask of zeros.
    fn send(&mut self, message: &ClientMessage) {
        let message = message.encode();
        let head = [0x82, 0x80 | u8::try_from(message.len()).unwrap(), 0, 0, 0, 0];
        self.client.write_all(&[&head[..], &message].concat()).unwrap();
    }

    /// The beginning of a tick. Returns whether the client has left.
    fn has_left(&mut self, is_in_audience: bool) -> bool {
        self.connection.schedule_read(is_in_audience, Some(&self.inputs));
        let sender = Sender::Player { inputs: &mut self.inputs, wants_rematch: &mut None };
        self.connection.receive(Instant::now(), &mut [0; READ_BYTES], sender).is_err()
    }
}

#[tokio::test]
async fn a_player_is_read_when_a_snapshot_follows_or_an_input_is_missing() {
    let bench = Bench::start().await;
    let mut connected = Connected::open(&bench).await;

    let inputs = [Input::default(); 2].into_iter().collect();
    connected.send(&ClientMessage::Inputs { first: Tick(0), inputs });
    while !connected.inputs.has_next() {
        assert!(!connected.has_left(false));
    }
    connected.send(&ClientMessage::Leave);

    assert!((0..1_000).all(|_| !connected.has_left(false)), "its input is here");
    while !connected.has_left(true) {}
    bench.stop().await;
}
