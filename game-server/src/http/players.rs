//! `/api/players/{id}`: one player's line and curve.

use axum::Json;
use axum::extract::State;
use shared::api::PlayerProfile;
use shared::id::PlayerId;

use super::UrlPath;
use super::error::{HttpError, HttpResult};
use crate::app::SharedApp;

/// A player's rating, totals and last rounds.
#[utoipa::path(
    get, path = "/api/players/{id}", operation_id = "readPlayer", tag = "players",
    params(("id" = PlayerId, Path, description = "The player")),
    responses(
        (status = 200, description = "The line of the ladder, and the last rounds' ratings",
            body = PlayerProfile, example = json!({
                "player": "4T9Q2ZC7M1KD", "name": "Ada", "bot": false, "rating": 1512, "points": 31,
                "knockouts": 40, "falls": 22, "rounds": 6, "wins": 2, "playing": null,
                "curve": [{"at_ms": 1_795_255_200_000_u64, "rating": 1512}],
            })),
        (status = 404, description = "not-found"),
    )
)]
pub async fn profile(
    State(app): State<SharedApp>,
    UrlPath(id): UrlPath<PlayerId>,
) -> HttpResult<Json<PlayerProfile>> {
    let stored = app.store.profile(id).await?;
    let mut profile = stored.ok_or_else(|| HttpError::not_found("player"))?;
    // The live ladder knows more than the store: the running round, and where the player sits.
    let live = app
        .feeds
        .scoreboard
        .with_state(|board| board.rows.iter().find(|row| row.player == id).cloned());
    profile.row = live.unwrap_or(profile.row);
    Ok(Json(profile))
}
