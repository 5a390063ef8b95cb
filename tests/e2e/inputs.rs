//! Late, early and missing inputs, and their effect on the world.

use shared::api::Role;
use shared::id::RoomId;
use shared::protocol::{ClientMessage, INPUT_LEAD_TICKS_MAX, ServerMessage};
use shared::sim::{Angle, Buttons, Input, Mode, Slot, Thrust, World};
use shared::snapshot::relay::{self, RelayedInput};
use shared::snapshot::{Applied, StreamDecoder, records};
use shared::tick::{SNAPSHOT_EVERY_TICKS, Tick};
use tests::guest::Guest;
use tests::socket::GameSocket;
use tests::{TestServer, within};

/// A connection that keeps every world.
struct Watched {
    socket: GameSocket,
    decoder: StreamDecoder,
    seat: Slot,
    /// The relayed inputs, each with the tick at which it was received.
    announced: Vec<(Tick, RelayedInput)>,
    late: u32,
    received: u32,
}

impl Watched {
    /// Takes a seat in a room alone and waits until the countdown is over.
    async fn sit(server: &TestServer) -> Self {
        let ada = server.guest("ada").await;
        let room = ada.private_room(Mode::Practice).await;
        let mut watched = Self::enter(&ada, room).await;
        watched.until(|world| !world.is_counting_down()).await;
        watched
    }

    async fn enter(guest: &Guest, room: RoomId) -> Self {
        let mut socket = guest.connect(room, Role::Player).await;
        let Ok(ServerMessage::Welcome { seat: Some(seat), .. }) = socket.next().await else {
            panic!("no welcome")
        };
        let decoder = StreamDecoder::new();
        Self { socket, decoder, seat, announced: Vec::new(), late: 0, received: 0 }
    }

    async fn until(&mut self, is_so: impl Fn(&World) -> bool) {
        while !self.world().is_some_and(&is_so) {
            self.next().await;
        }
    }

    fn world(&self) -> Option<&World> {
        self.decoder.world()
    }

    fn held(&self) -> Input {
        self.world().and_then(|world| world.disc(self.seat)).map(|disc| disc.input).unwrap()
    }

    /// Waits for the next message.
    async fn next(&mut self) {
        match within("a message", self.socket.next()).await.expect("the room goes on") {
            ServerMessage::Frames(bytes) => {
                for frame in records(&bytes) {
                    let applied = self.decoder.apply(frame.unwrap()).unwrap();
                    if let (Applied::RelayedInputs, Some(world)) = (applied, self.decoder.world()) {
                        let relayed = relay::decode(frame.unwrap(), world).unwrap();
                        self.announced
                            .extend(relayed.into_iter().map(|relayed| (world.tick, relayed)));
                    }
                }
            }
            ServerMessage::Timing { late, received, .. } => {
                self.late += u32::from(late);
                self.received += u32::from(received);
            }
            _ => {}
        }
    }

    /// Sends an input for one tick, that many ticks ahead.
    async fn press(&mut self, lead: i32, input: Input) {
        let now = self.world().unwrap().tick;
        let first = if lead < 0 { now.minus(lead.unsigned_abs()) } else { now.plus(lead as u32) };
        self.socket
            .send(&ClientMessage::Inputs { first, inputs: [input].into_iter().collect() })
            .await
            .unwrap();
    }
}

fn pressing() -> Input {
    let aim = Angle::from_steps(100);
    Input { thrust: Thrust::towards(aim), aim, buttons: Buttons::DASH }
}

async fn server() -> TestServer {
    TestServer::start_with(|config| config.round_seconds = Some(600)).await
}

#[tokio::test]
async fn a_missing_input_repeats_the_last_one_without_its_actions_for_a_quarter_of_a_second() {
    let server = server().await;
    let mut ada = Watched::sit(&server).await;

    ada.press(12, pressing()).await;
    while ada.held().thrust == Thrust::NONE {
        ada.next().await;
    }
    let began = ada.world().unwrap().tick;
    while ada.held() != pressing().idle() {
        let held = ada.held();
        assert!(held == pressing() || held == pressing().without_actions(), "{held:?}");
        ada.next().await;
    }

    let lasted = ada.world().unwrap().tick.since(began);
    assert!((12..=18).contains(&lasted), "{lasted} ticks");
}

#[tokio::test]
async fn an_input_for_the_past_is_dropped_and_counted() {
    let server = server().await;
    let mut ada = Watched::sit(&server).await;

    ada.press(-30, pressing()).await;
    while ada.received == 0 {
        ada.next().await;
    }

    assert_eq!((ada.late, ada.received), (1, 1));
    assert_eq!(ada.held().thrust, Thrust::NONE);
}

#[tokio::test]
async fn inputs_are_relayed_to_other_players_before_their_tick() {
    let server = server().await;
    let (ada, bob) = (server.guest("ada").await, server.guest("bob").await);
    let room = ada.private_room(Mode::Brawl).await;
    let mut ada = Watched::enter(&ada, room).await;
    let mut bob = Watched::enter(&bob, room).await;
    let is_played = |world: &World| world.discs.len() == 2 && !world.is_counting_down();
    for player in [&mut ada, &mut bob] {
        within("a round of two", player.until(is_played)).await;
    }

    // Several times, each time another input, because Bob's connection may lag behind for a moment.
    let keys = [pressing(), Input { thrust: Thrust::towards(Angle::default()), ..pressing() }];
    within("an announcement", async {
        for input in keys.iter().cycle() {
            bob.next().await;
            let now = bob.world().unwrap().tick;
            ada.until(|world| !now.is_after(world.tick)).await;
            ada.press(20, *input).await;
            if !bob.announced.is_empty() {
                break;
            }
        }
    })
    .await;

    let (received_at, relayed) = bob.announced[0];
    assert_eq!(relayed.slot, ada.seat);
    assert!(keys.contains(&relayed.input), "{relayed:?}");
    assert!(
        relayed.tick.since(received_at) > 5,
        "received at {received_at:?}, meant for {:?}",
        relayed.tick
    );
    let thrust = relayed.input.thrust;
    let holds = |world: &World| world.disc(relayed.slot).is_some_and(|d| d.input.thrust == thrust);
    assert!(!bob.world().is_some_and(holds), "it does not count yet");
    bob.until(holds).await;
    let after = bob.world().unwrap().tick.since(relayed.tick);
    assert!((1..=SNAPSHOT_EVERY_TICKS as i32).contains(&after), "{after} ticks after it");
}

#[tokio::test]
async fn an_input_too_far_ahead_is_dropped() {
    let server = server().await;
    let mut ada = Watched::sit(&server).await;
    let far = INPUT_LEAD_TICKS_MAX as i32 + 20;

    ada.press(far, pressing()).await;
    let until = ada.world().unwrap().tick.plus(far as u32 + 20);
    while !ada.world().unwrap().tick.is_after(until) {
        assert_eq!(ada.held().thrust, Thrust::NONE);
        ada.next().await;
    }
}
