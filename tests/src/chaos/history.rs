//! What the database holds in the end: every acknowledged line once, every result that was told, and ratings and totals that
//! follow from the rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use game_server::rating::RoundResult;
use shared::id::{PlayerId, PlayerName, ReplayId, RoomId};
use shared::protocol::{PlayerResult, Ratings, RoundSummary};
use shared::sim::{Mode, Slot};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::time::sleep;

use super::chat::Talk;
use super::findings::Findings;
use super::players::Played;
use crate::ratings::{Kept, results_of};

const LINES_ONCE: &str = "an acknowledged line of chat is kept, once, under its number";
const LINES_NUMBERED: &str = "the numbers of the lines of chat have no gap";
const LINES_HEARD: &str = "what a reader of the chat has heard is what is kept";
const RESULTS_KEPT: &str = "an acknowledged result is kept";
const RESULTS_LATER: &str = "a result that was to be kept later is kept in the end";
const RATINGS: &str = "ratings and totals follow from the rounds";
const OWN_ROOMS: &str = "a player plays only in rooms that it was sent to";

/// Players of a round, for which every way to break ties is tried.
const PLAYERS_MAX: usize = 6;
/// The time for results that wait: a node tries again after eight seconds at most.
const LATER_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Checks the database.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn check(
    database: &str,
    talk: &Talk,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let mut connection = PgConnection::connect(database).await.context("opening the database")?;
    check_chat(&mut connection, talk, findings).await?;
    await_pending(&mut connection, played, findings).await?;
    let kept = Kept::read(database).await?;
    check_results(&kept, played, findings);
    check_ratings(&mut connection, &kept, played, findings).await?;
    check_rooms(&mut connection, played, findings).await?;
    connection.close().await.context("closing the database")
}

async fn check_chat(connection: &mut PgConnection, talk: &Talk, findings: &Findings) -> Result<()> {
    let rows = sqlx::query("SELECT sequence, text FROM chat_lines ORDER BY sequence")
        .fetch_all(connection)
        .await?;
    let mut kept = Vec::new();
    for row in rows {
        let (sequence, text): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
        kept.push((sequence.unsigned_abs(), text));
    }
    findings.count("lines of chat", kept.len());
    for pair in kept.windows(2).filter(|pair| pair[1].0 != pair[0].0 + 1) {
        findings.broke(LINES_NUMBERED, &format!("{pair:?}"));
    }
    let mut places: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (sequence, text) in &kept {
        places.entry(text).or_default().push(*sequence);
    }
    for said in &talk.said {
        let at = places.get(said.text.as_str()).map_or(&[][..], Vec::as_slice);
        let is_right = match said.sequence {
            Some(sequence) => at == [sequence],
            None => at.len() <= 1,
        };
        if !is_right {
            findings.broke(LINES_ONCE, &format!("{said:?} is kept under {at:?}"));
        }
    }
    let kept: BTreeMap<_, _> = kept.iter().map(|(sequence, text)| (sequence, text)).collect();
    for (sequence, text) in &talk.heard {
        if kept.get(sequence) != Some(&text) {
            let found = kept.get(sequence);
            findings.broke(LINES_HEARD, &format!("{sequence}: {text:?}, kept is {found:?}"));
        }
    }
    Ok(())
}

/// Waits for the results that the players were told as not kept yet: each is on the disk of a node that is back.
async fn await_pending(
    connection: &mut PgConnection,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    findings.count("results that were to be kept later", played.pending.len());
    let began = Instant::now();
    loop {
        let rows = sqlx::query("SELECT DISTINCT replay FROM rating_history")
            .fetch_all(&mut *connection)
            .await?;
        let mut kept = BTreeSet::new();
        for row in rows {
            kept.insert(ReplayId::from_bits(row.try_get::<i64, _>(0)?.cast_unsigned()));
        }
        let missing: Vec<_> = played.pending.difference(&kept).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if began.elapsed() > LATER_WITHIN {
            for replay in missing {
                findings.broke(RESULTS_LATER, &format!("the round {replay}"));
            }
            return Ok(());
        }
        sleep(LOOK_EVERY).await;
    }
}

fn check_results(kept: &Kept, played: &Played, findings: &Findings) {
    for settled in &played.settled {
        let steps = kept.rounds.get(&settled.replay).map_or(&[][..], Vec::as_slice);
        let found = steps.iter().find(|step| step.player == settled.player);
        if found.map(|step| step.after) != Some(settled.rating.into()) {
            findings.broke(RESULTS_KEPT, &format!("{settled:?}, kept is {found:?}"));
        }
    }
}

/// Computes all ratings and totals once more.
async fn check_ratings(
    connection: &mut PgConnection,
    kept: &Kept,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let entries = entries(connection).await?;
    findings.count("rounds that were settled", kept.rounds.len());
    let room = RoomId::from_bits(0);
    let results = |replay: ReplayId| match played.summaries.get(&replay) {
        Some(summary) => results_of(summary, room, Mode::Duel),
        None => entries.get(&replay).map(|players| results_of_entry(players)).unwrap_or_default(),
    };
    if let Err(contradiction) = kept.check(results) {
        findings.broke(RATINGS, &contradiction);
    }
    Ok(())
}

/// The players of each recording, best first.
async fn entries(connection: &mut PgConnection) -> Result<BTreeMap<ReplayId, Vec<PlayerResult>>> {
    let rows = sqlx::query(
        "SELECT replay, player, name, bot, points FROM replay_players ORDER BY replay, place",
    )
    .fetch_all(connection)
    .await?;
    let mut entries = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        let replay = ReplayId::from_bits(row.try_get::<i64, _>("replay")?.cast_unsigned());
        let points: i64 = row.try_get("points")?;
        entries.entry(replay).or_default().push(PlayerResult {
            slot: Slot(0),
            player: PlayerId::from_bits(row.try_get::<i64, _>("player")?.cast_unsigned()),
            name: PlayerName::parse(row.try_get("name")?).context("a name")?,
            bot: row.try_get::<i64, _>("bot")? != 0,
            team: None,
            points: i32::try_from(points).context("points")?,
            knockouts: 0,
            falls: 0,
            rating: 0,
            rating_change: 0,
            provisional: false,
        });
    }
    Ok(entries)
}

/// The results of a round that nobody was told: it is not known which of those with equal points have equal falls.
fn results_of_entry(players: &[PlayerResult]) -> Vec<RoundResult> {
    let with = |differ: u32| {
        let mut falls = 0;
        let results = (0..).zip(players).map(|(place, player)| {
            falls += u32::from(differ & (1 << place) != 0);
            PlayerResult { falls, ..player.clone() }
        });
        let summary = RoundSummary {
            results: results.collect(),
            next_round_in_s: 0,
            replay: ReplayId::from_bits(0),
            ratings: Ratings::Settled,
        };
        results_of(&summary, RoomId::from_bits(0), Mode::Duel)
    };
    (0..1 << players.len().min(PLAYERS_MAX)).flat_map(with).collect()
}

async fn check_rooms(
    connection: &mut PgConnection,
    played: &Played,
    findings: &Findings,
) -> Result<()> {
    let rows = sqlx::query(
        "SELECT rp.player, r.room, r.complete FROM replays r \
         JOIN replay_players rp ON rp.replay = r.id WHERE rp.bot = 0",
    )
    .fetch_all(connection)
    .await?;
    findings.count("rounds of a player that were recorded", rows.len());
    let mut cut_off = 0;
    for row in rows {
        let id = |place| row.try_get::<i64, _>(place).map(i64::cast_unsigned);
        let (player, room) = (PlayerId::from_bits(id(0)?), RoomId::from_bits(id(1)?));
        cut_off += usize::from(row.try_get::<i64, _>(2)? == 0);
        if !played.rooms.contains(&(player, room)) {
            findings.broke(OWN_ROOMS, &format!("{player} in {room}"));
        }
    }
    findings.count("rounds of a player that were recorded and cut off", cut_off);
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::id::{PlayerId, PlayerName};
    use shared::protocol::PlayerResult;
    use shared::sim::Slot;

    use super::{RoundResult, results_of_entry};

    #[test]
    fn a_round_that_nobody_was_told_may_have_been_a_win_a_draw_or_unrated() {
        let player = |id| PlayerResult {
            slot: Slot(0),
            player: PlayerId::from_bits(id),
            name: PlayerName::parse("Ada").unwrap(),
            bot: false,
            team: None,
            points: 2,
            knockouts: 0,
            falls: 0,
            rating: 0,
            rating_change: 0,
            provisional: false,
        };

        let results = results_of_entry(&[player(1), player(2)]);

        let is_draw = |standings: &[game_server::rating::Standing]| {
            standings[0].rank_key() == standings[1].rank_key()
        };
        let found = |is_drawn, rated: [bool; 2]| {
            results.iter().any(|RoundResult { standings, .. }| {
                is_draw(standings) == is_drawn && [standings[0].rated, standings[1].rated] == rated
            })
        };
        for is_drawn in [true, false] {
            assert!(found(is_drawn, [true, true]) && found(is_drawn, [true, false]));
            assert!(found(is_drawn, [false, true]) && found(is_drawn, [false, false]));
        }
    }
}
