//! A player (or a spectator) who follows a room by itself and does what the story tells.
//!
//! A task owns the connection: it decodes what comes, thinks with the bots' brain when it is told to fight,
//! and publishes what it sees. The story waits for conditions on that view.

mod mind;
mod view;

pub use mind::Conduct;
pub use view::View;

use shared::api::{MatchState, Role};
use shared::id::RoomId;
use shared::protocol::ClientMessage;
use shared::sim::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::guest::Guest;
use crate::site::Site;
use crate::socket::{Closed, GameSocket};
use crate::wait::within;
use mind::Mind;

#[derive(Debug)]
enum Order {
    Conduct(Conduct),
    Say(ClientMessage),
}

impl Guest {
    /// Takes a seat and follows the room.
    pub async fn play(&self, room: RoomId) -> Player {
        Player::sit(self.clone(), self.connect(room, Role::Player).await).await
    }

    /// Follows the room without a seat.
    pub async fn spectate(&self, room: RoomId) -> Player {
        Player::sit(self.clone(), self.connect(room, Role::Spectator).await).await
    }
}

impl Site {
    /// A guest who waits in the queue until there is a seat, and then plays.
    ///
    /// # Panics
    /// When none is found.
    pub async fn quick_play(&self, name: &str, mode: Mode) -> Player {
        let guest = self.guest(name).await;
        let mut ticket = guest.seek_match(mode).await;
        loop {
            if let MatchState::Matched { room } = ticket.state {
                return guest.play(room).await;
            }
            if let Some(newer) = guest.follow_match(&ticket, 5).await {
                ticket = newer;
            }
        }
    }
}

/// A connection to a room that is followed.
#[derive(Debug)]
pub struct Player {
    guest: Guest,
    orders: mpsc::Sender<Order>,
    view: watch::Receiver<View>,
    task: JoinHandle<()>,
}

impl Player {
    /// Follows a connection and waits until it shows a world.
    pub async fn sit(guest: Guest, socket: GameSocket) -> Self {
        // A story gives few orders; one that gives more waits.
        let (orders, receiver) = mpsc::channel(16);
        let (publish, view) = watch::channel(View::default());
        let task = tokio::spawn(follow(socket, receiver, publish));
        let mut player = Self { guest, orders, view, task };
        player.until("a first world", |view| view.world.is_some()).await;
        player
    }

    /// Who plays.
    #[must_use]
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// What is seen now.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Waits until something is seen.
    ///
    /// # Panics
    /// When it does not come in time, or the connection ends before.
    pub async fn until(&mut self, what: &str, seen: impl Fn(&View) -> bool) -> View {
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
        within(what, arrives).await
    }

    /// Waits until the connection ends.
    pub async fn closed(&mut self) -> Closed {
        let view = self.until("the end of the connection", |view| view.closed.is_some()).await;
        view.closed.unwrap_or(Closed { code: None, reason: String::new() })
    }

    /// Changes what it does by itself.
    pub async fn conduct(&self, conduct: Conduct) {
        self.order(Order::Conduct(conduct)).await;
    }

    /// Says something.
    pub async fn say(&self, message: ClientMessage) {
        self.order(Order::Say(message)).await;
    }

    /// Fights until it has pushed somebody over the edge, then rests. Says how many that makes.
    pub async fn score_a_point(&mut self) -> u32 {
        let before = self.view().knockouts;
        self.conduct(Conduct::Fight).await;
        let view = self.until("a point", |view| view.knockouts > before).await;
        self.conduct(Conduct::Rest).await;
        view.knockouts
    }

    /// Ends the connection as a pulled plug would, and gives the guest back.
    pub async fn pull_the_plug(self) -> Guest {
        self.task.abort();
        // Aborted or done: gone either way.
        self.task.await.ok();
        self.guest
    }

    async fn order(&self, order: Order) {
        self.orders.send(order).await.expect("the connection is open");
    }
}

async fn follow(
    mut socket: GameSocket,
    mut orders: mpsc::Receiver<Order>,
    publish: watch::Sender<View>,
) {
    let mut mind = Mind::new(Conduct::Rest);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Conduct(conduct)) => mind = Mind::new(conduct),
                Some(Order::Say(message)) => {
                    // One that is gone says so when it is read.
                    socket.send(&message).await.ok();
                }
                None => return,
            },
            heard = socket.next() => {
                let is_over = heard.is_err();
                let mut inputs = None;
                publish.send_modify(|view| {
                    let moved = view.take(heard);
                    inputs = moved.then(|| mind.inputs(view)).flatten();
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
