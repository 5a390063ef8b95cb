//! Keeps what many nodes share as it should be: the list of rooms, the directory, the scoreboard, and the recordings of nodes
//! that are dead.
//!
//! Each node looks after its own rooms. The steward closes the rooms of nodes that are dead or have started again, shows that
//! their players play nowhere, saves their recordings, and corrects what no living node answers for.
//!
//! **Invariant:** every look compares what is there with what should be, and remembers nothing that it would have to finish.
//! So what fails is found again by the next look, and two stewards do the same thing twice.

mod lasting;
mod recordings;
mod rooms;
mod scores;
mod shared_state;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::id::RoomId;
use tokio::time::sleep;

use crate::bus::StateOwner;
use crate::feeds::Feeds;
use crate::ladder::LadderHandle;
use crate::recordings::Salvage;
use crate::storage::Ladder as KeptLadder;
use crate::tasks::Tasks;
use lasting::Lasting;
use rooms::Rooms;
use scores::Scores;
use shared_state::listed_rooms;

pub use shared_state::SharedState;

/// The pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a room of this node may be missing in the list before this node tells it again.
const UNLISTED_FOR: Duration = Duration::from_secs(4);

/// Starts the tasks of one of many nodes. `own_rooms` publishes all public rooms of this node.
pub fn start(
    tasks: &Tasks,
    shared: SharedState,
    feeds: Arc<Feeds>,
    kept: Arc<dyn KeptLadder>,
    ladder: LadderHandle,
    own_rooms: Arc<dyn StateOwner>,
    salvage: Salvage,
) {
    let recordings = recordings::run(tasks.clone(), shared.clone(), salvage);
    tasks.spawn_vital("recordings of the dead", recordings);
    let scores = Scores::new(shared.clone(), feeds.clone(), kept);
    let rooms = Rooms::new(shared.clone(), feeds.clone());
    let unlisted = Lasting::new(UNLISTED_FOR);
    let upkeep = Upkeep { shared, feeds, ladder, own_rooms, unlisted, rooms, scores };
    tasks.spawn_vital("lobby upkeep", upkeep.run(tasks.clone()));
}

struct Upkeep {
    shared: SharedState,
    feeds: Arc<Feeds>,
    ladder: LadderHandle,
    own_rooms: Arc<dyn StateOwner>,
    /// Rooms of this node that the list lacks.
    unlisted: Lasting<RoomId>,
    rooms: Rooms,
    scores: Scores,
}

impl Upkeep {
    async fn run(mut self, tasks: Tasks) {
        let mut nodes = self.shared.nodes.changes();
        let mut steward = self.shared.steward.changes();
        loop {
            tokio::select! {
                () = tasks.stopping() => return,
                () = self.look() => {}
            }
            tokio::select! {
                () = tasks.stopping() => return,
                () = sleep(LOOK_EVERY) => {}
                Ok(()) = nodes.changed() => {}
                Ok(()) = steward.changed() => {}
            }
        }
    }

    async fn look(&mut self) {
        self.look_after_own();
        if !self.shared.steward.is_held() {
            // Another one may have done everything before this node is the steward again.
            self.rooms.forget();
            self.scores.forget();
            return;
        }
        self.rooms.look(&self.scores).await;
        self.scores.look().await;
    }

    /// What others have said of this node's rooms and players while they could not hear it.
    fn look_after_own(&mut self) {
        let Self { shared, feeds, .. } = self;
        shared.directory.reconcile();
        let own = shared.directory.own();
        let listed = listed_rooms(feeds);
        let public = own.iter().filter(|(_, row)| !row.private).map(|(room, _)| *room);
        let unlisted = self.unlisted.look(Instant::now(), public.filter(|id| !listed.contains(id)));
        if !unlisted.is_empty() {
            self.own_rooms.republish();
        }
        let people: HashSet<_> =
            own.iter().flat_map(|(_, row)| &row.people).map(|visitor| visitor.player).collect();
        let shown = feeds.scoreboard.with_state(|scoreboard| {
            let own = scoreboard.rows.iter().filter(|row| people.contains(&row.player));
            own.cloned().collect::<Vec<_>>()
        });
        if !shown.is_empty() {
            self.ladder.shown(shown);
        }
    }
}
