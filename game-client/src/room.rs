//! The room one is in: its link, its rounds, its result. There is a [`Room`] from entering to leaving.

use std::time::{Duration, Instant};

use bevy::prelude::{
    App, IntoScheduleConfigs as _, Message, MessageReader, MessageWriter, Plugin, Real, Res,
    ResMut, Resource, Time, Update, resource_exists, warn,
};
use shared::api::Role;
use shared::id::RoomId;
use shared::protocol::{ClientMessage, RoundSummary, ServerMessage};
use shared::sim::{Event, Mode, Slot};
use shared::tick::TICK_RATE_HZ;

use crate::autopilot::Autopilot;
use crate::input::Controls;
use crate::net::{LinkId, LinkState, Net, Report, Request};
use crate::prediction::{Match, PredictionReport, ticks_of};
use crate::scene::{Phase, Seen, Stage};
use crate::space::radians_from_world;

/// Who told the server of having lost the thread waits so long for a keyframe: two seconds.
const HEALED_WITHIN_TICKS: f64 = TICK_RATE_HZ as f64 * 2.0;

/// The result of the last round, while it is shown.
#[derive(Debug, Clone)]
pub struct RoundResult {
    /// What the server said.
    pub summary: RoundSummary,
    /// When the next round begins.
    pub next_at: Instant,
    /// How well the round was predicted.
    pub prediction: PredictionReport,
    /// Whether one wants another round. Nothing: not said.
    pub rematch: Option<bool>,
}

/// The room one is in.
#[derive(Debug, Resource)]
pub struct Room {
    /// Tells its link's reports from those of an earlier one.
    pub link: LinkId,
    /// Which room.
    pub id: RoomId,
    /// To play or to watch.
    pub role: Role,
    /// How the link stands.
    pub state: LinkState,
    /// The rules. Nothing before the first welcome.
    pub mode: Option<Mode>,
    /// Not in the public list.
    pub is_private: bool,
    /// The rounds.
    pub play: Match,
    /// The result of the last round, while it is shown.
    pub result: Option<RoundResult>,
    /// The quickest round trip of the last seconds, in milliseconds. Nothing before one was measured.
    pub round_trip_ms: Option<f64>,
    /// Whom one who watches follows.
    pub watched: Option<Slot>,
    rescue: Rescue,
}

/// What is done about a stream that leads elsewhere or cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rescue {
    /// Nothing: all is well.
    None,
    /// The server was told, in ticks of the own time, and gives a keyframe.
    Told(f64),
    /// None came, and a new connection was asked for: it begins with one.
    BegunAgain,
}

impl Room {
    /// Before the first word of the server.
    #[must_use]
    pub fn entering(link: LinkId, id: RoomId, role: Role) -> Self {
        Self {
            link,
            id,
            role,
            state: LinkState::Connecting { attempt: 1 },
            mode: None,
            is_private: false,
            play: Match::default(),
            result: None,
            round_trip_ms: None,
            watched: None,
            rescue: Rescue::None,
        }
    }

    /// Whether the server can hear us now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == LinkState::Open
    }
}

/// Something that counts has happened: for the kill feed and for "who pushed you".
#[derive(Debug, Clone, Copy, Message)]
pub struct Settled(pub Event);

/// A round is over, and its result is known.
#[derive(Debug, Clone, Message)]
pub struct RoundEnded(pub RoundResult);

/// Runs the room.
#[derive(Debug)]
pub struct RoomPlugin;

impl Plugin for RoomPlugin {
    fn build(&self, app: &mut App) {
        app.add_message::<Settled>().add_message::<RoundEnded>().add_systems(
            Update,
            (listen.in_set(Phase::Listen), play.in_set(Phase::Play), show.in_set(Phase::Show))
                // Each asks for itself: the room may be left between two of them.
                .distributive_run_if(resource_exists::<Room>),
        );
    }
}

/// The own time of a moment, in ticks since the client started.
fn ticks_at(moment: Instant, time: &Time<Real>) -> f64 {
    ticks_of(moment.saturating_duration_since(time.startup()).as_secs_f64())
}

fn listen(
    mut reports: MessageReader<Report>,
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    net: Res<Net>,
    mut ended: MessageWriter<RoundEnded>,
) {
    for report in reports.read() {
        match report {
            Report::Link { link, state } if *link == room.link => room.state = state.clone(),
            Report::Game { link, message, at } if *link == room.link => {
                if let Some(result) = take(&mut room, message, *at, &time, &net) {
                    ended.write(RoundEnded(result));
                }
            }
            Report::RoundTrip { time: round_trip } => {
                let quickest = room.play.round_trip(ticks_of(round_trip.as_secs_f64()));
                room.round_trip_ms = Some(quickest * 1_000.0 / ticks_of(1.0));
            }
            Report::Link { .. }
            | Report::Game { .. }
            | Report::SignedIn { .. }
            | Report::SignInFailed(_)
            | Report::Rooms(_)
            | Report::Looked(..)
            | Report::Created(_)
            | Report::Queue(_)
            | Report::QueueTrouble(_)
            | Report::Chat(_)
            | Report::ChatOpen(_)
            | Report::Replays(_) => {}
        }
    }
}

/// Takes one message of the server. The result when a round is over.
fn take(
    room: &mut Room,
    message: &ServerMessage,
    at: Instant,
    time: &Time<Real>,
    net: &Net,
) -> Option<RoundResult> {
    match message {
        ServerMessage::Welcome { seat, mode, private, .. } => {
            room.play.welcome(*seat);
            room.rescue = Rescue::None;
            (room.mode, room.is_private) = (Some(*mode), *private);
            None
        }
        ServerMessage::Frames(bytes) => {
            let rounds = room.play.rounds();
            follow(room, bytes, ticks_at(at, time), net);
            if room.play.rounds() != rounds {
                room.result = None;
            }
            None
        }
        ServerMessage::Timing { margin_p99_ticks, late, received } => {
            room.play.timing(*margin_p99_ticks, *late, *received);
            None
        }
        ServerMessage::Summary(summary) => {
            let wait = Duration::from_secs(u64::from(summary.next_round_in_s));
            let result = RoundResult {
                summary: summary.clone(),
                next_at: at + wait,
                prediction: room.play.statistics().report(),
                rematch: None,
            };
            room.result = Some(result.clone());
            Some(result)
        }
        ServerMessage::Pong { .. } => None,
    }
}

/// Follows the stream. Who has lost the thread says so, and gets a keyframe; when none comes, begins again: once, until
/// there is another welcome.
fn follow(room: &mut Room, bytes: &[u8], at: f64, net: &Net) {
    let before = room.play.diverged();
    let followed = room.play.frames(bytes, at);
    let Some(tick) = room.play.astray() else {
        room.rescue = Rescue::None;
        return;
    };
    match (&followed, room.rescue) {
        (Err(error), Rescue::None) => {
            warn!("the match stream cannot be followed at tick {}: {error}", tick.0);
        }
        (Ok(()), _) if room.play.diverged() != before => {
            warn!("the match went elsewhere than here at tick {}", tick.0);
        }
        (Err(_), Rescue::Told(_) | Rescue::BegunAgain) | (Ok(()), _) => {}
    }
    match room.rescue {
        Rescue::None => {
            room.rescue = Rescue::Told(at);
            net.ask(Request::Game(ClientMessage::Diverged { tick }));
        }
        Rescue::Told(since) if at - since > HEALED_WITHIN_TICKS => {
            room.rescue = Rescue::BegunAgain;
            net.ask(Request::BeginAgain);
        }
        Rescue::Told(_) | Rescue::BegunAgain => {}
    }
}

fn play(
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    mut controls: ResMut<Controls>,
    autopilot: Res<Autopilot>,
    net: Res<Net>,
    mut seen: MessageWriter<Seen>,
    mut settled: MessageWriter<Settled>,
) {
    let now = ticks_at(Instant::now(), &time);
    let seat = room.play.seat();
    let messages = room.play.run(now, |world| match seat {
        Some(seat) if autopilot.is_on() => autopilot.think(world, seat),
        Some(_) | None => controls.take(),
    });
    if room.is_open() {
        messages.into_iter().for_each(|message| net.ask(Request::Game(message)));
    }
    if room.result.is_some() {
        controls.forget_presses();
    }
    for happening in room.play.take_happenings() {
        if happening.show {
            seen.write(Seen(happening.event));
        }
        if happening.settled {
            settled.write(Settled(happening.event));
        }
    }
}

fn show(
    mut room: ResMut<Room>,
    time: Res<Time<Real>>,
    controls: Res<Controls>,
    autopilot: Res<Autopilot>,
    mut stage: ResMut<Stage>,
) {
    let seconds = time.delta_secs();
    let seat = room.play.seat();
    let mut drawn = room.play.draw(seconds);
    // The own disc looks where the mouse is, not where it was a tick ago.
    if let (Some(drawn), Some(seat), false) = (&mut drawn, seat, autopilot.is_on())
        && let Some(own) = drawn.discs.iter_mut().find(|disc| disc.slot == seat)
    {
        own.aim = radians_from_world(controls.aim());
    }
    stage.drawn = drawn;
    stage.seconds = seconds;
    stage.own = seat;
    stage.subject = seat.or(room.watched);
    stage.is_backdrop = false;
    if stage.roster != *room.play.roster() {
        stage.roster = room.play.roster().clone();
    }
}

#[cfg(test)]
mod tests {
    use shared::api::Role;
    use shared::protocol::ServerMessage;
    use shared::sim::{Command, Mode, Slot, World};
    use shared::snapshot::StreamEncoder;

    use super::{ClientMessage, Instant, LinkId, Net, Real, Request, Room, Time, follow, take};

    type Asked = tokio::sync::mpsc::Receiver<Request>;

    /// A second of a round with so many discs, as a connection begins.
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
        assert!(take(room, &welcome, Instant::now(), &Time::<Real>::default(), net).is_none());
    }

    fn told(asked: &mut Asked) -> bool {
        matches!(asked.try_recv(), Ok(Request::Game(ClientMessage::Diverged { .. })))
    }

    #[test]
    fn who_cannot_follow_the_stream_says_so_and_begins_again_when_nothing_helps() {
        let ((net, mut asked), mut room) = (Net::on_paper(), entered());
        welcome(&mut room, &net);
        follow(&mut room, &begun(2), 0.0, &net);
        assert!(asked.try_recv().is_err());

        (0..90).for_each(|_| follow(&mut room, &[3, 0, 255, 255, 255], 1.0, &net));
        assert!(told(&mut asked));
        assert!(asked.try_recv().is_err(), "it was told already");
        (0..90).for_each(|_| follow(&mut room, &[3, 0, 255, 255, 255], 130.0, &net));

        assert!(matches!(asked.try_recv(), Ok(Request::BeginAgain)));
        assert!(asked.try_recv().is_err(), "it was asked for already");
        welcome(&mut room, &net);
        follow(&mut room, &begun(2), 140.0, &net);
        assert!(asked.try_recv().is_err(), "all is well again");
    }

    #[test]
    fn a_keyframe_heals_a_stream_that_went_elsewhere_and_it_is_not_forgotten() {
        let ((net, mut asked), mut room) = (Net::on_paper(), entered());
        welcome(&mut room, &net);
        follow(&mut room, &begun(2), 0.0, &net);
        let rounds = room.play.rounds();

        follow(&mut room, &begun(3), 1.0, &net);
        assert!(told(&mut asked));
        follow(&mut room, &begun(3), 5.0, &net);
        follow(&mut room, &[3, 0, 255, 255, 255], 200.0, &net);

        assert!(told(&mut asked), "another loss is another word, and no new connection");
        assert_eq!((room.play.diverged(), room.play.rounds()), (1, rounds));
        welcome(&mut room, &net);
        assert_eq!(room.play.diverged(), 1);
    }
}
