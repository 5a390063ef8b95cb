//! `/api/players/{id}`: one player's ladder row and rating curve.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::PlayerProfile;
use shared::id::PlayerId;

use super::error::{HttpResult, one_of};
use super::extract::UrlPath;
use super::failures::NotFound;
use super::read_gate::Reading;
use crate::feeds::Feeds;
use crate::storage::{Store, StoreError};

/// Reads a player's rating, totals and last rounds.
#[utoipa::path(
    get, path = "/api/players/{id}", operation_id = "readPlayer", tag = "players",
    params(("id" = PlayerId, Path, description = "The player")),
    responses(
        (status = 200, description = "The row of the ladder, and the rating after each of the last rounds",
            body = PlayerProfile, example = json!({
                "player": "4T9Q2ZC7M1KD", "name": "Ada", "bot": false, "rating": 1512, "provisional": true, "points": 31,
                "knockouts": 40, "falls": 22, "rounds": 6, "wins": 2, "playing": null,
                "curve": [{"at_ms": 1_795_255_200_000_u64, "rating": 1512}],
            })),
    )
)]
pub async fn profile(
    _reading: Reading,
    State(store): State<Arc<dyn Store>>,
    State(feeds): State<Arc<Feeds>>,
    UrlPath(id): UrlPath<PlayerId>,
) -> HttpResult<Json<PlayerProfile>, ProfileError> {
    let stored = store.profile(id).await?;
    let mut profile = stored.ok_or(NotFound("player"))?;
    // The live ladder is newer than the store: it has the running round and the player's room.
    let live = feeds
        .scoreboard
        .with_state(|board| board.rows.iter().find(|row| row.player == id).cloned());
    profile.row = live.unwrap_or(profile.row);
    Ok(Json(profile))
}

one_of! {
    /// Why there is no profile.
    pub enum ProfileError {
        /// There is no such player.
        NotFound(NotFound),
        /// The profile cannot be read.
        Store(StoreError),
    }
}
