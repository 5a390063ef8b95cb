//! Inputs that come late, early or not at all: what the world makes of them.

use shared::api::Role;
use shared::protocol::{ClientMessage, INPUT_LEAD_TICKS_MAX, ServerMessage};
use shared::sim::{Angle, Buttons, Input, Mode, Slot, Thrust, World};
use shared::snapshot::{StreamDecoder, records};
use tests::socket::GameSocket;
use tests::{TestServer, within};

/// A connection whose every world is looked at.
struct Watched {
    socket: GameSocket,
    decoder: StreamDecoder,
    seat: Slot,
    late: u32,
    received: u32,
}

impl Watched {
    /// Sits down and waits until one can move.
    async fn sit(server: &TestServer) -> Self {
        let ada = server.guest("ada").await;
        let room = ada.private_room(Mode::Practice).await;
        let mut socket = ada.connect(room, Role::Player).await;
        let Ok(ServerMessage::Welcome { seat: Some(seat), .. }) = socket.next().await else {
            panic!("no welcome")
        };
        let decoder = StreamDecoder::new();
        let mut watched = Self { socket, decoder, seat, late: 0, received: 0 };
        while watched.world().is_none_or(World::is_counting_down) {
            watched.next().await;
        }
        watched
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
                    self.decoder.apply(frame.unwrap()).unwrap();
                }
            }
            ServerMessage::Timing { late, received, .. } => {
                self.late += u32::from(late);
                self.received += u32::from(received);
            }
            _ => {}
        }
    }

    /// Presses something so many ticks from now, for one tick.
    async fn press(&mut self, lead: i32, input: Input) {
        let now = self.world().unwrap().tick;
        let first = if lead < 0 { now.minus(lead.unsigned_abs()) } else { now.plus(lead as u32) };
        self.socket.send(&ClientMessage::Inputs { first, inputs: vec![input] }).await.unwrap();
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
async fn an_input_holds_for_a_quarter_of_a_second_without_its_actions_and_then_the_disc_idles() {
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
