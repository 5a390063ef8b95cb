//! The scoreboard as a subscriber sees it.

use shared::api::{ScoreRow, Scoreboard};
use shared::feed::{KIND_RESET, KIND_SNAPSHOT};

use crate::feed::{self, AnyEnvelope, FeedReader, Transport};
use crate::site::Site;
use crate::wait::within;

impl Site {
    /// The scoreboard, followed over SSE.
    pub async fn watch_scores(&self) -> ScoreWatch {
        ScoreWatch::new(self.subscribe("scoreboard", Transport::Sse).await)
    }
}

/// A subscription to the scoreboard, with the board that its events add up to.
pub struct ScoreWatch {
    reader: Box<dyn FeedReader>,
    board: Scoreboard,
}

impl ScoreWatch {
    /// Follows a new subscription.
    #[must_use]
    pub fn new(reader: Box<dyn FeedReader>) -> Self {
        Self { reader, board: Scoreboard::default() }
    }

    /// Waits for the next event. Returns the board after it.
    pub async fn next(&mut self) -> &Scoreboard {
        let envelope = feed::next(&mut *self.reader).await;
        self.take(&envelope);
        &self.board
    }

    /// Waits until `wanted` is true for the row of a name.
    pub async fn until(&mut self, name: &str, wanted: impl Fn(&ScoreRow) -> bool) -> ScoreRow {
        let what = format!("the line of {name}");
        let found = async {
            loop {
                if let Some(row) = self.next().await.row_of(name).filter(|row| wanted(row)) {
                    return row.clone();
                }
            }
        };
        within(&what, found).await
    }

    fn take(&mut self, envelope: &AnyEnvelope) {
        match envelope.kind.as_str() {
            KIND_SNAPSHOT | KIND_RESET => self.board = feed::data(envelope),
            Scoreboard::EVENT_SCORE => self.board.upsert(feed::data(envelope)),
            other => panic!("a scoreboard has no event {other}"),
        }
    }
}
