//! One connection to a room, from its welcome to its close: one task, one `select!`.
//!
//! It wakes for what the room says and for what the client says, and holds nothing in between: its place in
//! the stream is a number, and what it writes was encoded by the room.

use std::time::{Duration, Instant};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::SinkExt as _;
use shared::protocol::{
    CLIENT_MESSAGES_PER_SECOND_MAX, ClientMessage, MessageError, ServerMessage, close,
};
use shared::tick::{SNAPSHOT_EVERY_TICKS, TICK_RATE_HZ};
use tokio::time::timeout;

use super::line::Parting;
use super::{Connection, Entered};
use crate::app::Services;
use crate::limits::{Bucket, Rate};
use crate::socket::{self, Beat, Closing, Heartbeat, Incoming};

/// A client that takes nothing for so long is cut.
const STALL_MAX: Duration = Duration::from_secs(5);
/// A client is told how its inputs arrive after so many wakes: twice a second.
const TIMING_EVERY_WAKES: u32 = TICK_RATE_HZ / SNAPSHOT_EVERY_TICKS / 2;

const MESSAGES: Rate = Rate {
    burst: CLIENT_MESSAGES_PER_SECOND_MAX,
    refill: Duration::from_nanos(1_000_000_000 / CLIENT_MESSAGES_PER_SECOND_MAX as u64),
};

/// Why a connection is over.
enum End {
    /// With this to say, if anything.
    Close(Option<Closing>),
    /// The socket broke: there is nobody to say it to.
    Broken,
}

/// Talks with a client until either side leaves.
pub async fn talk(mut socket: WebSocket, entered: Entered, services: Services) {
    let _counted = services.gauges.room_sockets.enter();
    let _present = services.presence.enter(entered.player, entered.spec.id, entered.team);
    let welcome = ServerMessage::Welcome {
        room: entered.spec.id,
        mode: entered.spec.mode,
        seat: entered.seat,
        private: entered.spec.private,
    };
    let Entered { player, spec, seat, line, reader, .. } = entered;
    let mut talk = Talk {
        line,
        reader,
        is_seated: seat.is_some(),
        bucket: Bucket::full(Instant::now()),
        outgoing: vec![welcome.encode().into()],
        wakes: 0,
    };
    tracing::debug!(room = %spec.id, %player, seated = talk.is_seated, "connected");
    let end = talk.run(&mut socket, Heartbeat::new(services.config.ping)).await;
    // The room knows before the client does.
    drop(talk);
    match end {
        End::Close(closing) => {
            let code = closing.map(|(code, _)| code);
            tracing::debug!(room = %spec.id, %player, code, "disconnected");
            socket::close(socket, closing).await;
        }
        End::Broken => tracing::debug!(room = %spec.id, %player, "connection lost"),
    }
}

struct Talk {
    line: Connection,
    reader: super::outbox::Reader,
    is_seated: bool,
    bucket: Bucket,
    /// Ready to be sent. Empty between two wakes.
    outgoing: Vec<Bytes>,
    wakes: u32,
}

impl Talk {
    async fn run(&mut self, socket: &mut WebSocket, mut heartbeat: Heartbeat) -> End {
        self.reader.take_messages(&mut self.outgoing);
        if let Err(end) = self.send(socket).await {
            return end;
        }
        loop {
            tokio::select! {
                biased; // What the room says goes first.
                lives = self.reader.changed() => {
                    if !lives {
                        return End::Close(Some((close::ROOM_ENDED, "the room has ended")));
                    }
                    self.collect();
                }
                incoming = socket::receive(socket) => match incoming {
                    Incoming::Binary(bytes) => {
                        if let Err(closing) = self.hear(&bytes) {
                            return End::Close(Some(closing));
                        }
                    }
                    Incoming::Text(_) => {
                        return End::Close(Some((close::MALFORMED, "game messages are binary")));
                    }
                    Incoming::Ping => {}
                    Incoming::Pong => heartbeat.pong(),
                    Incoming::Ended(closing) => return End::Close(closing),
                },
                beat = heartbeat.next() => match beat {
                    Beat::Ping => if socket.send(socket::ping()).await.is_err() {
                        return End::Broken;
                    },
                    Beat::Dead => return End::Close(Some((close::NO_PONG, "no pong came"))),
                },
            }
            if let Err(end) = self.send(socket).await {
                return end;
            }
            if let Some(closing) = self.line.0.dismissed() {
                return End::Close(Some(closing));
            }
        }
    }

    /// Takes what the room has said since the last wake.
    fn collect(&mut self) {
        self.reader.take_messages(&mut self.outgoing);
        self.wakes += 1;
        if self.wakes < TIMING_EVERY_WAKES {
            return;
        }
        self.wakes = 0;
        let skips = self.reader.take_skips();
        if skips > 0 {
            metrics::counter!("pushback_outbox_skips_total").increment(skips.into());
        }
        if self.is_seated {
            self.report();
        }
    }

    /// Tells the client how its inputs arrived.
    fn report(&mut self) {
        let mut arrivals = self.line.0.report();
        metrics::counter!("pushback_inputs_total").increment(arrivals.received.into());
        if arrivals.late > 0 {
            metrics::counter!("pushback_inputs_late_total").increment(arrivals.late.into());
        }
        if arrivals.ahead > 0 {
            metrics::counter!("pushback_inputs_ahead_total").increment(arrivals.ahead.into());
        }
        let Some(margin_p99_ticks) = arrivals.margin_p99() else { return };
        let (late, received) = (arrivals.late, arrivals.received);
        let timing = ServerMessage::Timing { margin_p99_ticks, late, received };
        self.outgoing.push(timing.encode().into());
    }

    /// Takes one message of the client.
    fn hear(&mut self, bytes: &[u8]) -> Result<(), Closing> {
        if self.bucket.take(MESSAGES, Instant::now()).is_err() {
            return Err((close::POLICY, "too many messages"));
        }
        let message = ClientMessage::decode(bytes).map_err(|error| match error {
            MessageError::TooLong { .. } => (close::TOO_LARGE, "the message is too long"),
            MessageError::Malformed => (close::MALFORMED, "the message cannot be read"),
        })?;
        match message {
            ClientMessage::Inputs { .. } | ClientMessage::Rematch { .. } if !self.is_seated => {
                return Err((close::POLICY, "a spectator only watches"));
            }
            ClientMessage::Inputs { first, inputs } => self.line.0.file(first, &inputs),
            ClientMessage::Rematch { wanted } => self.line.0.want_rematch(wanted),
            ClientMessage::Ping { nonce } => {
                let tick = self.line.0.next_tick();
                self.outgoing.push(ServerMessage::Pong { nonce, tick }.encode().into());
            }
            ClientMessage::Leave => {
                self.line.0.part(Parting::Left);
                return Err((close::NORMAL, "see you"));
            }
        }
        Ok(())
    }

    /// Writes everything with one flush.
    async fn send(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let writing = async {
            for message in self.outgoing.drain(..) {
                socket.feed(Message::Binary(message)).await?;
            }
            socket.flush().await
        };
        match timeout(STALL_MAX, writing).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Broken),
            Err(_) => {
                metrics::counter!("pushback_slow_clients_cut_total").increment(1);
                Err(End::Close(Some((close::TOO_SLOW, "you read too slowly"))))
            }
        }
    }
}
