//! What the game wants of the link to a room, from entering it to leaving it.

use shared::protocol::ClientMessage;
use tokio::sync::{mpsc, oneshot};

/// Orders that may wait for a socket. When full, the newest is dropped: inputs are perishable.
const ORDERS_MAX: usize = 64;

/// What the game wants.
#[derive(Debug)]
pub(super) enum Order {
    /// Say this.
    Say(ClientMessage),
    /// What comes cannot be followed: connect again, for a new connection begins with a keyframe.
    BeginAgain,
}

/// How the game leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// The seat is given up.
    Leave,
    /// The seat waits for a while.
    StepOut,
}

/// The game's end. Dropping it steps out.
#[derive(Debug)]
pub(super) struct Reins {
    orders: mpsc::Sender<Order>,
    give_up: oneshot::Sender<()>,
}

impl Reins {
    /// Wants something. A link that is stuck does not get it.
    pub(super) fn want(&self, order: Order) {
        drop(self.orders.try_send(order));
    }

    /// Lets go of the seat.
    pub(super) fn leave(self) {
        // A link that has ended has no seat to give up.
        self.give_up.send(()).ok();
    }
}

/// The link's end.
#[derive(Debug)]
pub(super) struct Orders {
    orders: mpsc::Receiver<Order>,
    give_up: oneshot::Receiver<()>,
    parting: Option<Parting>,
}

/// Both ends.
pub(super) fn orders() -> (Reins, Orders) {
    let (sender, receiver) = mpsc::channel(ORDERS_MAX);
    let (give_up, given_up) = oneshot::channel();
    let reins = Reins { orders: sender, give_up };
    (reins, Orders { orders: receiver, give_up: given_up, parting: None })
}

impl Orders {
    /// The next order, or how the game left. May be asked again after that, and says the same.
    pub(super) async fn next(&mut self) -> Result<Order, Parting> {
        if let Some(order) = self.orders.recv().await {
            return Ok(order);
        }
        Err(*self.parting.get_or_insert_with(|| match self.give_up.try_recv() {
            Ok(()) => Parting::Leave,
            Err(_) => Parting::StepOut,
        }))
    }

    /// Waits until the game has left, and throws away what it orders meanwhile.
    pub(super) async fn parting(&mut self) -> Parting {
        loop {
            if let Err(parting) = self.next().await {
                return parting;
            }
        }
    }

    /// Waits until the game has stepped out. Never ends when it gives the seat up: that must be said first.
    pub(super) async fn stepped_out(&mut self) {
        if self.parting().await == Parting::Leave {
            std::future::pending::<()>().await;
        }
    }
}
