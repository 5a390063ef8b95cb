//! A scripted player or spectator in a room.
//!
//! A task owns the connection: it decodes the match stream, plays with the bots' brain when its behaviour is to fight,
//! and publishes a [`View`]. The story waits for conditions on that view.

mod planner;
mod view;

pub use planner::Behaviour;
pub use view::View;

use std::time::Duration;

use shared::api::{MatchState, Role};
use shared::id::RoomId;
use shared::protocol::ClientMessage;
use shared::sim::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::guest::Guest;
use crate::site::Site;
use crate::socket::{Closed, GameSocket};
use crate::wait::{DEADLINE, within_time};
use planner::InputPlanner;

/// A fight is partly luck.
const POINT_WITHIN: Duration = Duration::from_secs(120);

#[derive(Debug)]
enum Command {
    Behave(Behaviour),
    Send(ClientMessage),
}

impl Guest {
    /// Takes a seat in a room.
    pub async fn play(&self, room: RoomId) -> Player {
        Player::follow(self.clone(), self.connect(room, Role::Player).await).await
    }

    /// Follows a room as a spectator.
    pub async fn spectate(&self, room: RoomId) -> Player {
        Player::follow(self.clone(), self.connect(room, Role::Spectator).await).await
    }
}

impl Site {
    /// Signs in, waits in the queue until there is a match, and takes the seat.
    ///
    /// # Panics
    /// When no match is found.
    pub async fn quick_play(&self, name: &str, mode: Mode) -> Player {
        let guest = self.guest(name).await;
        let mut ticket = guest.join_queue(mode).await;
        loop {
            if let MatchState::Matched { room, .. } = ticket.state {
                return guest.play(room).await;
            }
            if let Some(newer) = guest.poll_match(&ticket, 5).await {
                ticket = newer;
            }
        }
    }
}

/// A connection to a room, with the task that owns it.
#[derive(Debug)]
pub struct Player {
    guest: Guest,
    commands: mpsc::Sender<Command>,
    view: watch::Receiver<View>,
    task: JoinHandle<()>,
}

impl Player {
    /// Follows the room over this connection, and waits for a first world.
    pub async fn follow(guest: Guest, socket: GameSocket) -> Self {
        let mut player = Self::begin(guest, socket);
        player.until("a first world", |view| view.world.is_some()).await;
        player
    }

    /// Follows the room over this connection, which may end at any time.
    #[must_use]
    pub fn begin(guest: Guest, socket: GameSocket) -> Self {
        // A story gives few commands. When the queue is full, it waits.
        let (commands, receiver) = mpsc::channel(16);
        let (publish, view) = watch::channel(View::default());
        let task = tokio::spawn(run(socket, receiver, publish));
        Self { guest, commands, view, task }
    }

    /// The guest that plays.
    #[must_use]
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// The current view.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Waits until `seen` is true for the view.
    ///
    /// # Panics
    /// When that does not happen in time, or the connection ends first.
    pub async fn until(&mut self, what: &str, seen: impl Fn(&View) -> bool) -> View {
        self.until_within(DEADLINE, what, seen).await
    }

    async fn until_within(
        &mut self,
        deadline: Duration,
        what: &str,
        seen: impl Fn(&View) -> bool,
    ) -> View {
        let arrives = async {
            loop {
                {
                    let view = self.view.borrow_and_update();
                    if seen(&view) {
                        return view.clone();
                    }
                    assert!(view.closed.is_none(), "{what} did not come: {:?}", view.closed);
                }
                self.view.changed().await.expect("the view outlives the connection");
            }
        };
        within_time(deadline, what, arrives).await
    }

    /// Waits for another view. False when there will be none.
    pub async fn changed(&mut self) -> bool {
        self.view.changed().await.is_ok()
    }

    /// Waits until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        let view = self.until("the end of the connection", |view| view.closed.is_some()).await;
        view.closed.unwrap_or(Closed { code: None, reason: String::new() })
    }

    /// Changes the player's behaviour.
    pub async fn set_behaviour(&self, behaviour: Behaviour) {
        self.command(Command::Behave(behaviour)).await;
    }

    /// Sends a message to the room.
    pub async fn send(&self, message: ClientMessage) {
        self.command(Command::Send(message)).await;
    }

    /// Fights until the player has knocked another one out, then idles. Returns the number of knock-outs so far.
    pub async fn score_a_point(&mut self) -> u32 {
        let before = self.view().knockouts;
        self.set_behaviour(Behaviour::Fight).await;
        let is_won = |view: &View| view.knockouts > before;
        let view = self.until_within(POINT_WITHIN, "a point", is_won).await;
        self.set_behaviour(Behaviour::Idle).await;
        view.knockouts
    }

    /// Drops the connection without a close frame. Returns the guest.
    pub async fn drop_connection(self) -> Guest {
        self.task.abort();
        // The task was aborted or has ended.
        self.task.await.ok();
        self.guest
    }

    async fn command(&self, command: Command) {
        // A connection that has ended is noticed when its view is read.
        self.commands.send(command).await.ok();
    }
}

async fn run(
    mut socket: GameSocket,
    mut commands: mpsc::Receiver<Command>,
    publish: watch::Sender<View>,
) {
    let mut planner = InputPlanner::new(Behaviour::Idle);
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Behave(behaviour)) => planner = InputPlanner::new(behaviour),
                Some(Command::Send(message)) => {
                    // A connection that has ended is noticed when it is read.
                    socket.send(&message).await.ok();
                }
                None => return,
            },
            received = socket.next() => {
                let is_over = received.is_err();
                let mut inputs = None;
                publish.send_modify(|view| {
                    let moved = view.take(received);
                    inputs = moved.then(|| planner.inputs(view)).flatten();
                });
                if let Some(inputs) = inputs {
                    socket.send(&inputs).await.ok();
                }
                if is_over {
                    return;
                }
            }
        }
    }
}
